"""Draws strategies from the grammar: every draw has the right shape, means something, and is in canonical form.

`KINDS` and `EXITS` weigh what is drawn by how often people ask for it, of 100 requests; a number beside a name is that
count. A session's is of those on bars shorter than a day: of all it is 20. What nobody can mean is drawn again, not
mended.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from indicators.strategy.canonical import canonicalize
from indicators.strategy.clock import INTRADAY
from indicators.strategy.leaves import DRAWERS, KINDS, draw_weighted
from indicators.strategy.meaning import check_meaning
from indicators.strategy.tree import Document

TRIES = 200
MOST_LEAVES = 4
STOPS: Mapping[str, float] = {"stop_loss": 52, "atr_stop": 34, "none": 14}
EXITS: Mapping[str, float] = {"take_profit": 60, "trailing": 14, "session": 31, "exit_after_bars": 9}
POSITIONS: Mapping[str, float] = {"LONG": 36, "SHORT": 32, "LONG_SHORT_COMBINED": 32}
INTERVALS: Mapping[str, float] = {"1m": 10, "5m": 20, "15m": 15, "30m": 5, "1h": 15, "1d": 30, "1wk": 5}
SIZES: Mapping[str, float] = {"default": 39, "contracts": 10, "usd": 10, "percent": 21, "risk_percent": 20}
LEAVES: Mapping[int, float] = {1: 35, 2: 35, 3: 20, 4: 10}
DEPTHS: Mapping[int, float] = {1: 60, 2: 30, 3: 10}
SLOWER = 4  # times as wide are stops and targets on days and longer bars
AFTER = 0.06  # of the leaves are asked for some bars ago
SECOND_TIMEFRAME = 0.17  # of the strategies look at longer bars as well
TICKERS = (
    "SPY",
    "QQQ",
    "AAPL",
    "MSFT",
    "NVDA",
    "TSLA",
    "AMD",
    "META",
    "IBM",
    "SOXL",
    "HOOD",
    "XLE",
    "JPM",
    "BA",
    "DIS",
)


@dataclass(frozen=True)
class Controls:
    """What a draw must have; None is drawn by the weights.

    `leaves` of each side, 1 to MOST_LEAVES; `depth`, groups in one another, 1 to 3, as deep as the leaves allow;
    `kind`, one of KINDS, of one leaf at least; `exits`, names of STOPS and EXITS, these and no other; `longer`, whether
    one series at least is of longer bars.
    """

    leaves: int | None = None
    depth: int | None = None
    kind: str | None = None
    exits: tuple[str, ...] | None = None
    size: str | None = None
    position_type: str | None = None
    interval: str | None = None
    longer: bool | None = None


def draw_strategy(rng: random.Random, controls: Controls | None = None) -> Document:
    """Return a strategy that has what `controls` say, in canonical form.

    Raises:
        ValueError: Nothing that means something was drawn in TRIES draws: the controls contradict each other.
    """
    wanted = controls or Controls()
    for _ in range(TRIES):
        document = canonicalize(_draw_once(rng, wanted))
        if not check_meaning(document) and (not wanted.longer or "timeframe" in str(document)):
            return document
    raise ValueError(f"No strategy has all of {wanted}; {TRIES} draws broke a rule. Ask for less.")


def _draw_once(rng: random.Random, controls: Controls) -> Document:
    position = controls.position_type or draw_weighted(rng, POSITIONS)
    interval = controls.interval or draw_weighted(rng, INTERVALS)
    asked = rng.random() < SECOND_TIMEFRAME if controls.longer is None else controls.longer
    longer = _draw_timeframe(rng, interval) if asked else None
    sides = {name: _draw_side(rng, controls, name, longer) for name in ("buy_condition", "sell_condition")}
    exits = _draw_exits(rng, controls, interval)
    closing = {"LONG": "sell_condition", "SHORT": "buy_condition"}.get(position)
    if closing and exits and rng.random() < 0.15:
        del sides[closing]
    return {
        "ticker": rng.choice(TICKERS),
        "position_type": position,
        **sides,
        **exits,
        **_draw_window(rng),
        "interval": interval,
        **_draw_money(rng, controls),
    }


def _draw_timeframe(rng: random.Random, interval: str) -> str | None:
    longer = {"1m": ("5m", "15m", "1h"), "5m": ("15m", "1h", "1d"), "15m": ("1h", "1d"), "30m": ("1h", "1d")}
    choices = longer.get(interval, {"1h": ("1d",), "1d": ("1wk", "1mo")}.get(interval, ()))
    return rng.choice(choices) if choices else None


def _draw_side(rng: random.Random, controls: Controls, side: str, longer: str | None) -> Document:
    count = controls.leaves or draw_weighted(rng, LEAVES)
    kinds = [draw_weighted(rng, KINDS) for _ in range(count)]
    if controls.kind:
        kinds[rng.randrange(count)] = controls.kind
    rises = side == "buy_condition"
    leaves = [DRAWERS[kind](rng, rises) for kind in kinds]
    if longer:
        place = rng.randrange(count)
        leaves[place] = _look_at(leaves[place], longer)
    leaves = [_put_off(rng, leaf) if rng.random() < AFTER else leaf for leaf in leaves]
    depth = min(controls.depth or draw_weighted(rng, DEPTHS), count - 1)
    return _join(rng, leaves, depth, "all" if rng.random() < 0.6 else "any")


def _look_at(leaf: Document, timeframe: str) -> Document:
    ((kind, value),) = leaf.items()
    if isinstance(value, list):
        return {kind: [_lengthen(each, timeframe) for each in value]}
    return {kind: {**value, "series": _lengthen(value["series"], timeframe)}} if "series" in value else leaf


def _lengthen(series: Any, timeframe: str) -> Any:
    return (
        {name: {**given, "timeframe": timeframe} for name, given in series.items()}
        if isinstance(series, dict)
        else series
    )


def _put_off(rng: random.Random, leaf: Document) -> Document:
    return {"after": {"condition": leaf, "bars": rng.choice((1, 2, 3, 5))}}


def _join(rng: random.Random, leaves: Sequence[Document], depth: int, group: str) -> Document:
    if len(leaves) == 1:
        return leaves[0]
    if depth == 1:
        return {group: list(leaves)}
    inner = rng.randint(depth, len(leaves) - 1)
    other = "any" if group == "all" else "all"
    return {group: [*leaves[inner:], _join(rng, leaves[:inner], depth - 1, other)]}


def _draw_exits(rng: random.Random, controls: Controls, interval: str) -> Document:
    if controls.exits is None:
        stop = draw_weighted(rng, STOPS)
        names = [stop] if stop != "none" else []
        names += [name for name, share in EXITS.items() if rng.random() < share / 100]
        names = [name for name in names if name != "session" or interval in INTRADAY]
    else:
        names = list(controls.exits)
    return {name: _draw_exit(rng, name, 1 if interval in INTRADAY else SLOWER) for name in names}


def _draw_exit(rng: random.Random, name: str, scale: int) -> Any:
    match name:
        case "atr_stop":
            length = rng.choices((14, 10, 20), (6, 2, 1))[0]
            return {"multiple": rng.choice((1, 1.5, 2, 2.5, 3)), "length": length}
        case "exit_after_bars":
            return rng.choice((3, 5, 10, 15, 20, 30))
        case "session":
            start, end = rng.choice((("09:30", "11:00"), ("09:45", "15:45"), ("10:00", "15:30"), ("13:00", "15:55")))
            return {"from": start, "to": end}
        case "take_profit":
            return {"percent": scale * rng.choice((0.5, 1, 1.5, 2, 2.5, 3, 4, 5, round(rng.uniform(0.3, 6), 2)))}
        case _:
            return {"percent": scale * rng.choice((0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, round(rng.uniform(0.2, 3), 2)))}


def _draw_window(rng: random.Random) -> Document:
    how = rng.random()
    if how < 0.15:
        return {"period": rng.choice(("1y", "2y", "5y", "10y", "ytd", "max"))}
    if how < 0.3:
        year = rng.randint(2010, 2022)
        return {"start_date": f"{year}-0{rng.randint(1, 9)}-15", "end_date": f"{year + rng.randint(1, 3)}-12-31"}
    return {}


def _draw_money(rng: random.Random, controls: Controls) -> Document:
    money: Document = {}
    if rng.random() < 0.4:
        money["initial_capital"] = rng.choice((5_000, 10_000, 25_000, 50_000, 100_000, 250_000))
    match controls.size or draw_weighted(rng, SIZES):
        case "contracts":
            money["order_size"] = {"contracts": rng.choice((5, 10, 50, 100, 200))}
        case "usd":
            money["order_size"] = {"usd": rng.choice((1_000, 2_000, 5_000))}
        case "percent":
            money["order_size"] = {"percent": rng.choice((5, 10, 20, 25, 50, 100))}
        case "risk_percent":
            money["order_size"] = {"risk_percent": rng.choice((0.25, 0.5, 1, 2))}
    if rng.random() < 0.35:
        money["trade_commissions"] = rng.choice(({"usd": 0.005}, {"usd": 0.01}, {"percent": 0.1}, {"percent": 0.05}))
    return money
