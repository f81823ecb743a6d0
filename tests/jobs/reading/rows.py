"""A trade as a model may write it, its schema, and what a dataset would hand to the reader."""

import json
from typing import Any

from jobs.reading.answer import Answer, Context, Read, Refused
from jobs.reading.row import read_object

TIME = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]$"}
NUMBER = {"type": "number", "minimum": -1e12, "maximum": 1e12}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [
        *("ticker", "trade_type", "entry_time", "exit_time", "entry_price", "exit_price"),
        *("entry_volatility_percent", "worst_exit_percent", "best_exit_percent"),
    ],
    "properties": {
        "ticker": {"type": "string", "minLength": 1, "maxLength": 16},
        "trade_type": {"type": "string", "enum": ["buy", "short"]},
        "entry_time": TIME,
        "exit_time": TIME,
        "entry_price": NUMBER,
        "exit_price": NUMBER,
        "entry_volatility_percent": NUMBER,
        "worst_exit_percent": NUMBER,
        "best_exit_percent": NUMBER,
    },
}
CONTEXT = Context(
    synonyms={"trade_type": {"long": "buy", "sell short": "short"}},
    known={"ticker": ["SIM1", "SIM4"]},
    session_date="2024-10-22",
    zone_words={"et", "edt", "-04:00"},
)
TRADE: dict[str, Any] = {
    "ticker": "SIM4",
    "trade_type": "buy",
    "entry_time": "09:41:00",
    "exit_time": "09:52:27",
    "entry_price": 1013.31,
    "exit_price": 1013.18,
    "entry_volatility_percent": 0.367,
    "worst_exit_percent": -0.977,
    "best_exit_percent": 0.902,
}
OTHER = TRADE | {"ticker": "SIM1", "entry_price": 1013.3}
ROW, OTHER_ROW = json.dumps(TRADE), json.dumps(OTHER)


def write(**values: Any) -> str:
    """Write the trade with other values; a value of bytes stands without quotes, as it is."""
    text = json.dumps(TRADE | values, default=lambda raw: f"<raw {raw.decode()}>", ensure_ascii=False)
    return text.replace('"<raw ', "").replace('>"', "") if "<raw " in text else text


def read(text: str | None, **parts: Any) -> Read | Refused:
    """Read a content as a trade."""
    return read_object(Answer(text, **{"finish_reason": "stop", **parts}), SCHEMA, context=CONTEXT)
