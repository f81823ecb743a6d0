"""The text form of reference 004, `Strategy(ticker='IBM', ...)`: read into a strategy, and written from one.

A text is parsed, never run: only calls of known names with constants in them are understood. `read_tst` returns a
strategy of the right shape that says what the text says; whether that means something is `check_meaning`'s question, as
that system compares anything with anything. `list_departures` says where its engine trades otherwise than the text.
"""

import ast
from collections.abc import Iterator
from datetime import date
from typing import Any

from indicators.strategy.canonical import canonicalize, write_number
from indicators.strategy.errors import Problem, StrategyError
from indicators.strategy.schema import DEFAULTS
from indicators.strategy.series import SERIES
from indicators.strategy.shape import check_shape
from indicators.strategy.tree import GROUPS, PAIRS, Document, iter_leaves, iter_series, name_path

MOST_CHARACTERS = 65_536
INTERVALS = {
    "ONE_DAY": "1d",
    "FIVE_DAYS": "5d",
    "ONE_WEEK": "1wk",
    "ONE_MONTH": "1mo",
    "THREE_MONTHS": "3mo",
}
PERIODS = {
    "ONE_DAY": "1d",
    "FIVE_DAYS": "5d",
    "ONE_MONTH": "1mo",
    "THREE_MONTHS": "3mo",
    "SIX_MONTHS": "6mo",
    "ONE_YEAR": "1y",
    "TWO_YEARS": "2y",
    "FIVE_YEARS": "5y",
    "TEN_YEARS": "10y",
    "YEAR_TO_DATE": "ytd",
    "MAX": "max",
    "NOT_PASSED": None,
}
LEVELS = {"LEVEL_23_6": 23.6, "LEVEL_38_2": 38.2, "LEVEL_50": 50, "LEVEL_61_8": 61.8}
SIZES = {"Contracts": "contracts", "USD": "usd", "PercentOfEquity": "percent"}
FEES = {"MoneyCommissions": "usd", "PercentageCommissions": "percent"}
COMPARISONS = {
    "CrossOverCondition": "cross_over",
    "CrossUnderCondition": "cross_under",
    "GreaterThanCondition": "greater",
    "LessThanCondition": "less",
}
SINGLES = {
    "UptrendForXDaysCondition": "up",
    "DowntrendForXDaysCondition": "down",
    "ChangeOfXPercentPerYDaysCondition": "change",
    "IntraIntervalChangeOfXPercentCondition": "intra",
}
RETRACEMENTS = {"UptrendFibRetracementLevelCondition": "up", "DowntrendFibRetracementLevelCondition": "down"}
JOINED = {"AND": "all", "OR": "any"}
CONDITIONS = {*COMPARISONS, *SINGLES, *RETRACEMENTS, *JOINED, "AfterXDaysCondition"}
ENUMS = ("PositionTypeEnum", "StopLossType", "SourceType", "SmoothingType", "FibonacciLevels", "Interval", "Period")
OURS_ALONE = ("PRIOR_HIGH", "PRIOR_LOW", "VOLUME_SMA")
BASE_SOURCES = ("CLOSE", "OPEN", "HIGH", "LOW")
CLOSE_INSTEAD = ("EMA", "SMA", "BB_UPPER", "BB_MIDDLE", "BB_LOWER", "CMO", "ROC", "RSI", "KST", "KST_SIGNAL")
NAMELESS_SOURCE = ("KST", "KST_SIGNAL", "MACD", "MACD_SIGNAL")
DAILY = tuple(INTERVALS.values())


def read_tst(text: str) -> Document:
    """Return the strategy that a text says, in canonical form.

    Raises:
        StrategyError: It is no such text, or says what the grammar has no words for; with path and rule.
    """
    return canonicalize(_Reader().read(text))


