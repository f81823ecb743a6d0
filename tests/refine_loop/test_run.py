"""One small run, looked at from every side: the files that a run promises, and what they say of one another."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import yaml
from click.testing import Result

from gold_data.store import load_gold
from gold_data.trades.limits import GoldLimits
from gold_data.trades.rules import check_trade
from gold_data.violation import Expectation
from indicators.technicals import INDICATORS, attach_technicals

Rehearsal = tuple[Path, Result, dict[str, int]]
FILES = (
    "profile.yaml",
    "provenance.json",
    "data_designer.yaml",
    "data_designer_home/model_providers.yaml",
    "ledger.parquet",
    "accepted.parquet",
    "accepted.csv",
    "accepted.jsonl",
    "bars.parquet",
    "rejected.parquet",
    "usage.json",
    "events.jsonl",
    "checkpoints.sqlite",
    "data_designer.log",
    "gold/train.parquet",
    "gold/holdout.parquet",
    "gold/bars.parquet",
    "gold/facts.json",
    "gold/rejected_rows.csv",
    "jobs/001_plan.yaml",
    "jobs/001_generate.yaml",
    "jobs/001_refine_1.yaml",
    "rounds/001/plan.parquet",
    "rounds/001/pass_0.parquet",
    "rounds/001/settled.parquet",
)


@pytest.fixture(scope="module")
def ledger(run_folder: Path) -> pl.DataFrame:
    return pl.read_parquet(run_folder / "ledger.parquet")


@pytest.fixture(scope="module")
def accepted(run_folder: Path) -> pl.DataFrame:
    return pl.read_parquet(run_folder / "accepted.parquet")


@pytest.fixture(scope="module")
def plan(run_folder: Path) -> pl.DataFrame:
    """All rounds' plans: one row per candidate."""
    paths = sorted(run_folder.glob("rounds/*/plan.parquet"))
    return pl.concat([pl.read_parquet(path) for path in paths], how="diagonal_relaxed")


@pytest.fixture(scope="module")
def bars(run_folder: Path) -> pl.DataFrame:
    return pl.read_parquet(run_folder / "bars.parquet")


@pytest.fixture(scope="module")
def controls(run_folder: Path) -> list[dict[str, Any]]:
    """The checks that the run's generate job was given: column, field, tolerance."""
    columns = yaml.safe_load((run_folder / "jobs/001_generate.yaml").read_text())["columns"]
    return next(list(column["checks"]) for column in columns if column["name"] == "trade_checks")


def list_core(trades: pl.DataFrame) -> list[dict[str, Any]]:
    fields = ["ticker", "trade_type", "entry_time", "exit_time", "entry_price", "exit_price"]
    percents = ["entry_volatility_percent", "worst_exit_percent", "best_exit_percent"]
    times = [pl.col(name).dt.strftime("%H:%M:%S") for name in ("entry_time", "exit_time")]
    return trades.with_columns(times).select(fields + percents).to_dicts()


@pytest.mark.parametrize("file", FILES)
def test_every_file_that_the_design_names_is_there(run_folder: Path, file: str) -> None:
    assert (run_folder / file).is_file()


def test_no_file_is_half_written(run_folder: Path) -> None:
    assert list(run_folder.rglob("*.partial")) == []


def test_ledger_adds_up(rehearsal: Rehearsal, ledger: pl.DataFrame, accepted: pl.DataFrame, plan: pl.DataFrame) -> None:
    counts = dict(ledger["status"].value_counts().rows())
    assert set(counts) <= {"accepted", "rejected", "failed"}
    assert sorted(ledger["row_id"]) == sorted(plan["row_id"])
    assert ledger["row_id"].is_unique().all()
    assert counts["accepted"] == accepted.height == 60
    for line in (f"candidates     {ledger.height}", "asked          60", "accepted       60"):
        assert line in rehearsal[1].output


