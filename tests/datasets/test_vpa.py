"""Explanations of volume price analysis, from bars to training pairs."""

import gzip
import json
import re
from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
import yaml
from jsonschema import Draft202012Validator

from columns.dataset import Given, load_dataset
from columns.declared import read_declared
from columns.rendering import fence_json, list_gold_rows
from columns.tables import check_tables
from columns.vpa.dataset import check_explanation, describe_rules
from gold_data.errors import GoldError
from gold_data.source import GoldSource
from gold_data.splits import plan_split
from gold_data.store import Gold, write_gold
from jobs.library.backend import build_config
from offline_model.options import Options
from offline_model.prompt import Sections
from offline_model.tasks.vpa import TASKS, plant_fault
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "columns/vpa"
BARS = ROOT / "gold_data/sample/bars.parquet"
ROWS = 20
FEW = {"tickers": ["SIM1", "SIM4"], "end_date": "2024-10-11"}
PRICES = {"open": 0.0, "high": 1.0, "low": -1.0, "close": 0.5}
SOUND = Options(fault_rate=0.0)


def generate(place: Path, name: str, *formats: str) -> Path:
    """Run the shipped profile on a part of its bars, with prompts kept."""
    document = yaml.safe_load((ROOT / "designer_configs/vpa_offline.yaml").read_text(encoding="utf-8"))
    (place / "vpa.yaml").write_text(
        yaml.safe_dump(document | FEW | {"trace": "full", "export": ["parquet", *formats]}), encoding="utf-8"
    )
    result = run_cli("generate", place / "vpa.yaml", "--num", ROWS, "--out", place / name)
    assert result.exit_code == 0, result.output
    return place / name


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("vpa"), "run", "jsonl", "chat", "vpa_pairs")


@pytest.fixture(scope="module")
def gold() -> Gold:
    return read_gold()


def read_gold(**options: Any) -> Gold:
    declared = read_declared(FOLDER)
    asked = declared.default_options | FEW | {"timeframes": ["1m", "5m", "1h"]} | options
    return load_dataset(FOLDER).read_gold(GoldSource({"bars": BARS}, options=asked))


def show(rows: pl.DataFrame) -> list[str]:
    """Show each row as a prompt would."""
    return [fence_json([row]) for row in list_gold_rows(rows, read_declared(FOLDER))]


def list_numbers(value: Any) -> list[float]:
    """List the numbers of plain data."""
    if isinstance(value, Mapping):
        return [number for part in value.values() for number in list_numbers(part)]
    if isinstance(value, list):
        return [number for part in value for number in list_numbers(part)]
    return [abs(value)] if isinstance(value, int | float) and not isinstance(value, bool) else []


def test_data_designer_reads_the_compiled_flow(folder: Path) -> None:
    config = yaml.safe_load((folder / "data_designer.yaml").read_text(encoding="utf-8"))
    assert build_config(config).build().columns


def test_every_candidate_is_booked_and_twenty_are_accepted(folder: Path) -> None:
    ledger = pl.read_parquet(folder / "ledger.parquet")
    assert ledger.filter(pl.col("status") == "accepted").height == ROWS
    assert {"faithfulness", "reasoning", "clarity", "model", "refiner_model", "judge_model"} <= set(ledger.columns)
    assert check_tables(folder, read_declared(FOLDER)) == []


def test_every_number_and_signal_of_accepted_texts_is_its_bars(folder: Path) -> None:
    for row in pl.read_parquet(folder / "accepted.parquet").to_dicts():
        facts = list_numbers([row["input"], row["stop"], row["target"], 50.0, 20.0])
        text = row["explanation"].replace(row["timestamp"], "").replace(row["ticker"], "")
        text = re.sub(r"\b(1m|5m|1h)\b", "", text)
        for number in re.findall(r"[\d,]*\.?\d+", text):
            decimals = len(number.partition(".")[2])
            assert any(f"{fact:,.{decimals}f}" in (number, f"{float(number.replace(',', '')):,}") for fact in facts), (
                number,
                text,
            )
        others = {"BUY", "SELL", "HOLD"} - {row["signal"]}
        assert row["signal"] in text
        assert not any(other in text for other in others)


def test_faults_were_caught_in_code_or_by_the_judge_and_mended(folder: Path) -> None:
    ledger = pl.read_parquet(folder / "ledger.parquet")
    critiques = " ".join(ledger["critiques"].explode().drop_nulls())
    assert ledger["refine_passes"].max() > 0  # type: ignore[operator]
    assert any(f"[{rule}]" in critiques for rule in ("number", "pattern", "signal"))


