"""The sentences that the rehearsal of strategy writes and reads back."""

import re
from typing import Any

Json = dict[str, Any]
VAGUE = "some"  # what stands for a value that is not to be said
VERBS = {
    "cross_over": ("crosses above", "breaks above", "crosses up above"),
    "cross_under": ("crosses below", "breaks below", "crosses down below"),
    "greater": ("is above", "is greater than", "is higher than"),
    "less": ("is below", "is less than", "is lower than"),
}
FLIPPED = {"cross_over": "cross_under", "cross_under": "cross_over", "greater": "less", "less": "greater"}
KINDS = {verb: kind for kind, verbs in VERBS.items() for verb in verbs}
NUMBER = rf"(-?[\d.]+|{VAGUE})"
PAIR = re.compile(rf"^(.+?) ({'|'.join(sorted(KINDS, key=len, reverse=True))}) (.+)$")
TREND = re.compile(rf"^(.+?) has been (rising|falling) for {NUMBER} bars$")
MOVE = re.compile(rf"^(.+?) has (risen|fallen) by at least {NUMBER} percent (?:over {NUMBER} bars|within one bar)$")
FIB = re.compile(
    rf"^the market is at the {NUMBER} percent Fibonacci retracement of its last move (up|down) in {NUMBER} bars$"
)
AFTER = re.compile(rf"^{NUMBER} bars ago \((.+)\)$")
CARD = re.compile(r"^([A-Z_0-9]+): (.+)$", re.MULTILINE)
BULLET = re.compile(r"^\s*\d+[.)]\s+", re.MULTILINE)

EXITS: dict[str, tuple[str, ...]] = {
    "stop_loss": ("Put the stop loss at {percent} percent.", "Use a stop loss of {percent} percent."),
    "atr_stop": (
        "Put the stop {multiple} average true ranges away, of {length} bars.",
        "Put the stop {multiple} average true ranges away.",
    ),
    "trailing": ("Trail the stop by {percent} percent.",),
    "take_profit": ("Take profit at {percent} percent.", "The take profit is {percent} percent."),
    "session": ("Trade from {from} to {to} only.",),
}
PLAIN: dict[str, tuple[str, ...]] = {
    "exit_after_bars": ("Close it after {0} bars.", "Hold it for {0} bars at most, and close after that."),
    "start_date": ("Start on {0}.",),
    "end_date": ("The last day is {0}.",),
    "interval": ("Use {0} bars.", "It runs on {0} bars."),
    "period": ("The period is {0}.",),
    "initial_capital": ("The initial capital is {0} dollars.",),
}
UNITS = {
    "order_size": {
        "contracts": "The order size is {0} shares.",
        "usd": "The order size is {0} dollars.",
        "percent": "The order size is {0} percent of the equity.",
        "risk_percent": "The order size is such that {0} percent of the equity is at risk.",
    },
    "trade_commissions": {
        "usd": "The commission is {0} dollars a share.",
        "percent": "The commission is {0} percent of the value.",
    },
}
POSITIONS: dict[str, tuple[str, ...]] = {
    "LONG": ("Trade {0}, long only.",),
    "SHORT": ("Trade {0}, short only.",),
    "LONG_SHORT_COMBINED": ("Trade {0}, long and short.",),
}