def test_accepted_rows_are_the_ledgers(ledger: pl.DataFrame, accepted: pl.DataFrame) -> None:
    kept = ledger.filter(pl.col("status") == "accepted")
    assert kept["row_id"].to_list() == accepted["row_id"].to_list()
    assert [json.loads(text) for text in kept["generated_row"]] == list_core(accepted)
    same = ["realism", "consistency", "completeness", "refine_passes", "gold_example_ids"]
    assert kept.select(same).equals(accepted.select(same))


def test_every_accepted_row_obeys_the_rules_on_its_own(
    run_folder: Path, accepted: pl.DataFrame, plan: pl.DataFrame, controls: list[dict[str, Any]]
) -> None:
    limits = GoldLimits.from_facts(load_gold(run_folder / "gold").facts)
    drawn = {row["row_id"]: row for row in plan.to_dicts()}
    for row_id, core in zip(accepted["row_id"], list_core(accepted), strict=True):
        row = drawn[row_id]
        expected = [Expectation(c["field"], row[c["column"]], c.get("tolerance")) for c in controls]
        day = date.fromisoformat(row["session_date"])
        assert check_trade(core, session_date=day, limits=limits, expectations=expected) == []


def test_controls_are_carried_as_they_were_drawn(accepted: pl.DataFrame, plan: pl.DataFrame) -> None:
    both = accepted.join(plan, on="row_id", suffix="_drawn")
    assert both.height == 60
    assert both["ticker"].equals(both["ticker_drawn"], check_names=False)
    assert both["trade_type"].equals(both["trade_type_drawn"], check_names=False)
    for name in ("target_volatility", "session_period"):
        assert both[name].equals(both[f"{name}_drawn"], check_names=False)
    assert ((both["entry_volatility_percent"] - both["target_volatility"]).abs() <= 0.05 + 1e-9).all()


def test_every_score_of_an_accepted_row_reaches_the_acceptance(accepted: pl.DataFrame) -> None:
    assert (accepted.select("realism", "consistency", "completeness").to_numpy() >= 4).all()


def test_no_accepted_row_copies_gold_or_another(run_folder: Path, accepted: pl.DataFrame) -> None:
    gold = load_gold(run_folder / "gold")
    numbers = ["entry_price", "exit_price", "entry_volatility_percent", "worst_exit_percent", "best_exit_percent"]
    rows = pl.concat([frame.select(numbers) for frame in (accepted, gold.train.unique(numbers))])
    assert rows.is_unique().all()


def test_grounding_seeds_are_three_and_never_held_out(run_folder: Path, ledger: pl.DataFrame) -> None:
    gold = load_gold(run_folder / "gold")
    assert ledger["gold_example_ids"].list.n_unique().unique().to_list() == [3]
    shown = set(ledger["gold_example_ids"].explode())
    assert shown <= set(gold.train["trade_id"])
    assert shown.isdisjoint(gold.holdout["trade_id"])


def test_nothing_held_out_stands_in_any_prompt(run_folder: Path, plan: pl.DataFrame) -> None:
    holdout = load_gold(run_folder / "gold").holdout
    assert holdout.height > 0
    days = set(holdout["session_date"].cast(pl.String))
    assert days.isdisjoint(plan["session_date"])


def test_indicators_are_known_at_every_entry(accepted: pl.DataFrame) -> None:
    values = accepted.select(list(INDICATORS))
    assert values.width == 25
    assert values.null_count().sum_horizontal().item() == 0
    assert values.select(pl.all().is_finite().all()).row(0) == (True,) * 25


def test_last_bar_before_the_entry_is_the_trades(accepted: pl.DataFrame, bars: pl.DataFrame) -> None:
    technicals = attach_technicals(bars, ["atr_14"], by="row_id")
    complete = pl.col("timestamp") + pl.duration(minutes=1) <= pl.col("entry_time")
    last = (
        technicals.join(accepted.drop("atr_14"), on="row_id")
        .filter(complete)
        .sort("timestamp")
        .group_by("row_id")
        .last()
    )
    assert last.height == 60
    assert (last["close"] - last["entry_price"]).abs().max() <= 1e-9  # type: ignore[operator]
    volatility = 100 * last["atr_14"] / last["close"]
    assert (volatility - last["entry_volatility_percent"]).abs().max() <= 1e-9  # type: ignore[operator]


