"""What explanations need beyond their YAML: contexts as gold rows, the checks of a text, the pairs of accepted ones."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from columns.checks.text_facts import check_names, check_numbers, collect_facts, compile_names, find_names, find_numbers
from columns.dataset import Dataset as DatasetBase
from columns.dataset import Finished, FinishRequest, Given, PlanRow
from gold_data.errors import GoldError
from gold_data.source import GoldSource
from gold_data.splits import load_split
from gold_data.store import SESSION, Gold, GoldFolder
from gold_data.violation import Violation
from indicators.errors import IndicatorError
from indicators.vpa.bars_file import choose_timeframes
from indicators.vpa.context import build_context
from indicators.vpa.measures import LOOKBACK, PRIOR_BARS, TREND_BARS
from indicators.vpa.outcomes import build_outcomes
from indicators.vpa.pack import RECENT_CANDLES
from indicators.vpa.patterns import PATTERNS
from indicators.vpa.signal import RULES, SIGNAL, STOP_BARS, STRENGTH

GOLD_ID, CELL, HIGHER = "gold_id", "cell", "multi_timeframe_context"
WITHOUT_STRENGTH = "NONE"  # of a HOLD: reference 002 has a text there
MOMENT = "%Y-%m-%dT%H:%M:%S"
DECIDED = (SESSION, CELL, "ticker", "timeframe", "timestamp", "signal", "strength", "pattern", "stop", "target")
INPUT = (
    *("current_candle", "recent_candles", "vpa_metrics", "trend_analysis", "pattern_analysis", "support_resistance"),
    HIGHER,
)
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
        bars = choose_bars(gold.bars, source.options)
        rows = build_rows(bars, source.options)
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
        find_outcomes(rows, gold.bars, request.options).write_parquet(file)
        parts = [name for name in INPUT if name in rows.columns]
        signal = pl.struct(pl.col("signal").alias("type"), "strength").alias("signal")
        pairs = rows.select(
            *DECIDED,
            pl.struct("timestamp", "ticker", pl.col("timeframe").alias("primary_timeframe"), *parts).alias("input"),
            pl.struct(signal, accepted["explanation"]).alias("output"),
        )
        drawn_already = [name for name in pairs.columns if name in accepted.columns]
        return Finished(pl.concat([accepted, pairs.drop(drawn_already)], how="horizontal"), {"outcomes": file})


def choose_bars(bars: pl.DataFrame, options: Mapping[str, Any]) -> pl.DataFrame:
    """Choose the bars that a profile asks for: its tickers, and no day after its last.

    Raises:
        GoldError: the file has no bar of a ticker, or none that early.
    """
    if (tickers := options["tickers"]) is not None:
        known = bars["ticker"].unique().sort().to_list()
        if missing := [ticker for ticker in tickers if ticker not in known]:
            raise GoldError(
                f"tickers: the gold's bars have none of {', '.join(missing)}; they have {', '.join(known)}: name those"
            )
        bars = bars.filter(pl.col("ticker").is_in(tickers))
    if (last := options["end_date"]) is not None:
        bars = bars.filter(pl.col("timestamp").dt.date() <= _read_day("end_date", last))
    return bars


def choose_ladder(bars: pl.DataFrame, options: Mapping[str, Any]) -> tuple[str, ...]:
    """Choose the timeframes, from that of the bars to the highest."""
    return tuple(options["timeframes"] or choose_timeframes(bars))


def build_rows(bars: pl.DataFrame, options: Mapping[str, Any]) -> pl.DataFrame:
    """Make gold rows of bars: an id, the session in which the bar was over, the cell, the signal, and the context.

    The context has plain types, moments as text, and the higher timeframes by name, so that it reads as JSON. The
    session is the last one that has a bar before the row's own bar ends: a week's is not the Monday it began.

    Raises:
        GoldError: the bars are not of these timeframes, or no row is left.
    """
    ladder = choose_ladder(bars, options)
    try:
        context = build_context(bars, ladder)
    except IndicatorError as exc:
        raise GoldError(f"timeframes: {exc}") from exc
    place = pl.int_range(pl.len()).over("ticker", "timeframe")
    rows = _add_sessions(context.filter(place >= options["min_lookback"] - LOOKBACK), bars)
    if (primary := options["primary_timeframe"]) is not None:
        if primary not in ladder:
            raise GoldError(f"primary_timeframe: {primary} is none of the timeframes {', '.join(ladder)}: name one")
        rows = rows.filter(pl.col("timeframe") == primary)
    if (first := options["start_date"]) is not None:
        rows = rows.filter(pl.col(SESSION) >= _read_day("start_date", first))
    if rows.is_empty():
        raise GoldError(
            f"no bar is left to explain: of {bars.height} bars none from start_date to end_date has "
            f"{options['min_lookback']} bars of its ticker and timeframe before it; bring more bars, or ask for fewer"
        )
    return _write_plainly(rows, ladder)


def _add_sessions(context: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    ends = pl.col("timestamp").dt.offset_by(pl.col("timeframe").cast(pl.String)).dt.offset_by("-1us")
    days = bars.select(pl.col("timestamp").dt.date().unique().sort().alias(SESSION))
    placed = context.with_row_index("_place").with_columns(_until=ends.dt.date()).sort("_until")
    joined = placed.join_asof(days, left_on="_until", right_on=SESSION, coalesce=False)
    return joined.sort("_place").drop("_place", "_until")


def _write_plainly(rows: pl.DataFrame, ladder: Sequence[str]) -> pl.DataFrame:
    with_text = pl.element().struct.with_fields(pl.field("timestamp").dt.to_string(MOMENT))
    of_timeframe = pl.element().struct.field("timeframe")
    higher = [
        pl.col(HIGHER).list.eval(with_text.filter(of_timeframe == name)).list.first().alias(name) for name in ladder[1:]
    ]
    written = rows.with_columns(
        name_bar(),
        pl.col("timestamp").dt.to_string(MOMENT),
        pl.col("strength").cast(pl.String).fill_null(WITHOUT_STRENGTH),
        pl.col("recent_candles").list.eval(with_text),
        *([pl.struct(higher).alias(HIGHER)] if higher else []),
    ).with_columns(pl.concat_str("signal", "strength", "pattern", separator=" ").alias(CELL))
    parts = [name for name in INPUT if higher or name != HIGHER]  # Parquet has no struct without fields
    named = written.select(GOLD_ID, *DECIDED, "fired_rules", *parts)
    return named.cast({name: make_plain(kind) for name, kind in named.schema.items()})


def name_bar() -> pl.Expr:
    """Name a bar by ticker, timeframe and start; with the offset, for an hour comes twice where the clocks go back."""
    moment = pl.col("timestamp").dt.to_string(f"{MOMENT}%z")
    return pl.concat_str("ticker", "timeframe", moment, separator=" ").alias(GOLD_ID)


def make_plain(kind: pl.DataType) -> pl.DataType:
    """Give a type with text for every enumeration in it."""
    if isinstance(kind, pl.Struct):
        return pl.Struct({field.name: make_plain(field.dtype) for field in kind.fields})  # type: ignore[arg-type]
    if isinstance(kind, pl.List):
        return pl.List(make_plain(kind.inner))  # type: ignore[arg-type]
    return pl.String() if isinstance(kind, pl.Enum) else kind


def _read_day(key: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as exc:
        raise GoldError(f"{key}: {text} is no day of the calendar: give one, such as 2024-10-01") from exc


def find_outcomes(rows: pl.DataFrame, bars: pl.DataFrame | None, options: Mapping[str, Any]) -> pl.DataFrame:
    """Find what came after the bars of rows, by `row_id`: as far as the train part's bars reach, null beyond."""
    assert bars is not None, "a profile must bring bars"
    there = bars.filter(pl.col("ticker").is_in(rows["ticker"].to_list()))
    outcomes = build_outcomes(there, choose_ladder(bars, options)).with_columns(name_bar())
    joined = rows.select("row_id", GOLD_ID).join(outcomes, on=GOLD_ID, how="left", maintain_order="left")
    return joined.drop(GOLD_ID, "ticker", "timeframe", "timestamp")


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
