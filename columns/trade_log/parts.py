"""The derived form of a trade: what a model says of it, and what code computes from that and from the plan."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from random import Random
from typing import Any

from columns.dataset import Given, PlanRow
from columns.errors import DatasetError

FIXED = ("ticker", "trade_type", "entry_volatility_percent")  # fields that the plan's controls must set
WIDER = 1.25  # than the gold's own, a trade's percents and its holding time may be
DIGITS = 3  # of a percent


def complete_trade(parts: Mapping[str, Any], row: PlanRow, given: Given) -> dict[str, Any]:
    """Make a trade of its parts and of what the plan fixed.

    exit_time = entry_time + seconds_held; exit_price = entry_price x (1 + d x exit / 10,000), to the cent, d = 1 for a
    buy and -1 for a short. The exit is itself a move between entry and exit, so worst = min(-adverse, exit percent) and
    best = max(favourable, exit percent). The volatility lies within the control's tolerance of what it asks for, drawn
    by the row's variation.

    Raises:
        DatasetError: no control sets one of the fields that a model does not give.
    """
    if missing := [name for name in FIXED if name not in given.asked]:
        raise DatasetError(f"form: derived needs controls that set {', '.join(missing)}: add them, or use form: whole")
    side = str(row[given.asked["trade_type"][0]])
    sign = 1 if side == "buy" else -1
    entry_price = parts["entry_price_cents"] / 100
    exit_price = round(entry_price * (1 + sign * parts["exit_hundredths"] / 10_000), 2)
    change = round(sign * 100 * (exit_price / entry_price - 1), DIGITS)
    entry = datetime.strptime(parts["entry_time"], "%H:%M:%S")  # noqa: DTZ007 - a time of day
    left = entry + timedelta(seconds=int(parts["seconds_held"]))
    return {
        "ticker": str(row[given.asked["ticker"][0]]),
        "trade_type": side,
        "entry_time": parts["entry_time"],
        "exit_time": f"{left:%H:%M:%S}",
        "entry_price": entry_price,
        "exit_price": exit_price,
        "entry_volatility_percent": draw_volatility(row, given),
        "worst_exit_percent": min(-parts["adverse_hundredths"] / 100, change, 0.0),
        "best_exit_percent": max(parts["favourable_hundredths"] / 100, change, 0.0),
    }


def draw_volatility(row: PlanRow, given: Given) -> float:
    """Draw a volatility within the tolerance of what the control asks for: the same for a row whenever it is drawn."""
    column, tolerance = given.asked["entry_volatility_percent"]
    shift = Random(f"{given.seed}:{row.get('variation')}").uniform(-1, 1)  # noqa: S311 - repeatable, not secret
    asked = float(row[column])
    drawn = round(asked + shift * (tolerance or 0.0), DIGITS)
    return drawn if drawn > 0 and abs(drawn - asked) <= (tolerance or 0.0) else asked


def narrow_parts(schema: Mapping[str, Any], plan: PlanRow, given: Given, prices: Mapping[str, Any]) -> dict[str, Any]:
    """Bound the whole numbers of a trade's parts by the gold's: prices of its ticker, holding times, percents."""
    properties: dict[str, Any] = dict(schema.get("properties", {}))
    bounds = given.kept.get("parts")
    if not isinstance(bounds, dict):
        bounds = given.kept["parts"] = measure_parts(given)
    column, _ = given.asked.get("ticker", (None, None))
    if column is not None and plan.get(column) in prices:
        low, high = prices[plan[column]]
        bounds = bounds | {"entry_price_cents": (int(low * 100) + 1, int(high * 100))}
    for name, (least, most) in bounds.items():
        if name in properties:
            properties[name] = {**properties[name], "minimum": least, "maximum": most}
    return {**schema, "properties": properties}


def measure_parts(given: Given) -> dict[str, tuple[int, int]]:
    """Measure within which bounds the parts of gold trades lie, somewhat widened."""
    train = given.gold.train
    held = (train["exit_time"] - train["entry_time"]).dt.total_seconds().max()
    worst, best = (float(str(train[name].abs().max() or 0)) for name in ("worst_exit_percent", "best_exit_percent"))
    far = [max(1, int(100 * WIDER * percent)) for percent in (worst, best)]
    return {
        "seconds_held": (1, max(1, min(23_399, int(WIDER * float(str(held or 1)))))),
        "adverse_hundredths": (0, far[0]),
        "favourable_hundredths": (0, far[1]),
        "exit_hundredths": (-far[0], far[1]),
    }
