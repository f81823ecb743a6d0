"""The commands, as a person meets them."""

import re
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import polars as pl
import pytest
import yaml
from click.testing import Result

from designer_configs.compile.profile import list_profiles, load_profile
from indicators.technicals import INDICATORS
from tradelogs.cli import main

ROOT = Path(__file__).parents[2]
PROFILES = sorted(path.stem for path in (ROOT / "designer_configs").glob("*.yaml"))

Cli = Callable[..., Result]


def test_help_lists_every_command(cli: Cli) -> None:
    said = cli("--help").output
    assert cli("-h").output == said
    for command in ("generate", "resume", "preview", "validate", "indicators", "offline-model"):
        assert f"\n  {command}" in said


def test_help_says_where_to_begin_and_what_each_command_is_for(cli: Cli) -> None:
    said = cli("--help").output
    assert "Where to begin:\n    tradelogs generate offline --num 20" in said
    assert said.index("Look at what was made:") < said.index("\n  verify") < said.index("Judge and compare:")
    assert said.index("Make rows:") < said.index("\n  ask") < said.index("Look at what was made:")


def list_commands(group: click.Group) -> list[str]:
    """Name every command, those of a group after the group's name."""
    names, context = list[str](), click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        names += [f"{name} {below}" for below in list_commands(command)] if isinstance(command, click.Group) else [name]
    return names


def test_commands_are_the_modules_of_their_folder() -> None:
    modules = {path.stem for path in (ROOT / "tradelogs/commands").glob("*.py")} - {"__init__"}
    assert set(main.list_commands(click.Context(main))) == {name.replace("_", "-") for name in modules}
    assert len(list_commands(main)) > len(modules)  # some are groups


def test_command_that_is_not_there_is_a_typing_error(cli: Cli) -> None:
    result = cli("generat")
    assert result.exit_code == 2
    assert "No such command 'generat'" in result.output


@pytest.mark.parametrize("command", list_commands(main))
def test_help_of_every_command_shows_an_example(cli: Cli, command: str) -> None:
    result = cli(*command.split(), "--help")
    assert result.exit_code == 0
    assert re.search(rf"Examples?:\n +tradelogs {command}\b", result.output)


def test_python_runs_the_package() -> None:
    command = [sys.executable, "-m", "tradelogs", "--help"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert (done.returncode, done.stdout.partition(" [")[0]) == (0, "Usage: tradelogs")


def test_version_is_the_distributions(cli: Cli) -> None:
    assert "0.1.0" in cli("--version").output


@pytest.mark.parametrize("name", PROFILES)
def test_resolved_config_is_a_profile_that_means_the_same(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    printed = cli("generate", name, "--num", 300, "--seed", 11, "--print-resolved-config")
    assert (printed.exit_code, list(tmp_path.iterdir())) == (0, [])
    (tmp_path / f"{name}.yaml").write_text(printed.stdout)
    again = load_profile(tmp_path / f"{name}.yaml")
    assert (again.run.accepted, again.run.seed) == (300, 11)
    assert dict(again.document) == dict(load_profile(name, {"num": 300, "seed": 11}).document)


def test_every_shipped_profile_is_tried_here() -> None:
    assert sorted(list_profiles()) == PROFILES


def test_options_change_the_resolved_config(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "my.csv").touch()
    printed = cli("generate", "--gold-trades", tmp_path / "my.csv", "--print-resolved-config")
    gold = yaml.safe_load(printed.stdout)["gold"]
    assert (gold["trades"], gold["bars"]) == (str(tmp_path / "my.csv"), None)


def test_preview_shows_candidates_and_writes_nothing(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = cli("preview", "offline", "--num", 3)
    assert result.exit_code == 0, result.output
    assert list(tmp_path.iterdir()) == []
    for said in ("candidate 1", "candidate 3", "entry_volatility_percent", "gold-0", "scores:", "new"):
        assert said in result.output
    assert "candidate 4" not in result.output


def test_everything_that_is_shipped_is_valid(cli: Cli) -> None:
    result = cli("validate")
    assert (result.exit_code, result.output) == (0, "all profiles, controls and columns are valid\n")


def test_all_problems_of_a_profile_are_listed_with_line_and_path(cli: Cli, tmp_path: Path) -> None:
    text = (ROOT / "designer_configs/offline.yaml").read_text()
    text = text.replace("dataset: trade_log", "dataset: trade_logs").replace("holdout: 0.2", "holdout: 2")
    (tmp_path / "mine.yaml").write_text(text + "colour: red\n")
    result = cli("validate", tmp_path / "mine.yaml")
    assert result.exit_code == 2
    assert f"{tmp_path / 'mine.yaml'}:" in result.stderr
    for path in ("colour", "gold.holdout"):
        assert path in result.stderr


def test_indicators_are_attached_to_a_bars_file(cli: Cli, tmp_path: Path) -> None:
    bars = pl.read_parquet(ROOT / "gold_data/sample/bars.parquet").head(400)
    bars.write_parquet(tmp_path / "bars.parquet")
    result = cli("indicators", tmp_path / "bars.parquet", "--out", tmp_path / "out.parquet")
    assert result.exit_code == 0, result.output
    out = pl.read_parquet(tmp_path / "out.parquet")
    assert out.height == 400
    assert set(INDICATORS) <= set(out.columns)


def test_indicators_say_what_is_wrong_with_a_bars_file(cli: Cli, tmp_path: Path) -> None:
    result = cli("indicators", tmp_path / "none.parquet", "--out", tmp_path / "out.parquet")
    assert result.exit_code == 2
    assert "there is no such file" in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_offline_model_refuses_a_port_that_is_taken(cli: Cli) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = cli("offline-model", "--port", port)
    assert result.exit_code == 2
    assert result.stderr.startswith(f"error: port {port} on 127.0.0.1 cannot be had")


def test_help_lists_each_command_once_under_what_it_is_for(cli: Cli) -> None:
    said = cli("--help").output
    modules = {path.stem for path in (ROOT / "tradelogs/commands").glob("*.py")} - {"__init__"}
    assert all(said.count(f"\n  {name.replace('_', '-')} ") == 1 for name in modules)
    assert "..." not in said.partition("Begin:")[2]
    assert said.index("Make rows:") < said.index("\n  generate ") < said.index("Look at what was made:")
