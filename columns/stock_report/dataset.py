"""Stock reports: gold rows are what is known of a ticker at a moment, and accepted reports are printed by code.

A report's numbers are marks, `[[rsi_14]]`: a model chooses which fact it speaks of, and cannot mistype it.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from columns.dataset import Dataset as DatasetBase
from columns.dataset import Finished, FinishRequest, Given, PlanRow
from columns.rendering import read_fence
from columns.stock_report.moments import CELL, GOLD_ID, build_rows, name_bar, read_news
from columns.stock_report.report_checks import (
    MARK,
    check_claims,
    check_length,
    check_marks,
    check_news,
    check_recommendation,
    check_words,
)
from gold_data.clocks import put_on_clock
from gold_data.errors import GoldError
from gold_data.markets import USUAL, Markets
from gold_data.source import GoldSource
from gold_data.splits import load_split
from gold_data.store import SESSION, Gold, GoldFolder
from gold_data.violation import Violation
from indicators.errors import IndicatorError
from indicators.report_facts import FACTS, build_outcomes, print_fact

BALANCE = "balance"
MATCHED = {"stock": "ticker", "regime": "regime", "time_of_day": "time_of_day", "news": "news"}  # by the control's name


class Dataset(DatasetBase):
    """Reports: a gold row of every bar with a full lookback, and of every twentieth once more, seen too late."""

    def read_gold(self, source: GoldSource) -> Gold:
        """Read bars and news, and make the gold rows of them.

        Raises:
            GoldError: a file cannot be read, or nothing of the bars is left to report on.
        """
        gold, options = super().read_gold(source), source.options
        if gold.bars is None:
            return gold
        news, notes = read_news(source.files.get("news"), gold.bars, gold.markets)
        try:
            rows = build_rows(gold.bars, news, options["index_ticker"], options["stale_after"], gold.markets)
        except IndicatorError as exc:
            raise GoldError(str(exc)) from exc
        told = {BALANCE: options[BALANCE]}
        gold = replace(gold, rows=rows, notes=[*gold.notes, *notes], describe=lambda _: told)
        if source.split is None:
            return gold
        split = load_split(source.split)
        named = rows.filter(pl.col(SESSION).is_in([*split.train, *split.embargo, *split.holdout]))
        left = f"{rows.height - named.height} moments of days that the gold's split does not name are not reported on"
        return replace(gold, rows=named, split=split, notes=[*gold.notes, left])

    def check_row(self, row: Any, plan: PlanRow, given: Given) -> list[Violation]:
        """List what a report says against its context; one that its schema refuses is looked at no further."""
        if broken := super().check_row(row, plan, given):
            return broken
        context = read_context(plan["facts"])
        return [
            *check_marks(row, context),
            *check_claims(row, context),
            *check_recommendation(row, context),
            *check_news(row, context),
            *check_words(row, context),
            *check_length(row, context, str(plan.get("report_length", ""))),
        ]

    def print_row(self, text: str, plan: PlanRow) -> str:
        """Print the marks of a report; one that stands for nothing stays a mark."""
        row, printed = json.loads(text), list_printed(read_context(plan["facts"]))
        row["report"] = MARK.sub(lambda mark: printed.get(mark[1], mark[0]), row["report"])
        return json.dumps(row)

    def finish(self, accepted: pl.DataFrame, gold: GoldFolder, request: FinishRequest) -> Finished:
        """Print the marks of reports; what came after each moment is the table `outcomes`."""
        ids = accepted.select("row_id", pl.col("gold_example_ids").list.first().alias(GOLD_ID))
        drawn = gold.scan_train().filter(pl.col(GOLD_ID).is_in(ids[GOLD_ID].to_list())).collect()
        rows = ids.join(drawn, on=GOLD_ID, how="left", maintain_order="left")
        texts = zip(accepted["report"], rows.iter_rows(named=True), strict=True)
        printed = pl.Series("report_text", [print_report(text, row) for text, row in texts], pl.String)
        known = rows.select(
            SESSION, "ticker", "as_of", pl.col("rule").struct.field("situation"), printed, known="facts"
        )
        file = request.folder / f"outcomes-{request.number:06d}.parquet"
        find_outcomes(rows, gold.bars, gold.markets).write_parquet(file)
        kept = known.drop([name for name in known.columns if name in accepted.columns])
        return Finished(pl.concat([accepted, kept], how="horizontal"), {"outcomes": file})


def allot_cells(rows: Sequence[PlanRow], given: Given) -> list[str]:
    """Allot a cell to every row of a plan, so that together they have the shares of `balance`.

    A row's cell is one that the gold has for what the controls drew, and of those the one that is furthest behind.
    """
    drawn = {control: field for control, field in MATCHED.items() if control in rows[0]}
    known = given.gold.scan_train().select(CELL, *drawn.values()).unique().sort(CELL).collect()
    there: dict[tuple[str, ...], list[str]] = {}
    for cell, *values in known.iter_rows():
        there.setdefault(tuple(map(str, values)), []).append(cell)
    wanted = {
        cell: share for cell, share in given.gold.facts[BALANCE].items() if cell in set(known[CELL]) and share > 0
    }
    if not wanted:
        raise ValueError(f"balance: the gold has none of its cells; it has {', '.join(known[CELL].unique().sort())}")
    due = {cell: share / sum(wanted.values()) * len(rows) for cell, share in wanted.items()}
    had, allotted = Counter[str](), []
    for row in rows:
        can = [cell for cell in there.get(tuple(str(row[name]) for name in drawn), ()) if cell in due]
        allotted.append(max(can or due, key=lambda cell: due[cell] - had[cell]))
        had[allotted[-1]] += 1
    return allotted


def read_context(shown: str) -> dict[str, Any]:
    """Read the gold row that `facts` shows: the one of a fenced list."""
    context: dict[str, Any] = read_fence(shown)[0]  # type: ignore[index]
    return context


def list_printed(context: Mapping[str, Any]) -> dict[str, str]:
    """List what every mark of a context is printed as."""
    facts, sign = context["facts"], context["price_sign"]
    printed = {name: print_fact(name, value, sign) for name, value in facts.items() if value is not None}
    headlines = {item["id"]: f"\u201c{item['headline']}\u201d" for item in context["headlines"]}
    return headlines | printed | {"ticker": context["ticker"], "as_of": context["as_of"].replace("T", " ")[:16]}


def print_report(text: str, context: Mapping[str, Any]) -> str:
    """Print a report: every mark becomes what it stands for."""
    printed = list_printed(context)
    return MARK.sub(lambda mark: printed[mark[1]], text)


def print_sheet(row: PlanRow, _: Given) -> str:
    """Print the sheet that prompts show: marks, values, meanings, by scale; then the headlines."""
    context = read_context(row["facts"])
    printed, dates = list_printed(context), {item["id"]: item["published_at"] for item in context["headlines"]}
    lines = [f"- [[{name}]]: {printed[name]}" for name in ("ticker", "as_of")]
    lines += [f"- [[{n}]]: {printed[n]} ({fact.scale}: {fact.says})" for n, fact in FACTS.items() if n in printed]
    lines += [f"- news [[{name}]] of {day.replace('T', ' ')}: {printed[name]}" for name, day in dates.items()]
    return "\n".join(lines if dates else [*lines, "- news: none is known"])


def describe_rule(row: PlanRow, _: Given) -> str:
    """Say how the groups vote, and what follows."""
    context = read_context(row["facts"])
    rule, votes = context["rule"], context["evidence"]
    lines = [f"- {group}: {vote}" for group, vote in votes.items()]
    lines += [f"- {name}: {rule[name]}" for name in ("recommendation", "confidence", "situation")]
    return "\n".join([*lines, RULE])


RULE = (
    "BUY needs two more groups up than down, SELL two more down than up; all else is HOLD. Confidence counts the "
    "groups that agree with it: all of them high, one less medium, fewer low. It is no probability. On stale bars the "
    "report refuses."
)


def find_outcomes(rows: pl.DataFrame, bars: pl.DataFrame | None, markets: Markets = USUAL) -> pl.DataFrame:
    """Find what came after the last bar of rows, by `row_id`: as far as the train part's bars reach, null beyond."""
    assert bars is not None, "a profile must bring bars"
    there = bars.filter(pl.col("ticker").is_in(rows["ticker"].to_list()))
    came = pl.concat(
        put_on_clock(build_outcomes(own), market.zone_name).with_columns(name_bar()).drop("timestamp")
        for market, own in markets.split(there)
    )
    facts, rule = pl.col("facts").struct, pl.col("rule").struct
    named = rows.select("row_id", "ticker", "bar", rule.field("recommendation", "confidence"), facts.field("*"))
    later = pl.col("close") * (1 + pl.col("return_percent_5") / 100)
    joined = named.join(came, on=["ticker", "bar"], how="left", maintain_order="left")
    held = later.is_between(pl.col("cone_low_5"), pl.col("cone_high_5"))
    return joined.select("row_id", "recommendation", "confidence", "return_percent_5", in_cone=held)
