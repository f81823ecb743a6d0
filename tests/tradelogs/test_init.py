"""A profile is written from a person's gold, and is valid as it stands."""

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from click.testing import Result

from tests.conftest import ROOT

Cli = Callable[..., Result]
TRADES = ROOT / "gold_data/sample/trades.csv"
SERVER = ("--provider", "ollama", "--endpoint", "http://localhost:11434/v1", "--model", "a", "--judge-model", "b")


def test_profile_has_what_the_gold_has_and_is_valid(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    result = cli("init", "--gold-trades", TRADES, *SERVER, "--num", 50, "--out", out)
    assert result.exit_code == 0, result.output
    profile = yaml.safe_load(out.read_text())
    assert {"use": "target_volatility", "from_gold": {"bins": 9}} in profile["controls"]
    assert profile["models"]["judge"]["model"] == "b"
    assert profile["run"]["accepted"] == 50
    assert cli("validate", out).exit_code == 0


def test_every_line_that_sets_something_is_explained(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    cli("init", "--gold-trades", TRADES, *SERVER, "--out", out)
    plain = [line for line in out.read_text().splitlines() if "#" not in line]
    assert {line.split(":")[0].strip() for line in plain} <= {"name", "endpoint", "trades", "bars", "run"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--gold-trades", "nope.csv"), "nope.csv: there is no such file"),
        (("--dataset", "nothing"), "there is no dataset nothing"),
        (("--gold-trades", TRADES, "--max-cost", 3), "needs the price of every model"),
        (("--gold-trades", TRADES, "--provider", "nobody", "--endpoint", ""), "the endpoint of nobody is not known"),
    ],
)
def test_what_cannot_be_used_is_said(cli: Cli, tmp_path: Path, arguments: tuple[object, ...], said: str) -> None:
    result = cli("init", *SERVER, *arguments, "--out", tmp_path / "mine.yaml")
    assert result.exit_code == 2
    assert said in result.output
    assert not list(tmp_path.iterdir())


def test_a_file_that_is_there_is_kept(cli: Cli, tmp_path: Path) -> None:
    out = tmp_path / "mine.yaml"
    out.write_text("mine")
    assert cli("init", "--gold-trades", TRADES, *SERVER, "--out", out).exit_code == 2
    assert out.read_text() == "mine"
