"""One console and one door: text is shown as it is, in colours that are ours alone."""

import ast
import io
import sys

import pytest
from click.testing import CliRunner
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tests.conftest import ROOT
from tradelogs.cli import main
from tradelogs.outlets import open_outlets
from tradelogs.terminal import CleanConsole

HOSTILE = "[red]x [v2][/] :smile: \x1b[31m\u202e"
SHOWN = "[red]x [v2][/] :smile: \\x1b[31m\\u202e"


def test_text_of_every_kind_is_shown_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    console = CleanConsole()
    table = Table(box=None)
    table.add_row(HOSTILE, Text(HOSTILE))
    for shown in (HOSTILE, Text(HOSTILE), Text.assemble("is ", (HOSTILE, "red")), Panel(HOSTILE, width=70), table):
        console.print(shown, soft_wrap=True)
        assert SHOWN in capsys.readouterr().out


def test_colours_of_ours_pass_the_door_and_what_others_write_is_cleaned(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    with open_outlets():
        CleanConsole().print(Text(f"ours {HOSTILE}", "red"), soft_wrap=True)
        print(f"theirs {HOSTILE}")
    assert terminal.getvalue() == f"\x1b[31mours {SHOWN}\x1b[0m\ntheirs {SHOWN}\n"


def test_a_typing_error_goes_through_the_door() -> None:
    result = CliRunner().invoke(main, ["generate", "offline", "--num", "\u202e\x9b"])
    assert result.exit_code == 2
    assert "\\u202e\\x9b" in result.output
    assert result.output.replace("\n", "").isprintable()


def test_a_name_is_never_shown_as_another() -> None:
    result = CliRunner().invoke(main, ["new", "dataset", "x\x1b[31m"])
    assert (result.exit_code, "error: x\\x1b[31m cannot be" in result.output) == (2, True)


def test_there_is_no_other_console() -> None:
    made = {
        path.name
        for room in ("tradelogs", "refine_loop", "verification", "exports", "service", "jobs")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Console"
    }
    assert made == set()
