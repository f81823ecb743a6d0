"""Stock reports, from bars and news to printed texts."""

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import Any

import polars as pl
import pytest
import yaml
from jsonschema import Draft202012Validator

from columns.checks.near_copies import NearCopies
from columns.dataset import Given, load_dataset
from columns.declared import read_declared
from columns.rendering import fence_json, list_gold_rows
from columns.stock_report.dataset import describe_rule, print_report, print_sheet
from columns.stock_report.moments import build_rows, read_news
from columns.stock_report.report_checks import (
    MARK,
    check_marks,
    check_news,
    check_recommendation,
    check_words,
    read_relations,
)
from gold_data.errors import GoldError
from gold_data.source import GoldSource
from gold_data.store import Gold
from indicators.report_facts import FACTS, print_fact
from offline_model.prompt import Sections
from offline_model.tasks.stock_report import FAULTS, TASKS, TREND_FAULT, Sheet, plant_fault, read_sheet, write_sound
from tests.conftest import ROOT, run_cli

FOLDER = ROOT / "columns/stock_report"
NEWS = FOLDER / "sample/news.csv"
ROWS = 24
NOTHING: Any = SimpleNamespace(train=pl.DataFrame())  # stands for a gold folder


@pytest.fixture(scope="module")
def bars(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A part of the sample's bars: three tickers, two weeks."""
    early = (pl.col("timestamp") < pl.datetime(2024, 10, 16, time_zone="America/New_York")) & pl.col("ticker").is_in(
        ["SIM1", "SIM4", "SIM5"]
    )
    path = tmp_path_factory.mktemp("bars") / "bars.parquet"
    pl.read_parquet(ROOT / "gold_data/sample/bars.parquet").filter(early).write_parquet(path)
    return path


@pytest.fixture(scope="module")
def gold(bars: Path) -> Gold:
    options = read_declared(FOLDER).default_options | {"index_ticker": "SIM1"}
    return load_dataset(FOLDER).read_gold(GoldSource({"bars": bars, "news": NEWS}, options=options))


@pytest.fixture(scope="module")
def folder(bars: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return generate(tmp_path_factory.mktemp("reports"), "run", bars)


def generate(place: Path, name: str, bars: Path) -> Path:
    """Run the shipped profile on a part of its bars, with prompts kept."""
    document = yaml.safe_load((ROOT / "designer_configs/stock_report_offline.yaml").read_text(encoding="utf-8"))
    gold = {"bars": str(bars), "news": str(NEWS), "holdout": 0.2, "embargo": 1}
    formats = ["parquet", "jsonl", "chat", "preference", "by_time"]
    changed = document | {"gold": gold, "trace": "full", "export": formats, "controls": ["stock", "reader"]}
    (place / "reports.yaml").write_text(yaml.safe_dump(changed), encoding="utf-8")
    result = run_cli("generate", place / "reports.yaml", "--num", ROWS, "--out", place / name)
    assert result.exit_code == 0, result.output
    return place / name


def show(row: dict[str, Any]) -> dict[str, Any]:
    """Show a gold row as the plan does: its facts, the sheet, the rule."""
    facts = fence_json([{name: value for name, value in row.items() if name != "gold_id"}])
    plan = {"facts": facts, "report_length": "40 to 190 words"}
    given = Given(load_dataset(FOLDER), NOTHING)
    return plan | {"sheet": print_sheet(plan, given), "rule": describe_rule(plan, given)}


def read_plan(plan: dict[str, Any]) -> Sheet:
    return read_sheet(Sections("", "", {"The sheet": plan["sheet"], "The rule": plan["rule"]}, None))


def check(report: Any, plan: dict[str, Any]) -> list[str]:
    dataset = load_dataset(FOLDER)
    return [violation.rule for violation in dataset.check_row(report, plan, Given(dataset, NOTHING))]


def list_contexts(gold: Gold, count: int) -> list[dict[str, Any]]:
    """List contexts, of every cell as many."""
    cells = gold.rows["cell"].n_unique()
    each = [part.sample(min(part.height, count // cells + 1), seed=5) for part in gold.rows.partition_by("cell")]
    drawn = pl.concat(each).sample(fraction=1.0, shuffle=True, seed=3).head(count)
    return list_gold_rows(drawn, read_declared(FOLDER))


def test_every_planted_fault_is_caught_and_no_sound_report_refused(gold: Gold) -> None:
    contexts = list_contexts(gold, 60)
    planted, caught = Counter[str](), Counter[str]()
    for seed, row in enumerate(contexts):
        plan = show(row)
        sheet, rng = read_plan(plan), Random(seed)
        report = write_sound(sheet, rng)
        assert check(report, plan) == [], (report, plan["sheet"])
        for kind in FAULTS:
            if (faulty := plant_fault(kind, report, sheet, rng)) is not None and faulty != report:
                planted[kind] += 1
                caught[kind] += bool(check(faulty, plan))
    assert len(planted) == 14
    assert planted == caught


@pytest.mark.parametrize(
    ("sentence", "rule"),
    [
        ("It is gu\u0430ranteed to work.", "promise"),  # a Cyrillic letter
        ("It will r\u200bise.", "promise"),
        ("It moved by tw\u0435nty of them.", "number_word"),
        ("The n\u0435ws is good.", "news"),
    ],
)
def test_look_alike_letters_hide_nothing(sentence: str, rule: str) -> None:
    row = {"report": sentence, "claims": [], "news_ids": []}
    context = {"facts": {}, "headlines": [], "rule": {"situation": "agreement"}, "evidence": {}, "as_of": "now"}
    checks = (check_marks, check_words, check_news)
    assert [broken.rule for check in checks for broken in check(row, context)] == [rule]


FOUND = {
    "number_word": [
        *("It moved one percent.", "Volume grew fourfold.", "It lost a tenth.", "A single-digit gain.", "Point XIV."),
        *("It changed by a couple of cents.", "Volume quadrupled.", "The change is nil."),
    ],
    "unit": ["[[volume]]k changed hands.", "It moved by [[change_1]] basis points."],
    "mark": ["It is [close].", "It is {{close}}."],
    "promise": [
        *("It is set to rise.", "It must rise.", "It will never fall.", "It will trade higher.", "Gains are certain."),
        *("It can only go up.", "It won\u2019t fall.", "It is a no-brainer.", "Without a doubt it pays."),
    ],
    "rating": [
        *("Selling is right.", "It is for those who dump it.", "Shorting is right.", "Our confidence level is low."),
        *("We are highly confident.", "A low degree of confidence.", "Confidence here is very low.", "Be short."),
    ],
    "news": ["The CEO resigned.", "Reports say more.", "It pays a dividend.", "The press writes of it."],
}
SOUND = (
    "At one point it moved on buying pressure. The lower band is a given level. It moved over a given time, across "
    "the board. Stops set to the band hold. Confidence is medium near the high."
)


def test_faults_are_found_however_they_are_put() -> None:
    usual: dict[str, Any] = {"situation": "usual", "recommendation": "BUY", "confidence": "medium"}
    facts = {"volume": 1, "change_1": 1, "close": 1}
    context = {"facts": facts, "rule": usual, "headlines": [], "evidence": {}, "as_of": "now"}
    rest = usual | {"claims": [], "news_ids": [], "stop_loss_pct": 1, "take_profit_pct": 2}
    checks = (check_marks, check_recommendation, check_words, check_news)
    said = [(rule, text) for rule, texts in FOUND.items() for text in texts]
    for rule, text in [*said, ("", SOUND)]:
        row = rest | {"report": text}
        assert {broken.rule for check in checks for broken in check(row, context)} == ({rule} - {""}), text


def test_the_critic_finds_another_trend(gold: Gold) -> None:
    for seed, row in enumerate(list_contexts(gold, 20)):
        plan = show(row)
        sheet, rng = read_plan(plan), Random(seed)
        faulty = plant_fault(TREND_FAULT, write_sound(sheet, rng), sheet, rng)
        bodies = {"The sheet": plan["sheet"], "The rule": plan["rule"], "The report": fence_json(faulty or {})}
        verdict: Any = TASKS["judge one stock report"](Sections("", "", bodies, None), rng, NOTHING)
        assert verdict["faithfulness"]["score"] == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[[close]] is above [[sma_20]].", [("close", "above", "sma_20")]),
        ("A close of [[close]] exceeds [[sma_20]], and [[low_60]] is lower than [[close]].", 2),
        ("Nothing is above. [[close]] is [[close]].", 1),
        ("[[close]] is not above [[sma_20]].", ["[[close]] is not above [[sma_20]]"]),
        ("[[close]] isn't below [[sma_20]].", 1),
        ("Over the last bars [[ticker]] moved by [[change_20]].", []),
        ("[[close]] is \u0430bove [[sma_20]].", [("close", "above", "sma_20")]),
        ("[[close]] surpasses [[sma_20]].", [("close", "above", "sma_20")]),
        ("[[low_60]] trails [[close]], and [[close]] > [[sma_20]].", 2),
        ("[[close]] \u2264 [[sma_20]].", [("close", "below", "sma_20")]),
        ("[[close]] has moved past [[high_60]].", [("close", "above", "high_60")]),
        ("[[close]] equals [[sma_20]].", ["[[close]] equals [[sma_20]]"]),
        ("Compared with [[high_60]], [[low_60]] stands higher.", 1),
        ("The lower band [[band_low_20]] and the close [[close]] stand apart.", []),
        ("The strength behind it is [[rsi_14]], beaten down to [[change_5]] over the past bars.", []),
    ],
)
def test_relations_are_read_from_prose(text: str, found: Any) -> None:
    read = list(read_relations(text))
    assert len(read) == found if isinstance(found, int) else read == found


def test_accepted_reports_print_facts_at_their_rounding(folder: Path) -> None:
    accepted = pl.read_parquet(folder / "accepted.parquet")
    assert accepted.height == ROWS
    for row in accepted.to_dicts():
        printed = {print_fact(name, value) for name, value in row["known"].items() if value is not None}
        text = re.sub(r"\u201c[^\u201d]*\u201d", "", row["report_text"])
        text = text.replace(row["ticker"], "").replace(row["as_of"].replace("T", " ")[:16], "")
        for said in sorted(printed, key=len, reverse=True):
            text = text.replace(said, "")
        assert not re.search(r"\d", text), text
        assert "[[" not in row["report_text"]


def test_what_came_is_kept_apart_and_in_no_prompt(folder: Path) -> None:
    outcomes, accepted = (pl.read_parquet(folder / f"{name}.parquet") for name in ("outcomes", "accepted"))
    assert outcomes["row_id"].to_list() == accepted["row_id"].to_list()
    values = {repr(value) for value in outcomes["return_percent_5"].drop_nulls() if len(repr(value)) > 8}
    traced = "".join(gzip.decompress(path.read_bytes()).decode() for path in folder.glob("trace/*.jsonl.gz"))
    tables = "".join(pl.read_parquet(path).write_json() for path in folder.glob("rounds/*/*.parquet"))
    everywhere = traced + tables + (folder / "events.jsonl").read_text(encoding="utf-8")
    assert len(values) > ROWS / 2
    assert "cone_low_5" in traced  # so prompts are there
    assert not [found for found in ["return_percent_5", "in_cone", *values] if found in everywhere]


def test_exports_are_whole_and_fit_the_schema(folder: Path) -> None:
    schema = json.loads((FOLDER / "report.schema.json").read_text(encoding="utf-8"))
    validator, fields = Draft202012Validator(schema), schema["properties"]
    lines = (folder / "accepted.jsonl").read_text(encoding="utf-8").splitlines()
    parts = [(folder / f"exports/by_time/{name}.jsonl") for name in ("train", "validation", "test")]
    split = [[json.loads(line) for line in part.read_text(encoding="utf-8").splitlines()] for part in parts]
    rows = [json.loads(line) for line in lines] + [row for part in split for row in part]
    assert [list(validator.iter_errors({name: row[name] for name in fields})) for row in rows] == [[]] * len(rows)
    assert max(row["session_date"] for row in split[0]) < min(row["session_date"] for row in split[2])
    pairs = [json.loads(line) for line in (folder / "exports/preference.jsonl").read_text().splitlines()]
    assert pairs
    assert all(json.loads(pair["chosen"]) != json.loads(pair["rejected"]) for pair in pairs)
    chats = (folder / "exports/chat.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(chats) == ROWS
    assert not MARK.search(json.loads(chats[0])["messages"][2]["content"])


def test_verification_asks_for_balance_and_prints_agreement(folder: Path) -> None:
    assert run_cli("verify", folder).exit_code == 0
    metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    answers = {answer["question"]: answer for answer in metrics["answers"]}
    assert answers["cells"]["metrics"]["apart"]["recommendation"] < 0.2  # few rows, some of them rejected
    assert [row["groups"] for row in answers["agreement"]["metrics"]["rows"]] == [4, 3, 2]
    assert "always up" in (folder / "report.html").read_text(encoding="utf-8")


def test_news_is_known_once_it_is_published(gold: Gold) -> None:
    for row in gold.rows.filter(pl.col("news") == "with news").sample(200, seed=1).to_dicts():
        assert row["headlines"]
        assert all(item["published_at"] <= row["as_of"] for item in row["headlines"])
    news, _ = read_news(NEWS, gold.bars)  # type: ignore[arg-type]
    last = gold.rows.filter(pl.col("ticker") == "SIM4").sort("as_of").row(-1, named=True)
    published = pl.col("published_at").dt.to_string("%Y-%m-%dT%H:%M:%S") <= last["as_of"]
    told = news.filter(published & (pl.col("ticker") == "SIM4"))
    assert {item["id"] for item in last["headlines"]} <= set(told["id"])


def test_a_moment_says_nothing_of_later_bars(gold: Gold) -> None:
    assert gold.bars is not None
    news, _ = read_news(NEWS, gold.bars)
    cut = pl.datetime(2024, 10, 9, 12, 30, time_zone="America/New_York")
    earlier = build_rows(gold.bars.filter(pl.col("timestamp") <= cut), news, "SIM1", 30)
    known = gold.rows.filter(pl.col("bar") <= "2024-10-09T12:30:00-0400")
    assert earlier.equals(known)


def test_news_that_cannot_be_used_is_refused_with_what_to_do(tmp_path: Path, gold: Gold) -> None:
    twice = "id,published_at,ticker,headline\nn1,2024-10-01 10:00:00,SIM1,A\nn1,2024-10-01 11:00:00,SIM1,B\n"
    (tmp_path / "twice.csv").write_text(twice, encoding="utf-8")
    with pytest.raises(GoldError, match="n1 stand twice"):
        read_news(tmp_path / "twice.csv", gold.bars)  # type: ignore[arg-type]
    (tmp_path / "less.csv").write_text("id,when,ticker,headline\nn1,2024,SIM1,A\n", encoding="utf-8")
    with pytest.raises(GoldError, match="published_at"):
        read_news(tmp_path / "less.csv", gold.bars)  # type: ignore[arg-type]


def test_without_news_and_index_there_are_rows(gold: Gold) -> None:
    assert gold.bars is not None
    nothing, _ = read_news(None, gold.bars)
    rows = build_rows(gold.bars, nothing, None, 30)
    assert rows["news"].unique().to_list() == ["without news"]
    assert rows["facts"].struct.field("relative_strength_20").null_count() == rows.height


@pytest.mark.slow
def test_one_seed_repeats(folder: Path, bars: Path) -> None:
    again = generate(folder.parent, "again", bars)
    for name in ("accepted", "ledger", "outcomes"):
        assert pl.read_parquet(folder / f"{name}.parquet").equals(pl.read_parquet(again / f"{name}.parquet")), name


def test_reports_on_other_moments_are_no_copies_and_edited_ones_are(gold: Gold) -> None:
    declared = read_declared(FOLDER).copies
    assert declared is not None
    known, edited, false = NearCopies(declared.nearer_than), 0, 0
    contexts = [row for row in list_contexts(gold, 80) if row["rule"]["situation"] != "stale"]
    for seed, row in enumerate(contexts):
        rng, sheet = Random(seed), read_plan(show(row))
        text = print_report(write_sound(sheet, rng)["report"], row)
        false += known.find(text) is not None
        known.add(text, str(seed))
        edited += sum(known.find(change) is not None for change in edit(text, rng))
    assert false == 0
    assert edited >= 0.99 * 3 * len(contexts)


def edit(text: str, rng: Random) -> list[str]:
    """Edit a text as whoever hides a copy would: three words, other numbers, sentences in another order."""
    words, sentences = text.split(), re.split(r"(?<=[.!?])\s+", text)
    for place in rng.sample(range(len(words)), 3):
        words[place] = "however"
    numbers = re.sub(r"\d+(\.\d+)?", lambda _: str(rng.randint(1, 999)), text)
    return [" ".join(words), numbers, " ".join(rng.sample(sentences, len(sentences)))]


def test_every_fact_has_a_unit_and_prints() -> None:
    assert 25 <= len(FACTS) <= 31
    assert all(re.search(r"\d", print_fact(name, 12.5)) for name in FACTS)
