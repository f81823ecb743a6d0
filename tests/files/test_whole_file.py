"""Whole files are never written through what somebody put in the place of their unfinished beginnings."""

from collections.abc import Callable
from pathlib import Path

import pytest

from files.whole_file import write_text, write_whole


def write_apart(text: str, path: Path) -> None:
    with write_whole(path) as partial:
        partial.write_text(text, encoding="utf-8")


@pytest.mark.parametrize("write", [write_text, write_apart])
def test_a_link_in_a_partials_place_is_not_written_through(tmp_path: Path, write: Callable[[str, Path], None]) -> None:
    precious = tmp_path / "precious"
    precious.write_text("kept")
    (tmp_path / ".made.partial").symlink_to(precious)
    write("made", tmp_path / "made")
    assert precious.read_text() == "kept"
    assert (tmp_path / "made").read_text() == "made"
    assert not (tmp_path / "made").is_symlink()
