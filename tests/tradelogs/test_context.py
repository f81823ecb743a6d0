"""What is written for coding assistants and shells: complete, and never stale."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.shell_completion import ShellComplete
from click.testing import Result

from designer_configs.compile.profile import list_profiles
from refine_loop import draw_graph
from tradelogs import context_page
from tradelogs.cli import main
from tradelogs.messages import find_messages

ROOT = Path(__file__).parents[2]
Cli = Callable[..., Result]


def test_the_page_for_assistants_is_up_to_date() -> None:
    assert context_page.main(["--check"]) == 0


def test_the_drawing_of_the_loop_is_up_to_date_and_names_every_node() -> None:
    assert draw_graph.main(["--check"]) == 0
    assert all(node in draw_graph.FILE.read_text() for node in ("plan", "generate", "refine", "settle"))


@pytest.mark.parametrize("module", [context_page, draw_graph])
def test_what_is_stale_is_said(
    module: object, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(module, "FILE", tmp_path / "page")
    assert (module.main(["--check"]), "is out of date" in capsys.readouterr().out) == (1, True)  # type: ignore[attr-defined]
    module.main([])  # type: ignore[attr-defined]
    assert module.main(["--check"]) == 0  # type: ignore[attr-defined]


def test_make_check_compares_both() -> None:
    recipe = (ROOT / "Makefile").read_text()
    assert "-m tradelogs.context_page --check" in recipe
    assert "-m refine_loop.draw_graph --check" in recipe


def test_the_context_has_keys_controls_datasets_commands_and_messages(cli: Cli) -> None:
    said = cli("context")
    assert said.exit_code == 0
    datasets = [path.parent.name for path in (ROOT / "columns").glob("*/dataset.yaml")]
    context = click.Context(main)
    names = main.list_commands(context)
    commands = [name for name in names if not isinstance(main.get_command(context, name), click.Group)]
    for part in ("`run.max_candidates`", "`target_volatility`", "is there already and not empty", *datasets):
        assert part in said.output
    assert all(f"`tradelogs {name}`" in said.output for name in commands)
    assert str(ROOT) not in said.output


def test_every_room_is_there_from_the_top_down_and_says_what_it_is() -> None:
    rooms = dict(context_page.list_rooms())
    assert set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["root_packages"]) == set(
        rooms
    )
    assert list(rooms).index("tradelogs") < list(rooms).index("refine_loop") < list(rooms).index("files")
    assert all(rooms.values())


def test_messages_are_read_with_their_places_open() -> None:
    source = (
        'raise RunInputError(f"{folder} cannot be used ({why}): name another")\nx = dict(a="not one of them at all")'
    )
    assert list(find_messages(source)) == ["... cannot be used (...): name another"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_shell_is_told_how_to_complete(cli: Cli, shell: str) -> None:
    said = cli("completion", shell)
    assert (said.exit_code, "_TRADELOGS_COMPLETE" in said.output) == (0, True)


def test_an_unknown_shell_is_bad_input(cli: Cli) -> None:
    assert cli("completion", "tcsh").exit_code == 2


@pytest.mark.parametrize(
    ("typed", "incomplete", "expected"),
    [([], "ru", ["runs"]), (["generate"], "off", ["offline"]), (["diff"], "--fail", ["--fail-on"])],
)
def test_commands_profiles_and_options_are_completed(typed: list[str], incomplete: str, expected: list[str]) -> None:
    completed = ShellComplete(main, {}, "tradelogs", "_TRADELOGS_COMPLETE").get_completions(typed, incomplete)
    assert [item.value for item in completed] == expected


def test_every_profile_is_offered() -> None:
    completed = ShellComplete(main, {}, "tradelogs", "_TRADELOGS_COMPLETE").get_completions(["preview"], "")
    assert [item.value for item in completed] == list_profiles()


def test_bash_completes_through_the_real_program() -> None:
    asked = {"_TRADELOGS_COMPLETE": "bash_complete", "COMP_WORDS": "tradelogs sho", "COMP_CWORD": "1"}
    done = subprocess.run(
        [Path(sys.executable).with_name("tradelogs")], env=os.environ | asked, capture_output=True, check=False
    )
    assert done.stdout.decode().split() == ["plain,show"]
