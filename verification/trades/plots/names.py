"""How features of trades are named in plots, and axes of the time of day."""

import math
from typing import Any

CLOCK_STEP = 120  # minutes between the ticks of an axis that shows the time of day
LOG_TICKS, MOST_TICKS = (1.0, 2.0, 5.0), 6
NAMES = {
    "entry_volatility_percent": "volatility at entry, %",
    "worst_exit_percent": "worst exit, %",
    "best_exit_percent": "best exit, %",
    "trade_percent_change": "change, %",
    "holding_minutes": "holding time, minutes",
    "entry_minute": "time of entry",
    "is_short": "side",
}


def name_feature(feature: str) -> str:
    """Return a feature's name as people say it, with its unit."""
    return NAMES.get(feature, feature.replace("_", " "))


def name_short(feature: object) -> str:
    """Return a feature's name without its unit."""
    return name_feature(str(feature)).split(",")[0]


def say_clock(minutes: float) -> str:
    """Return minutes from midnight as a time of day."""
    return f"{int(minutes) // 60}:{int(minutes) % 60:02d}"


def make_clock_ticks(low: float, high: float) -> dict[str, Any]:
    """Make ticks for an axis of minutes from midnight: the full hours between two ends, some of them."""
    step = CLOCK_STEP if high - low > CLOCK_STEP else 60
    values = list(range(int(-(-low // 60) * 60), int(high) + 1, step))
    return {"tickvals": values, "ticktext": [say_clock(value) for value in values]}


def make_log_axis(low: float, high: float) -> dict[str, Any]:
    """Make a logarithmic axis between two ends above 0, with ticks at 1, 2 and 5; at all digits where that is one."""
    tens = [10.0**power for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)]
    ticks = [ten * digit for ten in tens for digit in LOG_TICKS if low <= ten * digit <= high]
    if len(ticks) < 3:
        ticks = [ten * digit for ten in tens for digit in range(1, 10) if low <= ten * digit <= high]
    ticks = ticks[:: -(-len(ticks) // MOST_TICKS)] if ticks else ticks
    shown = {"tickvals": ticks, "ticktext": [f"{tick:g}" for tick in ticks]} if ticks else {"nticks": 4}
    return {"type": "log", "range": [math.log10(low), math.log10(high)], **shown}
