"""Known trades against a dict: found where the numbers are equal, and nowhere else."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gold_data.trades.rules import Fingerprint
from refine_loop.known_rows import KnownTrades

numbers = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, inf, 1e-320])
marks = st.tuples(numbers, numbers)


@given(added=st.lists(st.tuples(marks, st.text(max_size=4))), asked=st.lists(marks))
def test_trades_are_found_as_in_a_dict(added: list[tuple[Fingerprint, str]], asked: list[Fingerprint]) -> None:
    known = KnownTrades()
    for mark, row_id in added:
        known.add(mark, row_id)
    expected = dict(added)
    for mark in [*asked, *expected]:
        assert known.find(mark) == expected.get(mark)


@pytest.mark.parametrize("other", [(1.0, 2.0, 3.0), (1.0,), (1.0, 2.0000000000000004)])
def test_trade_with_another_number_is_not_known(other: Fingerprint) -> None:
    known = KnownTrades()
    known.add((1.0, 2.0), "a")
    assert (known.find((1.0, 2.0)), known.find(other)) == ("a", None)
