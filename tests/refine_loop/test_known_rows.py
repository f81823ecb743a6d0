"""Known rows against a dict: found where the marks are equal, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refine_loop.known_rows import KnownRows

marks = st.binary(max_size=4)


@given(added=st.lists(st.tuples(marks, st.text(max_size=4))), asked=st.lists(marks))
def test_rows_are_found_as_in_a_dict(added: list[tuple[bytes, str]], asked: list[bytes]) -> None:
    known = KnownRows()
    for mark, row_id in added:
        known.add(mark, row_id)
    expected = dict(added)
    for mark in [*asked, *expected]:
        assert known.find(mark) == expected.get(mark)


@pytest.mark.parametrize("other", [b"", b"a", b"ab\0", b"aB"])
def test_row_with_another_mark_is_not_known(other: bytes) -> None:
    known = KnownRows()
    known.add(b"ab", "a")
    assert (known.find(b"ab"), known.find(other)) == ("a", None)
