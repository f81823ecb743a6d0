"""The data card of an imported gold: what was read, what became of it, and how it looks."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl

from gold_data.buckets import bin_by_quantiles
from gold_data.clocks import say_elsewhere, show_zone
from gold_data.errors import GoldError
from gold_data.folder import CARD
from gold_data.market import BarsReport
from gold_data.splits import take_part
from gold_data.trades.account import Account
from gold_data.trades.card_results import describe_markets, describe_results
from gold_data.trades.card_tables import write_table as _table
from gold_data.trades.measures import MEASURES
from gold_data.trades.schema import TIME_FIELDS, GoldTrades

BINS = 8  # rows of a histogram
WIDTH = 30  # its longest bar, in characters
MOST_VALUES = 12  # of a text column; the others are counted together
BUCKETS = 9
WEIGHT_DIGITS = 4

INTRO = """\
# Gold

Written by `tradelogs gold import`; `tradelogs gold describe` prints it. Synthetic trades are made from it with
`make generate GOLD=FOLDER` (`tradelogs generate PROFILE --gold FOLDER`).
"""
CONTROLS = """\
## Controls to paste into a profile

Buckets and weights of the entry volatility in the train sessions, for the list `controls`:
```yaml
- use: target_volatility
  params:
    values: [{values}]
    weights: [{weights}]
```
`- {{use: target_volatility, from_gold: {{bins: {bins}}}}}` takes them from whatever gold the run is given, and narrows
the control's tolerance to them.
"""


def write_card(account: Account) -> str:
    """Write the card of an import."""
    sections = [
        INTRO,
        _describe_files(account),
        _describe_trips(account),
        describe_markets(account.trades, account.markets),
        _describe_split(account),
        describe_results(account.trades, account.markets),
        _describe_measures(account),
        _describe_bars(account.bars),
        _describe_columns(show_zone(account.trades, account.markets, TIME_FIELDS), usual=account.markets.is_usual),
        suggest_controls(take_part(account.trades, account.split.train).get_column("entry_volatility_percent")),
    ]
    if account.notes:
        sections.append("## Notes\n" + "".join(f"- {note}\n" for note in account.notes))
    return "\n".join(section for section in sections if section)


def read_card(folder: Path) -> str:
    """Read the card of a gold folder.

    Raises:
        GoldError: there is none.
    """
    try:
        return (folder / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as exc:
        raise GoldError(f"{folder} has no {CARD} that can be read; name a folder that `gold import` wrote") from exc


def _describe_files(account: Account) -> str:
    rows = []
    for name, file in account.files.items():
        left_out = (len(file.duplicates), len(file.rejected), len(file.not_fills))
        counts = (file.rows_in, file.rows_used, file.rows_open, *left_out)
        rows.append((Path(name).name, file.format, *counts, len(file.trips)))
    head = "file", "format", "rows in", "used", "still open", "duplicates", "rejected", "no fills", "round trips"
    text = "## Rows\n\n" + _table(head, rows)
    text += "\nRows in = used + still open + duplicates + rejected + no fills.\n"
    kinds = Counter(row.rule for file in account.files.values() for row in file.not_fills)
    if kinds:
        text += "\nNo fills: " + ", ".join(f"{count} x `{kind}`" for kind, count in kinds.most_common()) + ".\n"
    return text


def _describe_trips(account: Account) -> str:
    fates = dict(account.trips.get_column("fate").value_counts().rows())
    rows = [
        ("round trips", account.trips.height),
        ("in an earlier file too", fates.get("duplicate", 0)),
        ("rejected", fates.get("rejected", 0)),
        ("**gold trades**", account.trades.height),
    ]
    text = "## Round trips\n\n" + _table(("what became of them", "count"), rows)
    rules = account.rejected.group_by("rule", maintain_order=True).len().sort("len", descending=True).rows()
    if rules:
        text += (
            "\nRejections by rule, of rows and of round trips (each with its line and value: `rejected_rows.csv`):\n\n"
        )
        text += _table(("rule", "count"), rules)
    return text


def _describe_split(account: Account) -> str:
    rows = []
    for part, days in (
        ("train", account.split.train),
        ("embargo", account.split.embargo),
        ("holdout", account.split.holdout),
    ):
        span = f"{days[0]} to {days[-1]}" if days else ""
        rows.append((part, len(days), take_part(account.trades, days).height, span))
    return (
        "## Sessions\n\n"
        + _table(("part", "sessions", "trades", "from and to"), rows)
        + "\nModels and price paths see train only; the embargo's trades are in neither part (`split.json`).\n"
    )


def _describe_measures(account: Account) -> str:
    kept = account.trips.filter(pl.col("fate") == "gold")
    rows = []
    for name in MEASURES:
        measured, stated = pl.col(f"measured_{name}"), pl.col(name)
        gap = (measured - stated).drop_nulls()
        counts = kept.select(measured.count(), (measured.is_null() & stated.is_not_null()).sum().alias("stated")).row(0)
        both, *gaps = kept.select(
            gap.len(),
            median=gap.median(),
            usual=gap.abs().quantile(0.95, interpolation="higher"),
            most=gap.abs().max(),
        ).row(0)
        rows.append((f"`{name}`", *counts, both, *("" if value is None else f"{value:.4f}" for value in gaps)))
    text = (
        "## Measures\n\nTaken from bars where they have the trade, else as the log states them. Where both are there, "
    )
    text += "the difference is measured less stated, in percent points.\n\n"
    head = "measure", "from bars", "as stated", "in both", "median difference", "95% within", "greatest"
    text += _table(head, rows)
    why = kept.get_column("unmeasured").drop_nulls().value_counts(sort=True).rows()
    if why and account.bars is not None:
        text += "\nNot measured: " + ", ".join(f"{count} x `{reason}`" for reason, count in why) + ".\n"
    return text


def _describe_bars(bars: BarsReport | None) -> str:
    if bars is None:
        return "## Bars\n\nNone were given: price paths take a stated fallback shape.\n"
    finer = ", finer than a minute and resampled" if bars.finer else ""
    kept = f"{bars.bars:,} minute bars of {', '.join(bars.tickers)} are" if bars.bars else "none is"
    text = f"## Bars\n\n{bars.name}: {bars.rows_in:,} rows{finer}; {kept} kept, in the exchange's time.\n"
    if bars.kinds:
        text += "\n" + _table(("found", "count"), [(kind, f"{count:,}") for kind, count in bars.kinds.items()])
    lines = [*bars.splits, *bars.notes]
    return text + ("\n" + "".join(f"- {line}\n" for line in lines) if lines else "")


def _describe_columns(trades: pl.DataFrame, *, usual: bool) -> str:
    parts = ["## Columns\n"]
    for name, column in GoldTrades.columns().items():
        if name != "trade_id":
            said = str(column.description) if usual else say_elsewhere(str(column.description))
            parts.append(f"`{name}`: {said}\n```\n{draw_histogram(trades.get_column(name))}\n```\n")
    return "\n".join(parts)


def draw_histogram(values: pl.Series) -> str:
    """Draw how often which values are there, one line each; numbers and times of day in equal steps."""
    if values.dtype == pl.String:
        counted = values.value_counts(sort=True).rows()
        others = sum(count for _, count in counted[MOST_VALUES:])
        return _draw([*counted[:MOST_VALUES], *([("others", others)] if others else [])])
    if isinstance(values.dtype, pl.Datetime):
        hours = values.dt.strftime("%H:%M").str.replace(r"[0-2]\d$", "00").str.replace(r"[3-5]\d$", "30")
        return _draw(hours.value_counts().sort(hours.name).rows())
    if values.dtype == pl.Date:
        return _draw(_count_days(values))
    counts, edges = np.histogram(values.to_numpy(), bins=BINS)
    ranges = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges)]
    return _draw(list(zip(ranges, counts.tolist(), strict=True)))


def _count_days(days: pl.Series) -> list[tuple[str, int]]:
    """Count by day, or by stretches of equally many days where there are more than a histogram has rows."""
    counted = days.value_counts().sort(days.name).rows()
    size = -(-len(counted) // BINS)
    stretches = [counted[start : start + size] for start in range(0, len(counted), size)]
    return [
        (f"{first[0]} to {last[0]}" if size > 1 else str(first[0]), sum(count for _, count in stretch))
        for stretch in stretches
        for first, last in [(stretch[0], stretch[-1])]
    ]


def _draw(rows: Sequence[tuple[str, int]]) -> str:
    widest, most = max(len(name) for name, _ in rows), max(count for _, count in rows)
    digits = len(str(most))
    return "\n".join(
        f"{name:>{widest}} {count:>{digits}} {'#' * -(-WIDTH * count // most)}".rstrip() for name, count in rows
    )


def suggest_controls(volatility: pl.Series) -> str:
    """Suggest buckets of the volatility control and their weights, which sum to 1, as YAML for a profile."""
    buckets = bin_by_quantiles(volatility.to_numpy(), BUCKETS)
    total = sum(buckets.values())
    weights = [round(count / total, WEIGHT_DIGITS) for count in buckets.values()]
    weights[-1] = round(1 - sum(weights[:-1]), WEIGHT_DIGITS)
    return CONTROLS.format(
        values=", ".join(f"{value:g}" for value in buckets),
        weights=", ".join(f"{weight:g}" for weight in weights),
        bins=BUCKETS,
    )
