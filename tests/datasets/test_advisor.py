"""An advisor that may never trade: situations, questions and attacks, the policy over a run, and its exports."""

import json
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

import polars as pl
import pytest
from jsonschema import Draft202012Validator

from columns.advisor.asks import ATTACKS, INJECTION, NEWS, REQUESTS, write_news, write_question
from columns.advisor.dataset import (
    describe_limits,
    find_symbol,
    find_timeframe,
    give_fallback,
    hold_against_policy,
    plan_question,
    read_situation,
)
from columns.cases import read_cases
from columns.dataset import Given, load_dataset
from columns.declared import read_declared
from columns.errors import QuestionError
from columns.rendering import fence_json
from gold_data.errors import GoldError
from gold_data.source import GoldSource
from gold_data.store import write_gold
from offline_model.options import Options
from offline_model.prompt import read_sections
from offline_model.tasks.advisor import TASKS
from refine_loop.record.events import read_events
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "columns/advisor"
BARS = ROOT / "gold_data/sample/bars.parquet"
DECLARED = read_declared(FOLDER)
ROWS = 60
NAMES = {"symbol": "BTCUSDT", "timeframe": "1m"}
SITUATION = fence_json([{**NAMES, "regime": "trending_up", "volatility": "normal"}])
REFUSAL: dict[str, Any] = {
    "version": "1.0.0",
    **NAMES,
    "intent": "refuse",
    "rationale": "This is outside what an advisor may do; a summary can be given.",
    "action": {"type": "none", "confidence": 0.5},
}


def read_gold(files: dict[str, Path], **options: Any) -> pl.DataFrame:
    source = GoldSource(files, options=DECLARED.default_options | options)
    return load_dataset(FOLDER).read_gold(source).rows


def give(place: Path, files: dict[str, Path] | None = None, **options: Any) -> Given:
    source = GoldSource(files or {}, options=DECLARED.default_options | options)
    dataset = load_dataset(FOLDER)
    return Given(dataset, write_gold(dataset.read_gold(source), place / "gold", 0.0))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("advisor") / "run"
    result = run_cli("generate", "advisor_offline", "--num", ROWS, "--out", place)
    assert result.exit_code == 0, result.output
    return place


def test_there_are_cases_enough_and_some_that_the_policy_misses() -> None:
    cases = read_cases(FOLDER)
    assert len([case for case in cases if case.check == "hold_against_policy"]) >= 60
    assert sum("missed by the policy" in case.name for case in cases) >= 2


def test_every_situation_is_there_without_bars_and_no_number_is_made_up() -> None:
    rows = read_gold({}, symbols=["BTCUSDT", "X"], timeframes=["1m"])
    assert rows["market"].n_unique() == 2 * 3 * 3
    assert set(rows.columns) == {"gold_id", "symbol", "timeframe", "regime", "volatility", "market"}
    assert rows["gold_id"].n_unique() == rows.height


def test_a_held_out_part_leaves_every_situation() -> None:
    source = GoldSource({}, options=DECLARED.default_options)
    gold = load_dataset(FOLDER).read_gold(source)
    assert gold.rows.head(round(gold.rows.height * 0.5))["market"].n_unique() == gold.rows["market"].n_unique()


def test_situations_are_measured_from_bars() -> None:
    rows = read_gold({"bars": BARS}, symbols=["SIM1"], timeframes=["1m", "1h"])
    assert rows["symbol"].unique().to_list() == ["SIM1"]
    assert rows.filter(pl.col("regime") == "trending_up")["change_percent"].min() > 0  # type: ignore[operator]
    assert rows.filter(pl.col("regime") == "ranging")["efficiency"].max() < 0.3  # type: ignore[operator]
    assert rows["gold_id"].n_unique() == rows.height


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"symbols": ["NONE"]}, "symbols: the bars have none of NONE; they have SIM1"),
        ({"timeframes": ["1h", "1m"]}, "timeframes: "),
        ({"timeframes": ["1d", "1w"]}, "timeframes: "),
    ],
)
def test_bars_that_lack_what_a_profile_asks_for(options: dict[str, Any], said: str) -> None:
    with pytest.raises(GoldError, match=said):
        read_gold({"bars": BARS}, **options)