class _Reader:
    """Turns the calls of one text into a document; `ticker` is the strategy's."""

    def __init__(self) -> None:
        self.ticker = ""

    def read(self, text: str) -> Document:
        if len(text) > MOST_CHARACTERS:
            raise _refuse("$", "size", f"at most {MOST_CHARACTERS:,} characters are read; found {len(text):,}")
        try:
            node = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as exc:
            raise _refuse("$", "text", f"must be one Strategy(...) and nothing else; found: {exc}") from exc
        name, given, rest = _open_call(node, "$")
        if name != "Strategy" or rest:
            raise _refuse("$", "text", f"must be Strategy(name=value, ...); found {name}")
        self.ticker = _read_constant(given.get("ticker"), "$.ticker")
        document: Document = {"ticker": self.ticker}
        for key, value in given.items():
            if key != "ticker":
                document |= self._read_key(key, value)
        problems = check_shape(document)
        if problems:
            raise StrategyError(problems, "The text")
        return document

    def _read_key(self, key: str, value: ast.expr) -> Document:
        path = f"$.{key}"
        match key:
            case "buy_condition" | "sell_condition":
                return {key: self._read_condition(value, path)}
            case "stop_loss" | "take_profit":
                _, given, _ = _open_call(value, path)
                kind = _read_constant(given.get("stop_loss_type"), path) if "stop_loss_type" in given else "NORMAL"
                return {
                    "trailing" if kind == "TRAILING" else key: {
                        "percent": _read_constant(given.get("percentage"), path)
                    }
                }
            case "start_date" | "end_date":
                _, _, parts = _open_call(value, path)
                return {key: _read_date([_read_constant(part, path) for part in parts[:3]], path)}
            case "interval" | "period":
                found = (INTERVALS if key == "interval" else PERIODS).get(_read_constant(value, path), key)
                return {key: found} if found else {}
            case "order_size" | "trade_commissions":
                name, _, amounts = _open_call(value, path)
                kind = (SIZES | FEES).get(name, name)
                return {key: {kind: _read_constant(amounts[0] if amounts else None, path)}}
            case _:
                return {key: _read_constant(value, path)}

    def _read_condition(self, node: ast.expr, path: str) -> Document:
        name, given, rest = _open_call(node, path)
        here = f"{path}.{name}"
        if name in JOINED:
            return {JOINED[name]: [self._read_condition(each, f"{here}[{place}]") for place, each in enumerate(rest)]}
        if name not in CONDITIONS:
            raise _refuse(
                here, "unknown-key", f"is no condition of that form; known are {', '.join(sorted(CONDITIONS))}"
            )
        values = {key: value for key, value in given.items() if not key.endswith(("series", "condition"))}
        numbers = {key: _read_constant(value, f"{here}.{key}") for key, value in values.items()}
        bars = {"bars": numbers["number_of_days"]} if "number_of_days" in numbers else {}
        try:
            if name in COMPARISONS:
                pair = [self._read_series(given[key], f"{here}.{key}") for key in ("first_series", "second_series")]
                return {COMPARISONS[name]: pair}
            if name == "AfterXDaysCondition":
                return {"after": {"condition": self._read_condition(given["condition"], here), **bars}}
            if name in RETRACEMENTS:
                level = LEVELS.get(numbers["fib_level"], numbers["fib_level"])
                return {"fib": {"trend": RETRACEMENTS[name], "level": level, "length": numbers.get("length", 14)}}
            percent = {"percent": numbers["percent"]} if "percent" in numbers else {}
            kind = "intra" if SINGLES[name] == "change" and bars == {"bars": 1} else SINGLES[name]
            bars = {} if kind == "intra" else bars
            return {kind: {"series": self._read_series(given["series"], f"{here}.series"), **percent, **bars}}
        except KeyError as exc:
            raise _refuse(here, "missing-key", f"must have {exc}") from exc

    def _read_series(self, node: ast.expr, path: str) -> Any:
        name, given, rest = _open_call(node, path)
        if name == "CONST":
            return _read_constant(rest[0] if rest else given.get("const_number"), path)
        if name == "ICHIMOKU_LAGGING_SPAN":
            raise _refuse(path, "future", "the lagging span is the price of later bars; no strategy can know it")
        if name not in SERIES or name in OURS_ALONE:
            raise _refuse(path, "unknown-key", f"{name} is no series of that form")
        if not rest or _read_constant(rest[0], path) != self.ticker:
            raise _refuse(path, "ticker", f"must be a series of the strategy's own ticker {self.ticker}")
        parameters = {key: _read_constant(value, f"{path}.{key}") for key, value in given.items()}
        if name == "BB_MIDDLE":
            parameters.pop("std_dev", None)  # without any effect on the middle
        return {name: parameters}


