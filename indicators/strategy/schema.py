"""The grammar as a JSON Schema, made from the series: `columns/strategy/strategy.schema.json` is its output.

`python -m indicators.strategy.schema` prints it. A condition or a series is an object with exactly one key, its kind,
so a message can say which part of which kind is wrong. The order of the properties is the order of the canonical form,
which decoding under a grammar keeps to.
"""

import json
from collections.abc import Mapping
from typing import Any

from indicators.strategy.clock import INTERVALS, PERIODS
from indicators.strategy.series import MOST_BARS, SERIES, Kind, Parameter

Schema = dict[str, Any]

POSITIONS = ("LONG", "SHORT", "LONG_SHORT_COMBINED")
PAIRS = {
    "cross_over": "the first was at or below the second one bar ago and is above it now",
    "cross_under": "the first was at or above the second one bar ago and is below it now",
    "greater": "the first is above the second",
    "less": "the first is below the second",
}
GROUPS = {"all": "every one of the conditions holds", "any": "one of the conditions holds, or more"}
LEVELS = (23.6, 38.2, 50, 61.8, 78.6)
MOST_OPERANDS = 5
MOST_CONSTANT = 1_000_000_000_000
DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]$"
TICKER = r"^[A-Z][A-Z0-9.-]{0,9}$"
DEFAULTS: Mapping[str, Any] = {
    "interval": "1d",
    "initial_capital": 1_000_000,
    "order_size": {"contracts": 1},
    "trade_commissions": {"usd": 0},
}


def build_schema() -> Schema:
    """Return the schema of a strategy, JSON Schema 2020-12."""
    condition = {"$ref": "#/$defs/condition"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Strategy",
        "description": "When to buy, when to sell, how to leave, how much, on which bars. docs/strategy.md says how it "
        "is executed.",
        **_allow(
            {
                "ticker": {"type": "string", "pattern": TICKER, "description": "What is traded."},
                "position_type": {
                    "enum": list(POSITIONS),
                    "description": "LONG buys to open, SHORT sells to open, LONG_SHORT_COMBINED turns around.",
                },
                "buy_condition": condition | {"description": "When to buy: to open a long, to close a short."},
                "sell_condition": condition | {"description": "When to sell: to close a long, to open a short."},
                **_describe_exits(),
                **_describe_account(),
            },
            ["ticker", "position_type"],
        ),
        "$defs": {"condition": _describe_condition(), "series": _describe_series()},
    }


def _describe_exits() -> Schema:
    percent = _number(0, 100, "Percent of the entry price.")
    return {
        "stop_loss": _allow({"percent": percent}, ["percent"])
        | {"description": "Leaves where the price has moved this far against the position."},
        "atr_stop": _allow(
            {"multiple": _number(0, 20, "Average true ranges at the signal."), "length": _whole(2, MOST_BARS, 14)},
            ["multiple"],
        )
        | {"description": "A stop loss as a multiple of the average true range."},
        "trailing": _allow({"percent": _number(0, 100, "Percent of the best price so far.")}, ["percent"])
        | {"description": "Leaves where the price has come back this far from its best."},
        "take_profit": _allow({"percent": _number(0, 1000, "Percent of the entry price.")}, ["percent"])
        | {"description": "Leaves where the price has moved this far in favour."},
        "exit_after_bars": _whole(1, 10_000) | {"description": "Leaves at the open this many bars after the entry."},
        "session": _allow({name: {"type": "string", "pattern": TIME} for name in ("from", "to")}, ["from", "to"])
        | {"description": "Trades between these times only, exchange time, and is flat outside."},
    }


def _describe_account() -> Schema:
    date = {"type": "string", "pattern": DATE}
    return {
        "start_date": date | {"description": "First day that may be traded."},
        "end_date": date | {"description": "Last day that may be traded."},
        "interval": {"enum": list(INTERVALS), "default": DEFAULTS["interval"], "description": "Length of a bar."},
        "period": {
            "enum": [*PERIODS, "ytd", "max"],
            "description": "How far back from the last bar is traded, instead of dates.",
        },
        "initial_capital": _number(0, 1e12, "Dollars.", default=DEFAULTS["initial_capital"]),
        "order_size": _choose_one(
            {
                "contracts": _number(0, 1e9, "Shares or contracts."),
                "usd": _number(0, 1e12, "Dollars."),
                "percent": _number(0, 100, "Percent of the equity."),
                "risk_percent": _number(0, 100, "Percent of the equity that is lost at the stop."),
            }
        )
        | {"default": DEFAULTS["order_size"], "description": "How much is bought or sold to open."},
        "trade_commissions": _choose_one(
            {
                "usd": _number(None, 1e6, "Dollars a share, at the entry and at the exit."),
                "percent": _number(None, 100, "Percent of the value, at the entry and at the exit."),
            }
        )
        | {"default": DEFAULTS["trade_commissions"]},
    }


