"""The rules every trade obeys: one list for gold rows, for candidates and for what the models are told."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial

from gold_data.sessions import Market, say_session
from gold_data.trades.checks import (
    Breach,
    Fingerprint,
    Row,
    Statement,
    find_copy,
    find_disobedience,
    find_exit_before_entry,
    find_exit_outside_excursions,
    find_misfits,
    find_not_finite,
    find_not_positive,
    find_one_sided_excursions,
    find_out_of_hours,
    find_price_out_of_range,
    find_session_date,
    find_unknown_ticker,
    find_worst_above_best,
    find_wrong_sign,
    fingerprint,
    list_copy_marks,
    mark_trades,
    measure_exit_percent,
    name_copy,
    show_value,
)
from gold_data.trades.limits import PERCENT_ROUNDING, GoldLimits, derive_limits
from gold_data.trades.schema import PRICE_FIELDS
from gold_data.violation import Expectation, Violation

__all__ = [
    "RULES",
    "Expectation",
    "Fingerprint",
    "GoldLimits",
    "Rule",
    "Violation",
    "check_copy",
    "check_trade",
    "derive_limits",
    "describe_rules",
    "fingerprint",
    "list_copy_marks",
    "mark_trades",
    "measure_exit_percent",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its name, one sentence that says it, and the search for what breaks it."""

    name: str
    description: str
    find: Callable[[Row], Iterator[Breach]]


RULES: tuple[Rule, ...] = (
    Rule("schema", "Every core field is there with its type, and no other field.", find_misfits),
    Rule("finite", "Every number is finite.", find_not_finite),
    Rule("positive_price", "Prices are above 0.", partial(find_not_positive, fields=PRICE_FIELDS)),
    Rule("session_hours", "Entry and exit lie in the exchange's regular hours on a day it is open.", find_out_of_hours),
    Rule(
        "exit_after_entry",
        "The exit follows the entry in its session, or by the same time of the next where the gold holds overnight.",
        find_exit_before_entry,
    ),
    Rule("percent_order", "worst_exit_percent is not above best_exit_percent.", find_worst_above_best),
    Rule(
        "excursion_bounds",
        f"worst_exit_percent <= exit percent <= best_exit_percent within {PERCENT_ROUNDING}.",
        find_exit_outside_excursions,
    ),
    Rule(
        "excursion_signs",
        f"worst_exit_percent <= 0 <= best_exit_percent within {PERCENT_ROUNDING}, where the gold's excursions obey it.",
        find_one_sided_excursions,
    ),
    Rule("exit_sign", "The exit percent's sign agrees with prices and trade_type.", find_wrong_sign),
    Rule(
        "positive_volatility",
        "entry_volatility_percent is above 0.",
        partial(find_not_positive, fields=("entry_volatility_percent",)),
    ),
    Rule("known_ticker", "The gold trades this ticker.", find_unknown_ticker),
    Rule("price_range", "Prices lie in the gold's range for the ticker, margin included.", find_price_out_of_range),
    Rule("control", "The row is what the controls asked for.", find_disobedience),
    Rule("copy", "At least two of the five numbers differ from every known trade.", find_copy),
)


def check_trade(
    core: Mapping[str, object],
    *,
    session_date: date,
    limits: GoldLimits,
    expectations: Sequence[Expectation] = (),
    known_trades: Mapping[Fingerprint, str] | None = None,
    exit_date: date | None = None,
    stated_percent: float | None = None,
) -> list[Violation]:
    """Find every rule a trade breaks, in the order of `RULES`.

    Args:
        core: The core fields as JSON gives them; anything may be missing or wrong.
        session_date: Session of the entry.
        limits: What the gold allows.
        expectations: What the controls ask of this row.
        known_trades: Ids of trades this one must not copy, as `mark_trades` gives them.
        exit_date: Day of the exit, where it is stated (gold); otherwise the times of day tell it.
        stated_percent: `trade_percent_change`, where it is stated (gold).
    """
    row = Row(Statement(core, session_date, exit_date, stated_percent, limits, expectations, known_trades or {}))
    return [_report(rule.name, breach) for rule in RULES for breach in rule.find(row)]


def check_copy(core: Mapping[str, object], known_trades: Mapping[Fingerprint, str]) -> list[Violation]:
    """Check a trade that obeys every other rule against trades it must not copy: the rule `copy` alone.

    A copy is not mended: a refiner would change a number of it, and another is drawn in its place.
    """
    return [_report("copy", breach) for breach in name_copy(fingerprint(core), known_trades)]


def describe_rules(limits: GoldLimits, session_date: date, ticker: str | None) -> str:
    """Say the rules to a model, one per line, with the limits of a session and of a ticker (of all, if not known)."""
    ranges = {name: ends for name, ends in limits.price_ranges.items() if ticker in (name, None)} or limits.price_ranges
    lines = [  # what is the same for every row stands first
        "Exactly the fields of the schema; times as HH:MM:SS, numbers plain and finite.",
        "Exit percent: 100 x (exit_price / entry_price - 1) for a buy, the same with its sign reversed for a short.",
        f"Percents: worst_exit_percent <= exit percent <= best_exit_percent, within {PERCENT_ROUNDING}.",
        *(["Excursions: worst_exit_percent <= 0 <= best_exit_percent."] if limits.spans_entry else []),
        f"Volatility: above 0; this trader's entry_volatility_percent: {_show_range(limits.volatility_range)}.",
        "No copy: at least two of the prices and percents differ from every known trade.",
        *_say_sessions(limits, session_date, list(ranges)),
        f"Ticker: {', '.join(ranges)}.",
        *(f"Price of {name}: {_show_range(prices)}{_say_tick(limits, name)}." for name, prices in ranges.items()),
    ]
    return "\n".join(f"- {line}" for line in lines)


def _say_sessions(limits: GoldLimits, session_date: date, tickers: Sequence[str]) -> Iterator[str]:
    """Say when the markets of these tickers are open, a sentence each."""
    groups: dict[Market, list[str]] = {}
    for ticker in tickers:
        groups.setdefault(limits.markets.find(ticker), []).append(ticker)
    for market, names in groups.items():
        day = find_session_date(limits, names[0], session_date)
        session = market.find_session(day)
        subject = f"Session of {', '.join(names)}" if len(groups) > 1 else "Session"
        subject, clock = (
            ("Regular session", "exchange time") if limits.markets.is_usual else (subject, market.zone_name)
        )
        if session is None:
            yield f"{subject}: none, the exchange is closed on {day}."
            continue
        order = "entry before exit, both inside"
        if limits.holds_overnight or not market.closes_after(day):
            order = "both inside; an exit_time at or before the entry_time is one in the next session"
        if session.opens.date() < day:
            order += f"; times from {session.opens.time()} on are of the evening before and come first"
        moved = f" of {day}, as it is closed on {session_date}" if day != session_date else ""
        yield f"{subject}{moved}: {say_session(market, day)} ({clock}); {order}."


def _say_tick(limits: GoldLimits, ticker: str) -> str:
    tick = limits.markets.find_instrument(ticker).tick
    return "" if tick is None else f" in steps of {show_value(tick)}"


def _show_range(ends: tuple[float, float]) -> str:
    return f"{show_value(ends[0])} to {show_value(ends[1])}"


def _report(rule: str, breach: Breach) -> Violation:
    message = f"{breach.clause}; limit: {breach.limit}"
    return Violation(rule, breach.fields, breach.limit, breach.found, message, mend=rule != "copy")
