"""What is shown is seen and never obeyed, and a command that is shown does what it says."""

import os
import subprocess
from pathlib import Path

import pytest

from files.secret_text import remember_secrets
from files.shown_text import clean_text, show_path, write_command

NAMES = (
    "plain",
    "x [v2]",
    "Ann's",
    'q"uote',
    "$HOME `id`;&|",
    "a\nb\tc",
    "\x1b[31mred",
    "\u202eback",
    "\x9bC1",
    "é\\",
    "",
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\n\tas it is", "plain\n\tas it is"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\u202eback\u200b\x9b", "\\u202eback\\u200b\\x9b"),
        ("a\r\x7f\x00", "a\\r\\x7f\\x00"),
        ("9\u202f000\xa0é😀", "9\u202f000\xa0é😀"),
        ("\udcff", "\\udcff"),
    ],
)
def test_control_characters_are_escapes(text: str, shown: str) -> None:
    assert clean_text(text) == shown
    assert clean_text(shown) == shown


def test_a_secret_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOWN_TEXT_KEY", "canary-of-shown-text")
    remember_secrets(["SHOWN_TEXT_KEY"])
    assert clean_text("\x1bcanary-of-shown-text") == "\\x1b[SHOWN_TEXT_KEY]"


def test_a_path_is_shown_from_here_and_never_as_an_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert show_path(tmp_path / "runs" / "a") == "runs/a"
    assert show_path(tmp_path / "-x") == "./-x"
    assert show_path(Path("/elsewhere/a")) == "/elsewhere/a"
    assert show_path(tmp_path / "new\nline\t") == "new\\nline\\t"
    assert write_command("check", tmp_path / "new\nline") == "check $'new\\x0aline'"


@pytest.mark.parametrize("name", NAMES)
def test_a_shell_takes_a_command_as_it_is_meant(name: str) -> None:
    command = write_command("printf", "%s", name)
    assert clean_text(command) == command
    done = subprocess.run(["bash", "-c", command], capture_output=True, check=True)
    assert done.stdout == os.fsencode(name)