def test_bars_in_the_trade_touch_its_extremes_and_end_at_its_exit(accepted: pl.DataFrame, bars: pl.DataFrame) -> None:
    overlaps = (pl.col("timestamp") + pl.duration(minutes=1) > pl.col("entry_time")) & (
        pl.col("timestamp") < pl.col("exit_time")
    )
    inside = (
        bars.join(accepted, on="row_id")
        .filter(overlaps)
        .sort("timestamp")
        .group_by("row_id")
        .agg(pl.col("low").min(), pl.col("high").max(), pl.col("close").last(), pl.all().exclude(bars.columns).first())
    )
    assert inside.height == 60
    assert (inside["close"] - inside["exit_price"]).abs().max() <= 1e-9  # type: ignore[operator]
    sign = pl.when(pl.col("trade_type") == "buy").then(1.0).otherwise(-1.0)
    ends = [pl.col("entry_price") * (1 + sign * pl.col(f"{end}_exit_percent") / 100) for end in ("worst", "best")]
    moved = inside.with_columns(
        lowest=pl.min_horizontal("exit_price", *ends), highest=pl.max_horizontal("exit_price", *ends)
    )
    assert (moved["low"] - moved["lowest"]).abs().max() <= 1e-9  # type: ignore[operator]
    assert (moved["high"] - moved["highest"]).abs().max() <= 1e-9  # type: ignore[operator]


def test_every_accepted_row_has_bars_and_nobody_else(accepted: pl.DataFrame, bars: pl.DataFrame) -> None:
    assert set(bars["row_id"]) == set(accepted["row_id"])
    inside = [pl.col(name).is_between("low", "high") for name in ("open", "close")]
    assert bars.select(pl.all_horizontal(*inside, pl.col("volume") > 0).all()).item()


def test_percent_change_is_signed_in_the_trades_direction(accepted: pl.DataFrame) -> None:
    sign = accepted["trade_type"].replace_strict({"buy": 1.0, "short": -1.0})
    wanted = 100 * (accepted["exit_price"] / accepted["entry_price"] - 1) * sign
    assert (accepted["trade_percent_change"] - wanted).abs().max() <= 1e-12  # type: ignore[operator]