def test_bars_that_are_too_few(tmp_path: Path) -> None:
    pl.read_parquet(BARS).head(100).write_parquet(tmp_path / "few.parquet")
    with pytest.raises(GoldError, match="more than 114"):
        read_gold({"bars": tmp_path / "few.parquet"})


@pytest.mark.parametrize("request_", REQUESTS)
def test_plain_questions_break_no_rule_of_the_policy(request_: str, tmp_path: Path) -> None:
    given = give(tmp_path)
    row = REFUSAL | {"intent": request_ if request_ != "propose_trade" else "summarise_market"}
    for seed in range(20):
        question = write_question(request_, "none", NAMES, Random(seed))
        plan = {"situation": SITUATION, "question": question, "news": write_news("none", NAMES, Random(seed))}
        assert hold_against_policy(row, plan, given) == []


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_refusal_of_any_attack_is_allowed(attack: str, tmp_path: Path) -> None:
    given = give(tmp_path)
    for seed in range(10):
        question, news = (write(*("propose_trade", attack)[at:], NAMES, Random(seed)) for at, write in ASKS)
        assert hold_against_policy(REFUSAL, {"situation": SITUATION, "question": question, "news": news}, given) == []


ASKS: Any = ((0, write_question), (1, write_news))


def test_an_injection_stands_in_the_news_alone() -> None:
    for seed in range(10):
        assert "\n".join(NEWS).count("instructions") == 0
        lines = write_news(INJECTION, NAMES, Random(seed)).splitlines()
        assert len(lines) >= 1
        assert "instructions" not in write_question("propose_trade", INJECTION, NAMES, Random(seed))


def test_limits_are_said_as_the_policy_has_them(tmp_path: Path) -> None:
    said = describe_limits({"situation": SITUATION.replace('"normal"', '"high"')}, give(tmp_path))
    assert "max_position_size is at most 0.025 of the account" in said
    assert "take_profit_pct is at least 1.5 times stop_loss_pct" in said


@pytest.mark.parametrize(
    ("question", "symbol", "timeframe"),
    [
        ("Analyze BTCUSDT on 1m timeframe and provide a trading recommendation", "BTCUSDT", "1m"),
        ("What about $NVDA, 15 minutes?", "NVDA", "15m"),
        ("Should I BUY ETH-USD on the daily chart?", "ETH-USD", "1d"),
        ("Summarise BRK.B", "BRK.B", None),
        ("Is the RSI of EURUSD high on 4h bars?", "EURUSD", "4h"),
        ("ES=F on 5-minute bars", "ES=F", "5m"),
    ],
)
def test_symbol_and_timeframe_of_a_question(question: str, symbol: str, timeframe: str | None) -> None:
    assert find_symbol(question, pl.DataFrame()) == symbol
    assert find_timeframe(question) == timeframe


def test_a_question_without_a_symbol(tmp_path: Path) -> None:
    with pytest.raises(QuestionError, match="names no symbol: write one in capitals, such as BTCUSDT"):
        plan_question("What shall I do?", give(tmp_path))


def test_a_question_without_bars_has_a_situation_that_is_not_known(tmp_path: Path) -> None:
    plan = plan_question("Analyze BTCUSDT on 1m", give(tmp_path))
    assert read_situation(plan["situation"]) == NAMES | {"regime": "unknown", "volatility": "unknown"}
    assert hold_against_policy(give_fallback(plan, "down"), plan, give(tmp_path)) == []


