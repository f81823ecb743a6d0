"""What explanations need beyond their YAML: contexts as gold rows, the checks of a text, the pairs of accepted ones."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from columns.checks.text_facts import check_names, check_numbers, collect_facts, compile_names, find_names, find_numbers
from columns.dataset import Dataset as DatasetBase
from columns.dataset import Finished, FinishRequest, Given, PlanRow
from columns.vpa.moments import (
    DECIDED,
    GOLD_ID,
    HIGHER,
    INPUT,
    WITHOUT_STRENGTH,
    build_rows,
    choose_bars,
    find_outcomes,
)
from gold_data.source import GoldSource
from gold_data.splits import load_split
from gold_data.store import SESSION, Gold, GoldFolder
from gold_data.violation import Violation
from indicators.vpa.measures import LOOKBACK, PRIOR_BARS, TREND_BARS
from indicators.vpa.pack import RECENT_CANDLES
from indicators.vpa.patterns import PATTERNS
from indicators.vpa.signal import RULES, SIGNAL, STOP_BARS, STRENGTH

SPANS = (LOOKBACK, TREND_BARS, PRIOR_BARS, RECENT_CANDLES, STOP_BARS)  # bars over which things are measured
LENGTH_SLACK = 0.2  # of the bounds: models count words badly, and a reader does not
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
PATTERN_NAMES = compile_names(PATTERNS)
SIGNAL_WORDS = compile_names(SIGNAL.categories, as_written=True)
SIGNAL_PHRASES = compile_names([f"{name}_signal" for name in SIGNAL.categories])
STRENGTH_PHRASES = compile_names([f"{one}_{name}" for one in STRENGTH.categories for name in SIGNAL.categories])


class Dataset(DatasetBase):
    """Explanations of bars: gold rows are made from bars, and accepted texts become pairs of input and output."""

    def read_gold(self, source: GoldSource) -> Gold:
        """Read bars, and make a gold row of every bar that is asked for and has a full lookback.

        Raises:
            GoldError: the bars cannot be read, or nothing of them is left to explain.
        """
        gold = super().read_gold(source)
        if gold.bars is None:
            return gold
        bars = choose_bars(gold.bars, source.options, gold.markets)
        rows = build_rows(bars, source.options, gold.markets)
        if source.split is None:
            return replace(gold, rows=rows, bars=bars)
        split = load_split(source.split)
        kept = rows.filter(pl.col(SESSION).is_in([*split.train, *split.embargo, *split.holdout]))
        note = f"{rows.height - kept.height} bars of days that the gold's split does not name are not explained"
        return replace(gold, rows=kept, bars=bars, split=split, notes=[*gold.notes, note])

    def finish(self, accepted: pl.DataFrame, gold: GoldFolder, request: FinishRequest) -> Finished:
        """Give explanations the input and output of reference 002; what came after each bar is the table `outcomes`."""
        ids = accepted.select("row_id", pl.col("gold_example_ids").list.first().alias(GOLD_ID))
        drawn = gold.scan_train().filter(pl.col(GOLD_ID).is_in(ids[GOLD_ID].to_list())).collect()
        rows = ids.join(drawn, on=GOLD_ID, how="left", maintain_order="left")
        file = request.folder / f"outcomes-{request.number:06d}.parquet"
        find_outcomes(rows, gold.bars, request.options, gold.markets).write_parquet(file)
        parts = [name for name in INPUT if name in rows.columns]
        signal = pl.struct(pl.col("signal").alias("type"), "strength").alias("signal")
        pairs = rows.select(
            *DECIDED,
            pl.struct("timestamp", "ticker", pl.col("timeframe").alias("primary_timeframe"), *parts).alias("input"),
            pl.struct(signal, accepted["explanation"]).alias("output"),
        )
        drawn_already = [name for name in pairs.columns if name in accepted.columns]
        return Finished(pl.concat([accepted, pairs.drop(drawn_already)], how="horizontal"), {"outcomes": file})


def read_context(shown: str) -> dict[str, Any]:
    """Read the gold row that a prompt shows: the one of a fenced list."""
    context: dict[str, Any] = json.loads(shown.removeprefix("```json\n").removesuffix("\n```"))[0]
    return context


def describe_rules(row: PlanRow, _: Given) -> str:
    """Say what the rules that fired at a row's bar mean, a line each."""
    return "\n".join(f"- {name}: {RULES[name]}" for name in read_context(row["context"])["fired_rules"])


def check_explanation(text: str, plan: PlanRow, _: Given) -> list[Violation]:
    """List what a text says against its context: the signal, numbers and patterns; and a length that was not asked for.

    The spans over which things are measured are facts, too, and so is the pattern of a higher timeframe in a sentence
    that names that timeframe.
    """
    if not text.strip():
        return [Violation("empty", (), "a text", "nothing", "the text is empty")]
    context = read_context(plan["context"])
    return [
        *_check_signal(text, context),
        *_check_patterns(text, context),
        *check_numbers(text, collect_facts(context, numbers=SPANS)),
        *_check_length(text, str(plan.get("length", ""))),
    ]


def _check_signal(text: str, context: Mapping[str, Any]) -> list[Violation]:
    signal, strength = context["signal"], context["strength"]
    whole = signal if strength == WITHOUT_STRENGTH else f"{strength} {signal}"
    named = find_names(text, SIGNAL_WORDS)
    wrong = [name for name in named if name != signal]
    wrong += [name for name in find_names(text, SIGNAL_PHRASES) if name != f"{signal}_signal"]
    wrong += [name for name in find_names(text, STRENGTH_PHRASES) if name != f"{strength}_{signal}"]
    if not wrong and signal in named:
        return []
    found = ", ".join(wrong).replace("_", " ") or "none"
    return [Violation("signal", (), whole, found, f"the text names the signal {found}; limit: {whole}, and no other")]


def _check_patterns(text: str, context: Mapping[str, Any]) -> list[Violation]:
    broken: dict[str, Violation] = {}
    for sentence in _SENTENCE_END.split(text):
        above = {name: summary["pattern"] for name, summary in (context.get(HIGHER) or {}).items() if summary}
        named = {pattern for name, pattern in above.items() if re.search(rf"\b{name}\b", sentence)} - {"none"}
        holding = {*context["pattern_analysis"]["patterns"], *named}
        broken |= {found.found: found for found in check_names(sentence, PATTERN_NAMES, holding, "pattern")}
    return list(broken.values())


def _check_length(text: str, asked: str) -> list[Violation]:
    words, bounds = len(text.split()), [stated.value for stated in find_numbers(asked)]
    if len(bounds) != 2 or bounds[0] * (1 - LENGTH_SLACK) <= words <= bounds[1] * (1 + LENGTH_SLACK):
        return []  # where no control names two bounds, any length will do
    return [Violation("length", (), asked, f"{words} words", f"the text has {words} words; limit: {asked}")]
