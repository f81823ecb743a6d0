"""What the backend says and hides: errors in one line, keys by name, the library's log in a file."""

import logging
import os
from pathlib import Path

import pytest

from designer_configs.compile.profile import load_profile
from jobs.library.backend import build_provider, say_error
from jobs.library.log import log_library_to


def test_provider_names_its_key_and_does_not_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVIDIA_API_KEY", "canary")
    provider = build_provider(load_profile("nim_dev"), None)
    assert provider.api_key == "NVIDIA_API_KEY"
    assert "canary" not in repr(provider)
    assert build_provider(load_profile("nim_dev"), "http://127.0.0.1:1/v1").endpoint == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "  |----------\n  | Cause: no key.\n  | Solution: give one.\n  |----------",
            "Cause: no key. Solution: give one.",
        ),
        ("Cause: too long while running generation for column 'trade'.", "Cause: too long."),
        ("🛑 Error generating dataset: no table", "Error generating dataset: no table"),
        ("", ""),
    ],
)
def test_error_of_the_library_is_said_in_one_line(text: str, said: str) -> None:
    assert say_error(text) == said


def test_library_logs_to_the_file_while_it_is_open(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("data_designer.engine")
    root = logging.getLogger("data_designer")
    before = (root.level, root.propagate, list(root.handlers))
    with log_library_to(tmp_path / "log", verbose=False):
        logger.info("at work")
    logger.info("later")
    assert (tmp_path / "log").read_text().endswith(" INFO data_designer.engine at work\n")
    assert (root.level, root.propagate, list(root.handlers)) == before
    assert capsys.readouterr() == ("", "")


def test_log_is_not_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "log").symlink_to(tmp_path / "elsewhere")
    with (
        pytest.raises(OSError, match="it is a link, and nothing is written through links"),
        log_library_to(tmp_path / "log", verbose=False),
    ):
        pass
    assert not (tmp_path / "elsewhere").exists()


def test_log_waits_for_no_reader_of_a_pipe(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "log")
    with pytest.raises(OSError, match="it is a pipe"), log_library_to(tmp_path / "log", verbose=False):
        pass


def test_log_that_cannot_be_written_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with log_library_to(Path("/dev/full"), verbose=False):
        logging.getLogger("data_designer.engine").info("at work")
    assert capsys.readouterr() == ("", "")
