"""A person's own gold: without bars, with rows that break a rule, in Parquet."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
from click.testing import Result

from indicators.technicals import INDICATORS

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "gold_data/sample/trades.csv"

Cli = Callable[..., Result]


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory, cli: Cli) -> tuple[Path, Result]:
    """Run on gold of which lines 3, 5 and 9 break a rule, and no bars are given; give the run's folder."""
    place = tmp_path_factory.mktemp("broken")
    with SAMPLE.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[1]["exit_time"] = rows[1]["entry_time"]  # the header is line 1, the first row line 2
    rows[3]["entry_price"] = "-5"
    rows[7]["trade_type"] = "hold"
    with (place / "mine.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    result = cli("generate", "offline", "--num", 10, "--gold-trades", place / "mine.csv", "--out", place / "run")
    return place / "run", result


def test_run_on_the_sound_rows_is_done(broken: tuple[Path, Result]) -> None:
    folder, result = broken
    assert result.exit_code == 0, result.output
    assert pl.read_parquet(folder / "accepted.parquet").height == 10


def test_broken_rows_are_told_with_their_lines(broken: tuple[Path, Result]) -> None:
    said = broken[1].output
    assert "3 gold rows break a rule and are left out" in said
    for line in (3, 5, 9):
        assert f"  line {line}: " in said


def test_broken_rows_are_kept_apart_and_nothing_is_lost(broken: tuple[Path, Result]) -> None:
    gold = broken[0] / "gold"
    rejected = pl.read_csv(gold / "rejected_rows.csv")
    assert sorted(rejected["line"].unique()) == [3, 5, 9]
    kept = pl.concat([pl.read_parquet(gold / f"{part}.parquet") for part in ("train", "holdout")])
    assert kept.height + 3 == pl.read_csv(SAMPLE).height
    assert {"gold-0002", "gold-0004", "gold-0008"}.isdisjoint(kept["trade_id"])


def test_broken_rows_are_counted_in_the_provenance(broken: tuple[Path, Result]) -> None:
    gold = json.loads((broken[0] / "provenance.json").read_text())["gold"]
    assert gold["rejected_rows"] >= 3
    assert gold["bars"] == 0


def test_gold_without_bars_gets_the_fallback_shape_and_the_run_says_so(broken: tuple[Path, Result]) -> None:
    folder, result = broken
    assert "10 trades have bars of the fallback shape" in result.output
    assert "the gold came without bars" in result.output
    assert not (folder / "gold/bars.parquet").exists()
    assert pl.read_parquet(folder / "bars.parquet")["row_id"].n_unique() == 10
    values = pl.read_parquet(folder / "accepted.parquet", columns=list(INDICATORS))
    assert values.null_count().sum_horizontal().item() == 0


def test_run_with_bars_has_no_trade_of_the_fallback_shape(rehearsal: tuple[Path, Result, dict[str, int]]) -> None:
    assert "fallback" not in rehearsal[1].output


def test_gold_in_parquet_gives_the_same_run(cli: Cli, tmp_path: Path, run_folder: Path) -> None:
    pl.read_csv(SAMPLE, try_parse_dates=True).write_parquet(tmp_path / "mine.parquet")
    bars = ROOT / "gold_data/sample/bars.parquet"
    arguments = ("--gold-trades", tmp_path / "mine.parquet", "--gold-bars", bars, "--out", tmp_path / "run")
    assert cli("generate", "offline", "--num", 60, *arguments).exit_code == 0
    accepted = [pl.read_parquet(folder / "accepted.parquet") for folder in (tmp_path / "run", run_folder)]
    assert accepted[0].equals(accepted[1])
