"""A trade in the form that a prompt's schema asks for: whole, or the parts that are a model's to say."""

from collections.abc import Mapping
from typing import Any

from offline_model.prompt import Sections
from offline_model.tasks.trade_log.trades import parse_clock

PART = "seconds_held"


def write_form(row: object, sections: Sections) -> object:
    """Write a trade whole, or in parts where the schema has them; a fault that no part can have is not there then."""
    asked: Mapping[str, Any] = (sections.schema or {}).get("properties", {})
    return split_trade(row) if PART in asked and isinstance(row, dict) else row


def split_trade(row: Mapping[str, Any]) -> dict[str, object]:
    """Split a trade into its parts; what is wrong in it stays wrong where a part shows it."""
    entered, left = (parse_clock(str(row.get(name))) for name in ("entry_time", "exit_time"))
    price, exit_price = (_read_number(row.get(name)) for name in ("entry_price", "exit_price"))
    sign = -1 if row.get("trade_type") == "short" else 1
    change = sign * 10_000 * (exit_price / price - 1) if price else 0.0
    return {
        "entry_time": row.get("entry_time"),
        "seconds_held": max(1, (left or 0) - (entered or 0)),
        "entry_price_cents": round(100 * price),
        "adverse_hundredths": max(0, round(-100 * _read_number(row.get("worst_exit_percent")))),
        "favourable_hundredths": max(0, round(100 * _read_number(row.get("best_exit_percent")))),
        "exit_hundredths": round(change),
    }


def _read_number(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return 0.0