def test_texts_follow_signals_evenly_and_none_has_a_stop_that_is_its_target(folder: Path) -> None:
    accepted = pl.read_parquet(folder / "accepted.parquet")
    cell = pl.concat_str("signal", "strength", "pattern", separator=" ")
    assert (accepted.select(cell).to_series() == accepted["cell"]).all()
    assert accepted.filter(pl.col("signal") == "HOLD").height < ROWS / 2  # nine of ten bars are a HOLD
    assert accepted.filter(pl.col("stop") == pl.col("target")).is_empty()


def test_pairs_fit_their_schema_and_reference_002(folder: Path, tmp_path: Path) -> None:
    assert run_cli("export", folder, "--to", "vpa_pairs", "--out", tmp_path / "pairs.jsonl").exit_code == 0
    pairs = [json.loads(line) for line in (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()]
    validator = Draft202012Validator(json.loads((FOLDER / "pair.schema.json").read_text(encoding="utf-8")))
    assert [list(validator.iter_errors(pair)) for pair in pairs] == [[]] * ROWS
    assert list(pairs[0]["input"]) == [
        *("timestamp", "ticker", "primary_timeframe", "current_candle", "recent_candles", "vpa_metrics"),
        *("trend_analysis", "pattern_analysis", "support_resistance", "multi_timeframe_context"),
    ]
    assert {tuple(pair["output"]) for pair in pairs} == {("signal", "explanation")}
    parts = [(folder / f"exports/vpa_pairs/{name}.jsonl") for name in ("train", "validation", "test")]
    days = [[json.loads(line)["input"]["timestamp"][:10] for line in part.read_text().splitlines()] for part in parts]
    assert max(days[0]) < min(days[2])
    assert len((folder / "exports/chat.jsonl").read_text(encoding="utf-8").splitlines()) == ROWS


def test_a_pair_of_both_phases_or_a_hold_with_strength_is_refused(folder: Path) -> None:
    validator = Draft202012Validator(json.loads((FOLDER / "pair.schema.json").read_text(encoding="utf-8")))
    first = (folder / "exports/vpa_pairs/train.jsonl").read_text(encoding="utf-8").splitlines()[0]
    both, strong = json.loads(first), json.loads(first)
    both["input"]["pattern_analysis"] |= {"accumulation": True, "distribution": True}
    strong["output"]["signal"] = {"type": "HOLD", "strength": "STRONG"}
    assert validator.is_valid(json.loads(first))
    assert not validator.is_valid(both)
    assert not validator.is_valid(strong)


def test_what_came_after_is_beside_the_rows_and_in_no_prompt(folder: Path) -> None:
    outcomes = pl.read_parquet(folder / "outcomes.parquet")
    accepted = pl.read_parquet(folder / "accepted.parquet")
    assert outcomes["row_id"].to_list() == accepted["row_id"].to_list()
    names = [name for name in outcomes.columns if name != "row_id"]
    values = {repr(value) for name in names for value in outcomes[name].drop_nulls() if len(repr(value)) > 8}
    traced = "".join(gzip.decompress(path.read_bytes()).decode() for path in folder.glob("trace/*.jsonl.gz"))
    tables = "".join(pl.read_parquet(path).write_json() for path in folder.glob("rounds/*/*.parquet"))
    everywhere = traced + tables + (folder / "events.jsonl").read_text(encoding="utf-8")
    assert len(values) > ROWS
    assert "volume_percentile" in traced  # so prompts are there
    assert not [found for found in [*names, *values] if found in everywhere]


def test_one_seed_repeats(folder: Path) -> None:
    again = generate(folder.parent, "again")
    for name in ("accepted", "ledger", "outcomes"):
        assert pl.read_parquet(folder / f"{name}.parquet").equals(pl.read_parquet(again / f"{name}.parquet")), name


def test_sound_texts_pass_and_every_planted_fault_is_caught(gold: Gold) -> None:
    rows = gold.rows.sample(100, seed=3)
    given = Given(load_dataset(FOLDER), write_nothing())
    caught = dict.fromkeys(("number", "pattern", "signal", "judge"), 0)
    for seed, context in enumerate(show(rows)):
        rules = describe_rules({"context": context}, given)
        bodies = {"The bar": context, "The rules that fired": rules}
        text = str(TASKS["explain one bar"](Sections("", "", bodies, None), Random(seed), SOUND))
        assert check_explanation(text, {"context": context}, given) == []
        bar = json.loads(context.removeprefix("```json\n").removesuffix("\n```"))[0]
        names = [name.replace("_", " ") for name in bar["pattern_analysis"]["patterns"]]
        faulty = plant_fault(text, bar, names, Random(seed))
        found = {violation.rule for violation in check_explanation(faulty, {"context": context}, given)}
        verdict: Any = TASKS["judge one explanation"](
            Sections("", "", bodies | {"The explanation": faulty}, None), Random(seed), SOUND
        )
        assert faulty != text
        assert found or verdict["faithfulness"]["score"] < 5, faulty
        for rule in found or {"judge"}:
            caught[rule] += 1
    assert min(caught.values()) > 8


def write_nothing() -> Any:
    """Stand for a gold folder that no check of a text looks into."""
    return None


def test_a_row_says_nothing_of_later_days(gold: Gold) -> None:
    earlier = read_gold(end_date="2024-10-04")
    assert earlier.rows.equals(gold.rows.filter(pl.col("session_date") <= date(2024, 10, 4)))


def test_reference_settings_choose_rows(gold: Gold) -> None:
    chosen = read_gold(tickers=["SIM4"], start_date="2024-10-07", primary_timeframe="5m", min_lookback=100).rows
    wanted = gold.rows.filter(
        (pl.col("ticker") == "SIM4") & (pl.col("timeframe") == "5m") & (pl.col("session_date") >= date(2024, 10, 7))
    )
    assert chosen.equals(wanted)
    later = read_gold(timeframes=["1m"], min_lookback=60).rows
    first = gold.rows.filter(pl.col("timeframe") == "1m").group_by("ticker").agg(pl.col("timestamp").sort().get(10))
    assert later.group_by("ticker").agg(pl.col("timestamp").min()).sort("ticker").equals(first.sort("ticker"))
    assert "multi_timeframe_context" not in later.columns


def test_a_week_belongs_to_the_last_session_in_it(tmp_path: Path) -> None:
    days = pl.date_range(date(2020, 1, 6), date(2021, 3, 5), eager=True)  # Monday to Friday
    days = days.filter(days.dt.weekday() <= 5)
    prices = {name: [10.0 + place % 7 + extra for place in range(len(days))] for name, extra in PRICES.items()}
    pl.DataFrame({"ticker": "A", "timestamp": days.cast(pl.String) + "T00:00:00", **prices}).with_columns(
        volume=pl.int_range(len(days)) % 11 + 1.0
    ).write_parquet(tmp_path / "days.parquet")
    options = read_declared(FOLDER).default_options | {"primary_timeframe": "1w"}
    rows = load_dataset(FOLDER).read_gold(GoldSource({"bars": tmp_path / "days.parquet"}, options=options)).rows
    starts = [date.fromisoformat(moment[:10]) for moment in rows["timestamp"]]
    assert rows.height > 5
    assert rows["session_date"].to_list() == [start + timedelta(days=4) for start in starts]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tickers": ["NONE"]}, "tickers: the gold's bars have none of NONE; they have SIM1"),
        ({"start_date": "2024-02-30"}, "start_date: 2024-02-30 is no day"),
        ({"start_date": "2024-10-12"}, "no bar is left to explain"),
        ({"timeframes": ["5m", "1m"]}, "timeframes: Timeframes should go"),
        ({"primary_timeframe": "1w"}, "primary_timeframe: 1w is none of the timeframes 1m, 5m, 1h"),
    ],
)
def test_settings_that_leave_nothing_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(GoldError, match=re.escape(message)):
        read_gold(**options)


def test_a_gold_folders_own_split_is_kept(gold: Gold, tmp_path: Path) -> None:
    split = plan_split(gold.rows["session_date"].unique(), 0.25, embargo=1)
    (tmp_path / "split.json").write_text(split.to_json(), encoding="utf-8")
    declared = read_declared(FOLDER)
    options = declared.default_options | FEW | {"timeframes": ["1m", "5m", "1h"]}
    read = load_dataset(FOLDER).read_gold(GoldSource({"bars": BARS}, split=tmp_path / "split.json", options=options))
    stored = write_gold(read, tmp_path / "gold", 0.0)
    assert set(stored.holdout["session_date"]) == set(split.holdout)
    assert not set(stored.train["session_date"]) & {*split.embargo, *split.holdout}
