"""The library's log is text for a terminal that obeys nothing of it."""

import io
import logging
import sys
from pathlib import Path

import pytest

from jobs.library.log import log_library_to


@pytest.mark.parametrize("hostile", ["\x1b]0;title\x07", "\u202eback", "\x9b31m", "\x1b[2J"])
def test_control_characters_are_escapes_in_the_file_and_with_verbose(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hostile: str
) -> None:
    monkeypatch.setattr(sys, "stderr", shown := io.StringIO())
    with log_library_to(tmp_path / "x.log", verbose=True):
        logging.getLogger("data_designer.x").warning("the provider says %s", hostile)
    for text in (shown.getvalue(), (tmp_path / "x.log").read_text(encoding="utf-8")):
        assert "the provider says \\" in text
        assert text.replace("\n", "").isprintable()