def _open_call(node: ast.expr | None, path: str) -> tuple[str, dict[str, ast.expr], list[ast.expr]]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=rest, keywords=keywords) if all(each.arg for each in keywords):
            return name, {str(each.arg): each.value for each in keywords}, rest
    raise _refuse(path, "text", "must be a call with named values, like RSI('IBM', length=14)")


def _read_constant(node: ast.expr | None, path: str) -> Any:
    match node:
        case ast.Constant(value=bool() | int() | float() | str() as value):
            return write_number(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return write_number(-value)
        case ast.Attribute(value=ast.Name(id=name), attr=value) if name in ENUMS:
            return value
    raise _refuse(path, "text", "must be a number, a text in quotes, true or false, or one of that form's constants")


def _read_date(parts: list[Any], path: str) -> str:
    try:
        return date(*parts).isoformat()
    except (TypeError, ValueError) as exc:
        raise _refuse(path, "date", f"must be datetime(year, month, day) of a day that exists; found {parts}") from exc


def _refuse(path: str, rule: str, message: str) -> StrategyError:
    return StrategyError([Problem(path[:200], rule, message)], "The text")


def list_departures(document: Document) -> list[Problem]:
    """Return where the reference's engine trades otherwise than its text says, or than anybody could; with the rule."""
    return [Problem(path, rule, message) for path, rule, message in _iter_departures(document)]


def _iter_departures(document: Document) -> Iterator[tuple[str, str, str]]:
    exits = [key for key in ("stop_loss", "trailing", "take_profit") if key in document]
    if document["position_type"] != "LONG":
        for key in exits:
            yield f"$.{key}", "short-exit", "a short's stop is booked as a gain, its target as a loss"
    if len(exits) > 1:
        yield f"$.{exits[1]}", "two-exits", "stop and target follow each a position of their own"
    if "trailing" in document:
        yield "$.trailing", "trailing-fill", "fills below the entry, whatever price the bar had"
    for path, leaf in iter_leaves(document):
        if "fib" in leaf:
            yield name_path(path), "fib-window", "reads the swing's prices from the first bars there are"
    for path, series in iter_series(document):
        if isinstance(series, dict):
            ((name, given),) = series.items()
            yield from ((name_path(path), rule, message) for rule, message in _iter_series_departures(name, given))


def _iter_series_departures(name: str, given: Document) -> Iterator[tuple[str, str]]:
    source = given.get("source", "CLOSE")
    if name in CLOSE_INSTEAD and source not in BASE_SOURCES:
        yield "composite-source", f"takes the close instead of {source}, unasked"
    if name in NAMELESS_SOURCE and source != "CLOSE":
        yield "shared-name", "shares its values with the same series of another source"
    if name == "COPPOCK" and {"long_roc_length", "short_roc_length"} & given.keys():
        yield "coppock-lengths", "uses 14 and 11, whatever lengths are asked for"
    if name == "MASS_INDEX":
        yield "mass-window", "sums fewer bars than asked for at first, and fails below nine"


def write_tst(document: Document) -> str:
    """Return the text form of a strategy of the right shape.

    Raises:
        StrategyError: Naming all that the form has no words for.
    """
    problems = [Problem(path, rule, message) for path, rule, message in _iter_unsayable(document)]
    if problems:
        raise StrategyError(problems)
    form, ticker = canonicalize(document), document["ticker"]
    names = {value: name for name, value in (INTERVALS | PERIODS).items()}
    parts = {
        "ticker": repr(ticker),
        "position_type": f"PositionTypeEnum.{form['position_type']}",
        "buy_condition": _write_condition(form["buy_condition"], ticker),
        "sell_condition": _write_condition(form["sell_condition"], ticker),
    }
    for key, kind in (("stop_loss", "NORMAL"), ("trailing", "TRAILING")):
        if key in form:
            percent = form[key]["percent"]
            parts["stop_loss"] = f"StopLoss(percentage={percent}, stop_loss_type=StopLossType.{kind})"
    if "take_profit" in form:
        parts["take_profit"] = f"TakeProfit(percentage={form['take_profit']['percent']})"
    for key in ("start_date", "end_date"):
        if key in form:
            year, month, day = map(int, form[key].split("-"))
            parts[key] = f"datetime({year}, {month}, {day})"
    for key in ("interval", "period"):
        if key in form:
            parts[key] = f"{key.capitalize()}.{names[form[key]]}"
    if "initial_capital" in form:
        parts["initial_capital"] = str(form["initial_capital"])
    for key, table in (("order_size", SIZES), ("trade_commissions", FEES)):
        if key in form:
            ((kind, amount),) = form[key].items()
            parts[key] = f"{next(name for name, ours in table.items() if ours == kind)}({amount})"
    return f"Strategy({', '.join(f'{key}={value}' for key, value in parts.items())})"


def _iter_unsayable(document: Document) -> Iterator[tuple[str, str, str]]:
    for key in ("atr_stop", "exit_after_bars", "session"):
        if key in document:
            yield f"$.{key}", "unsayable", "the form has no word for it"
    if {"stop_loss", "trailing"} <= document.keys():
        yield "$.trailing", "unsayable", "the form has one stop"
    for key in ("buy_condition", "sell_condition"):
        if key not in document:
            yield f"$.{key}", "unsayable", "the form wants both conditions"
    if document.get("interval", DEFAULTS["interval"]) not in DAILY:
        yield "$.interval", "unsayable", f"the form knows only {', '.join(DAILY)}"
    if "risk_percent" in document.get("order_size", {}):
        yield "$.order_size", "unsayable", "the form has no size by risk"
    for path, leaf in iter_leaves(document):
        if leaf.get("fib", {}).get("level") == 78.6:
            yield name_path(path), "unsayable", "the form has no level of 78.6"
    for path, series in iter_series(document):
        if isinstance(series, dict):
            ((name, given),) = series.items()
            if name in OURS_ALONE or "timeframe" in given:
                yield name_path(path), "unsayable", "the form has no such series"


def _write_condition(condition: Document, ticker: str) -> str:
    ((kind, value),) = condition.items()
    names = {ours: name for name, ours in (JOINED | COMPARISONS | SINGLES).items()}
    if kind in GROUPS:
        return f"{names[kind]}({', '.join(_write_condition(each, ticker) for each in value)})"
    if kind in PAIRS:
        first, second = (_write_series(each, ticker) for each in value)
        return f"{names[kind]}(first_series={first}, second_series={second})"
    if kind == "after":
        inner = _write_condition(value["condition"], ticker)
        return f"AfterXDaysCondition(condition={inner}, number_of_days={value['bars']})"
    if kind == "fib":
        name = next(name for name, trend in RETRACEMENTS.items() if trend == value["trend"])
        level = next(name for name, level in LEVELS.items() if level == value["level"])
        return f"{name}(fib_level=FibonacciLevels.{level}, length={value.get('length', 14)})"
    words = {"percent": "percent", "bars": "number_of_days"}
    numbers = "".join(f", {words[key]}={value[key]}" for key in words if key in value)
    return f"{names[kind]}(series={_write_series(value['series'], ticker)}{numbers})"


def _write_series(series: Any, ticker: str) -> str:
    if not isinstance(series, dict):
        return f"CONST({series})"
    ((name, given),) = series.items()
    enums = {"source": "SourceType"}
    written = [
        f"{key}={enums.get(key, 'SmoothingType')}.{value}" if isinstance(value, str) else f"{key}={value}"
        for key, value in given.items()
    ]
    return f"{name}({', '.join([repr(ticker), *written])})"