def test_exports_say_the_same(run_folder: Path, accepted: pl.DataFrame) -> None:
    with (run_folder / "accepted.csv").open(newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_jsonl = [json.loads(line) for line in (run_folder / "accepted.jsonl").read_text().splitlines()]
    for row, flat, nested in zip(accepted.to_dicts(), from_csv, from_jsonl, strict=True):
        assert list(row) == list(flat) == list(nested)
        for name in ("row_id", "ticker", "trade_type", "session_period"):
            assert row[name] == flat[name] == nested[name]
        for name in ("entry_price", "trade_percent_change", "atr_14", "obv"):
            assert row[name] == float(flat[name]) == nested[name]
        assert row["gold_example_ids"] == flat["gold_example_ids"].split("|") == nested["gold_example_ids"]
        moment = row["entry_time"].isoformat(timespec="microseconds")
        assert moment == flat["entry_time"] == nested["entry_time"]


def test_rejected_rows_are_kept_with_their_reason(run_folder: Path, ledger: pl.DataFrame) -> None:
    lost = ledger.filter(pl.col("status") != "accepted")
    rejected = pl.read_parquet(run_folder / "rejected.parquet")
    assert rejected["row_id"].to_list() == lost["row_id"].to_list()
    assert rejected["reason"].null_count() == 0
    assert ledger.filter(pl.col("status") == "accepted")["reason"].null_count() == 60


def test_edits_are_patches_that_only_touch_what_was_criticised(run_folder: Path) -> None:
    refined = pl.read_parquet(run_folder / "rounds/001/pass_1.parquet").filter(pl.col("retry_count") == 1)
    before = pl.read_parquet(run_folder / "rounds/001/pass_0.parquet")
    assert refined.height > 5
    for row in refined.filter(pl.col("edits").list.len() == 1).to_dicts():
        criticised = before.row(by_predicate=pl.col("row_id") == row["row_id"], named=True)["criticised_fields"]
        patch = json.loads(row["edits"][0])
        assert {step["path"].removeprefix("/") for step in patch} <= set(criticised)


def test_no_row_is_refined_more_than_twice(run_folder: Path, ledger: pl.DataFrame) -> None:
    assert set(ledger["refine_passes"]) <= {0, 1, 2}
    assert not list(run_folder.glob("jobs/*_refine_3.yaml"))


def test_usage_is_what_the_endpoint_counted(rehearsal: Rehearsal, run_folder: Path) -> None:
    usage = json.loads((run_folder / "usage.json").read_text())
    asked = dict.fromkeys(("trade", "judge", "refined_trade", "health_check"), 0)
    for part in usage["by_stage"]:
        asked[part["column"]] += part["requests"]
    counts = rehearsal[2]
    assert (asked["trade"], asked["judge"], asked["refined_trade"], asked["health_check"]) == (
        counts["generator"],
        counts["judge"],
        counts["refiner"],
        counts["other"],
    )
    assert usage["requests"] == sum(counts.values())
    for name in ("prompt_tokens", "completion_tokens"):
        assert usage[name] == sum(part[name] for part in usage["by_stage"]) == sum(m[name] for m in usage["by_model"])


def test_tokens_of_the_candidates_are_those_of_the_run_but_for_the_check(
    run_folder: Path, ledger: pl.DataFrame
) -> None:
    usage = json.loads((run_folder / "usage.json").read_text())
    checks = [part for part in usage["by_stage"] if part["stage"] == "check"]
    for name in ("requests", "prompt_tokens", "completion_tokens"):
        assert ledger[name].sum() == usage[name] - sum(check[name] for check in checks)
    assert [check["requests"] for check in checks] == [1, 1, 1]


def test_row_that_breaks_a_rule_is_not_sent_to_the_judge(run_folder: Path) -> None:
    first = pl.read_parquet(run_folder / "rounds/001/pass_0.parquet")
    criticised = first.filter((pl.col("status") == "open") & pl.col("realism").is_null())["row_id"].to_list()
    events = [json.loads(line) for line in (run_folder / "events.jsonl").read_text().splitlines()]
    judged = {e["row_id"] for e in events if e.get("job") == "001_generate" and e.get("column") == "judge"}
    assert len(criticised) > 3
    assert judged.isdisjoint(criticised)


def test_key_reaches_no_file_and_no_message(rehearsal: Rehearsal, run_folder: Path) -> None:
    files = [path for path in run_folder.parent.rglob("*") if path.is_file()]
    assert len(files) > len(FILES)
    assert [path for path in files if b"canary-7f3a9d" in path.read_bytes()] == []
    assert "canary-7f3a9d" not in rehearsal[1].output
    assert b"REHEARSAL_API_KEY" in (run_folder / "data_designer_home/model_providers.yaml").read_bytes()


def test_provenance_names_inputs_versions_and_seed(run_folder: Path) -> None:
    provenance = json.loads((run_folder / "provenance.json").read_text())
    assert provenance["seed"] == 7
    assert {"gold_data/sample/trades.csv", "columns/trade_log/judge.yaml"} <= set(provenance["sha256"])
    assert str(run_folder.parent / "rehearsal.yaml") in provenance["sha256"]
    assert provenance["versions"]["data-designer"].startswith("0.9.")
    assert provenance["gold"]["rows"] > 500


def test_columns_of_accepted_trades_are_in_their_order(accepted: pl.DataFrame) -> None:
    drawn = ["target_volatility", "session_period", "realism", "consistency", "completeness"]
    assert accepted.columns[:12] == [
        "row_id",
        "ticker",
        "trade_type",
        "session_date",
        "entry_time",
        "exit_time",
        "entry_price",
        "exit_price",
        "entry_volatility_percent",
        "worst_exit_percent",
        "best_exit_percent",
        "trade_percent_change",
    ]
    assert accepted.columns[12:19] == [*drawn, "refine_passes", "gold_example_ids"]
    assert accepted.columns[19:] == list(INDICATORS)