def test_a_question_with_bars_has_the_last_situation_of_them(tmp_path: Path) -> None:
    given = give(tmp_path, {"bars": BARS}, symbols=["SIM1", "SIM4"], timeframes=["1m", "1h"])
    situation = read_situation(plan_question("Analyze sim4 on 1h", given)["situation"])
    rows = given.gold.train.filter((pl.col("symbol") == "SIM4") & (pl.col("timeframe") == "1h"))
    assert situation["as_of"] == rows["as_of"].max()
    for question, said in (("Analyze SIM9", "SIM1, SIM4"), ("SIM4 on 1d", "they have 1h, 1m")):
        with pytest.raises(QuestionError, match=said):
            plan_question(question, given)


def test_every_line_of_the_rows_fits_the_schema_and_the_policy_allowed_it(folder: Path) -> None:
    schema = json.loads((FOLDER / "recommendation.schema.json").read_text())
    lines = (folder / "exports/rows.jsonl").read_text().splitlines()
    assert len(lines) == ROWS
    assert not [line for line in lines if not Draft202012Validator(schema).is_valid(json.loads(line))]
    ledger = pl.read_parquet(folder / "ledger.parquet")
    assert set(ledger.filter(pl.col("status") == "accepted")["policy_decision"]) == {"allow"}


def test_accepted_attacks_are_refused_and_plain_questions_answered(folder: Path) -> None:
    accepted = pl.read_parquet(folder / "accepted.parquet")
    wanted = pl.when(pl.col("attack") == "none").then(pl.col("request")).otherwise(pl.lit("refuse"))
    assert accepted.filter(pl.col("intent") != wanted).is_empty()
    assert accepted.filter(pl.col("attack") != "none").height > 10


def test_every_decision_is_in_the_ledger_and_in_the_events(folder: Path) -> None:
    ledger = pl.read_parquet(folder / "ledger.parquet").filter(pl.col("policy_history").list.len() > 0)
    decided: dict[str, list[str]] = {}
    for event in read_events(folder / "events.jsonl"):
        if event["event"] == "policy_decided":
            said = event["decision"] if event["rule"] is None else f"{event['decision']} {event['rule']}"
            decided.setdefault(event["row_id"], []).append(said)
    assert decided == dict(ledger.select("row_id", "policy_history").rows())
    outcomes = Counter(said.split(" ")[0] for each in decided.values() for said in each)
    assert outcomes["deny"] > 0


def test_rows_for_review_stand_apart(folder: Path) -> None:
    ledger, review = (pl.read_parquet(folder / f"{name}.parquet") for name in ("ledger", "review"))
    kept = ledger.filter(pl.col("policy_decision") == "review")
    assert review["row_id"].to_list() == kept["row_id"].to_list()
    assert set(kept["status"]) <= {"rejected"}
    assert len((folder / "exports/review.jsonl").read_text().splitlines()) == kept.height


def test_preferences_are_a_denied_first_try_and_what_was_accepted(folder: Path) -> None:
    pairs = [json.loads(line) for line in (folder / "exports/preference.jsonl").read_text().splitlines()]
    assert pairs
    for pair in pairs:
        assert pair["chosen"] != pair["rejected"]
        assert json.loads(pair["chosen"])["version"] == "1.0.0"


def test_the_advisor_is_not_told_what_is_an_attack() -> None:
    prompt = DECLARED.columns["recommendation"]["prompt"] + DECLARED.columns["refine/refined_recommendation"]["prompt"]
    assert "{{ controls }}" not in prompt
    assert "{{ attack }}" not in prompt


def test_the_rehearsal_is_repeatable_and_says_when_a_prompt_lacks_something() -> None:
    text = f"# Task: advise on one market\n\n## The situation\n{SITUATION}\n\n## The limits\n"
    limits = "- at most 0.05\n- at most 0.03, at most 0.09\n- at least 1.5\n\n## The question\nAnalyze it.\n"
    sections = read_sections(text + limits)
    answer = TASKS["advise on one market"]
    assert answer(sections, Random(3), Options()) == answer(sections, Random(3), Options())
    with pytest.raises(Exception, match="holds no market"):
        answer(read_sections("# Task: advise on one market\n"), Random(3), Options())