def _describe_condition() -> Schema:
    condition, series = {"$ref": "#/$defs/condition"}, {"$ref": "#/$defs/series"}
    percent = {"type": "number", "minimum": -1000, "maximum": 1000, "description": "Below 0: a fall. Not 0."}
    trend = _allow({"series": series, "bars": _whole(2, MOST_BARS)}, ["series", "bars"])
    return _choose_one(
        {
            **{
                name: {"type": "array", "items": series, "minItems": 2, "maxItems": 2, "description": meaning}
                for name, meaning in PAIRS.items()
            },
            "up": trend | {"description": "Of the last `bars` values, none after the first is below the one before."},
            "down": trend | {"description": "Of the last `bars` values, none after the first is above the one before."},
            "change": _allow(
                {"series": series, "percent": percent, "bars": _whole(2, MOST_BARS)}, ["series", "percent", "bars"]
            )
            | {"description": "The value has changed by `percent` or more against the one `bars` bars ago."},
            "intra": _allow({"series": series, "percent": percent}, ["series", "percent"])
            | {"description": "The value has changed by `percent` or more against the bar before."},
            "after": _allow({"condition": condition, "bars": _whole(1, MOST_BARS)}, ["condition", "bars"])
            | {"description": "The condition held `bars` bars ago."},
            "fib": _allow(
                {
                    "trend": {"enum": ["up", "down"]},
                    "level": {"enum": list(LEVELS)},
                    "length": _whole(2, MOST_BARS, 14),
                },
                ["trend", "level"],
            )
            | {
                "description": "The price has come back to this percentage of the last swing, and not beyond its start."
            },
            **{
                name: {
                    "type": "array",
                    "items": condition,
                    "minItems": 2,
                    "maxItems": MOST_OPERANDS,
                    "description": meaning,
                }
                for name, meaning in GROUPS.items()
            },
        }
    )


def _describe_series() -> Schema:
    return {
        **_choose_one({name: _describe_kind(kind) for name, kind in SERIES.items()}),
        "type": ["object", "number"],
        "minimum": -MOST_CONSTANT,
        "maximum": MOST_CONSTANT,
        "description": "One series with its parameters, or a number.",
    }


def _describe_kind(kind: Kind) -> Schema:
    parameters = {name: _describe_parameter(each) for name, each in kind.parameters.items()}
    timeframe = {
        "enum": list(INTERVALS[1:]),
        "description": "Of longer bars than the strategy's own, complete ones only.",
    }
    return _allow({**parameters, "timeframe": timeframe}, [])


def _describe_parameter(parameter: Parameter) -> Schema:
    if parameter.choices:
        return {"enum": list(parameter.choices), "default": parameter.default}
    if isinstance(parameter.default, bool):
        return {"type": "boolean", "default": parameter.default}
    kind = "integer" if parameter.whole else "number"
    return {"type": kind, "minimum": parameter.low, "maximum": parameter.high, "default": parameter.default}


def _allow(properties: Schema, required: list[str]) -> Schema:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _choose_one(properties: Schema) -> Schema:
    return {
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
    }


def _number(above: float | None, most: float, meaning: str, default: float | None = None) -> Schema:
    least: Schema = {"minimum": 0} if above is None else {"exclusiveMinimum": above}
    fallback: Schema = {} if default is None else {"default": default}
    return {"type": "number", **least, "maximum": most, "description": meaning, **fallback}


def _whole(low: int, high: int, default: int | None = None) -> Schema:
    fallback: Schema = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": low, "maximum": high, **fallback}


def write_schema() -> str:
    """Return the text of the schema's file."""
    return json.dumps(build_schema(), indent=2) + "\n"


if __name__ == "__main__":
    print(write_schema(), end="")
