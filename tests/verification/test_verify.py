"""A whole run is verified: what is written, what is said, and what too little is called."""

import json
import math
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from click.testing import Result

from gold_data.sample.build import SAMPLE
from verification.trades.table import drop_unknown
from verification.verify import verify_run

Verified = tuple[Path, dict[str, Any], str]
QUESTIONS = [
    "validity",
    "numbers",
    "days",
    "fidelity",
    "exits",
    "diversity",
    "memorisation",
    "model",
    "backtest",
    "drift",
]


def copy_run(run_folder: Path, place: Path) -> Path:
    return Path(
        shutil.copytree(run_folder, place / "run", ignore=shutil.ignore_patterns("artifacts", "rounds", "hashes.jsonl"))
    )


@pytest.fixture
def run(run_folder: Path, tmp_path: Path) -> Path:
    """Give a copy of a small run."""
    return copy_run(run_folder, tmp_path)


@pytest.fixture(scope="module")
def verified(run_folder: Path, tmp_path_factory: pytest.TempPathFactory, cli: Callable[..., Result]) -> Verified:
    """Verify a copy of a small run by the command, once; give its folder, what was written, and what was said."""
    run = copy_run(run_folder, tmp_path_factory.mktemp("verified"))
    result = cli("verify", run)
    assert result.exit_code == 0, result.output
    return run, json.loads((run / "metrics.json").read_text()), result.stdout


def test_report_says_in_which_form_rows_were_asked_for(verified: Verified) -> None:
    run, metrics, _ = verified
    assert metrics["run"]["form"] == "whole"
    assert metrics["run"]["forms"].startswith("300 trades of seed 11: classifier's AUC: whole 0.")
    assert "; coverage of the gold within reach" in metrics["run"]["forms"]
    said = (run / "report.html").read_text(encoding="utf-8")
    assert "<dt>form</dt><dd>whole</dd>" in said
    assert "on the offline model: 300 trades of seed 11: " in said


def keep_rows(run: Path, rows: int) -> None:
    path = run / "accepted.parquet"
    pl.read_parquet(path)[:rows].write_parquet(path)


def verify_quietly(run: Path, seed: int = 0) -> dict[str, Any]:
    return verify_run(run, lambda _: None, seed=seed)


def test_metrics_and_report_are_written(verified: Verified) -> None:
    run, metrics, _ = verified
    assert [answer["question"] for answer in metrics["answers"]] == QUESTIONS
    assert all(len(answer["numbers"]) == 3 for answer in metrics["answers"])
    assert "<title>" in (run / "report.html").read_text()


def test_metrics_repeat_and_are_what_is_written(verified: Verified, run: Path) -> None:
    again = verify_quietly(run)
    assert json.loads((run / "metrics.json").read_text()) == again
    first, second = ({**document["run"], "created": None} for document in (verified[1], again))
    assert {**verified[1], "run": first} == {**again, "run": second}


@pytest.mark.parametrize("rows", [0, 1, 5])
def test_too_few_rows_are_called_so(run: Path, rows: int) -> None:
    keep_rows(run, rows)
    metrics = verify_quietly(run)
    assert metrics["overall"]["text"] == "cannot tell: it takes 72 accepted trades"
    assert all(answer["needs"] for answer in metrics["answers"] if answer["verdict"] == "cannot tell")
    of_rows = [answer["verdict"] for answer in metrics["answers"] if answer["question"] != "drift"]  # drift is of gold
    assert set(of_rows) == {"cannot tell"}


def test_rows_that_are_not_finite_are_counted_and_left_out(run: Path) -> None:
    keep_rows(run, 10)
    path = run / "accepted.parquet"
    accepted = pl.read_parquet(path)
    spoilt = pl.Series("entry_price", [math.nan, math.inf, *accepted["entry_price"][2:]])
    accepted.with_columns(spoilt).write_parquet(path)
    metrics = verify_quietly(run)
    assert any("2 accepted trades have values" in note for note in metrics["run"]["notes"])
    assert metrics["answers"][0]["numbers"][0][1].startswith("2 of 10")


def test_gold_of_one_session_is_too_small(tmp_path: Path, cli: Callable[..., Result]) -> None:
    trades = pl.read_csv(SAMPLE / "trades.csv", infer_schema=False)
    day = trades["entry_time"].str.head(10).mode().sort()[0]
    trades.filter(pl.col("entry_time").str.starts_with(day)).write_csv(tmp_path / "one_day.csv")
    result = cli(
        "generate", "offline", "--gold-trades", tmp_path / "one_day.csv", "--num", 20, "--out", tmp_path / "run"
    )
    assert result.exit_code == 0, result.output
    assert verify_quietly(tmp_path / "run")["overall"]["verdict"] == "cannot tell"


def test_unknown_values_are_dropped() -> None:
    frame = pl.DataFrame({"entry_price": [1.0, None, math.nan, math.inf]})
    columns = {name: pl.lit(1.0) for name in ("exit_price", "entry_volatility_percent", "worst_exit_percent")}
    rest = {name: pl.lit(1.0) for name in ("best_exit_percent", "trade_percent_change")}
    texts = {name: pl.lit("x") for name in ("ticker", "trade_type", "session_date", "entry_time", "exit_time")}
    assert drop_unknown(frame.with_columns(**columns, **rest, **texts)).height == 1


def test_the_command_says_a_line_per_question(verified: Verified) -> None:
    run, metrics, said = verified
    told = [answer["question"] for answer in metrics["answers"] if answer["verdict"] != "cannot tell"]
    lines = [line.split() for line in said.split("\n")]
    assert [line[0] for line in lines if len(line) > 1 and line[0] in QUESTIONS and line[1] != "takes"] == told
    untold = " ".join(said[said.index("not told: ") : said.index("overall: ")].split())
    assert all(f"{name} takes " in untold or f"{name}: " in untold for name in QUESTIONS if name not in told)
    assert "overall: " in said
    assert f"report: {run / 'report.html'}" in said.replace("\n", "")


def test_the_command_names_what_is_no_run(tmp_path: Path, cli: Callable[..., Result]) -> None:
    result = cli("verify", tmp_path)
    assert (result.exit_code, type(result.exception)) == (2, SystemExit)
    assert result.stderr.startswith(f"error: {tmp_path} is no finished run: profile.yaml is missing")


def test_a_run_ends_with_its_report_unless_told_otherwise(tmp_path: Path, cli: Callable[..., Result]) -> None:
    result = cli("generate", "--report", "offline", "--num", 5, "--out", tmp_path / "with")
    assert result.exit_code == 0, result.output
    assert "overall: cannot tell: it takes 72 accepted trades" in result.stdout
    assert (tmp_path / "with/report.html").is_file()
    assert cli("generate", "offline", "--num", 5, "--out", tmp_path / "without").exit_code == 0
    assert not (tmp_path / "without/report.html").exists()
