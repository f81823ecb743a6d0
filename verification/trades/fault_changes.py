"""Changes that make a gold trade faulty: each takes its core fields and gives others, or None where it cannot."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import NDArray

from gold_data.trades.rules import Expectation, GoldLimits, measure_exit_percent
from gold_data.trades.schema import PRICE_FIELDS, TIME_FIELDS, list_core_rows

Core = dict[str, Any]

EXCURSIONS = ("worst_exit_percent", "best_exit_percent")

BEYOND = 2.0  # times what the trader ever did: no longer a matter of taste
LEAST_GAP = 0.05  # percent, well beyond the rounding that the rules forgive
LEAST_TRADED_HOLD = 10  # seconds, ten times the hold that is planted as too short
UNUSED_SECONDS = 2 * 3600  # a stretch of the session this long without one entry is no accident
HALF_HOUR = 1800
DRAWS = 8  # other gold trades that are looked at for a value to borrow
MOST_DECIMALS = 6
STYLE_ROWS = 1_000  # gold trades from which the usual number of decimals is read


@dataclass(frozen=True)
class Trader:
    """What the gold says of its trader.

    `longest_hold` and `shortest_hold` are seconds, of trades closed in their session; `widest` is the largest
    excursion in units of the trade's own volatility; `entries` are seconds of the day, sorted, each once.
    """

    rows: Sequence[Core]
    limits: GoldLimits
    longest_hold: int
    shortest_hold: int
    widest: float
    entries: NDArray[np.int64]
    price_decimals: int
    percent_decimals: int

    @classmethod
    def describe(cls, train: pl.DataFrame, limits: GoldLimits) -> "Trader":
        """Describe the trader of gold trades."""
        rows = list_core_rows(train)
        times = [(read_clock(row["entry_time"]), read_clock(row["exit_time"])) for row in rows]
        holds = [left - entered for entered, left in times if left > entered]
        excursions = [max(abs(row["worst_exit_percent"]), abs(row["best_exit_percent"])) for row in rows]
        shown = rows[:STYLE_ROWS]
        return cls(
            rows=rows,
            limits=limits,
            longest_hold=max(holds, default=0),
            shortest_hold=min(holds, default=0),
            widest=max(move / row["entry_volatility_percent"] for move, row in zip(excursions, rows, strict=True)),
            entries=np.unique([entered for entered, _ in times]),
            price_decimals=max(count_decimals(row[name]) for row in shown for name in PRICE_FIELDS),
            percent_decimals=max(count_decimals(row[name]) for row in shown for name in EXCURSIONS),
        )


@dataclass(frozen=True)
class Scene:
    """Where a fault is planted: the trader, the session, the controls' demands.

    The session's hours are seconds of its date, below 0 where it begins on the evening before.
    """

    trader: Trader
    session_date: date
    opens: int
    closes: int
    expectations: Sequence[Expectation]

    @classmethod
    def set_up(
        cls, trader: Trader, session_date: date, expectations: Sequence[Expectation], ticker: object = None
    ) -> "Scene":
        """Set up the scene of a gold trade."""
        session = trader.limits.markets.find(ticker).find_session(session_date)
        assert session is not None, "a gold trade is in a session"
        midnight = datetime.combine(session_date, time.min)
        opens, closes = (int((moment - midnight).total_seconds()) for moment in (session.opens, session.closes))
        return cls(trader, session_date, opens, closes, expectations)


def read_clock(text: str) -> int:
    """Read HH:MM:SS as seconds of the day."""
    hours, minutes, seconds = (int(part) for part in text.split(":"))
    return hours * 3600 + minutes * 60 + seconds


def write_clock(seconds: int) -> str | None:
    """Write seconds of the day as HH:MM:SS; None where the day has no such second."""
    if not 0 <= seconds < 86_400:
        return None
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def count_decimals(value: float) -> int:
    """Count the decimals that a number shows, MOST_DECIMALS at most."""
    exponent = Decimal(repr(float(value))).normalize().as_tuple().exponent
    return min(max(0, -int(exponent)), MOST_DECIMALS)


def drop_field(core: Core, _scene: Scene, _rng: np.random.Generator, *, name: str) -> Core:
    """Leave a field out."""
    return {key: value for key, value in core.items() if key != name}


def swap_excursions(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Swap the worst and the best excursion."""
    return core | {"worst_exit_percent": core["best_exit_percent"], "best_exit_percent": core["worst_exit_percent"]}


def reverse_excursions(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Tell both excursions in the opposite direction."""
    return core | {"worst_exit_percent": -core["best_exit_percent"], "best_exit_percent": -core["worst_exit_percent"]}


def lose_minus(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Lose the minus sign of the worst excursion."""
    return core | {"worst_exit_percent": abs(core["worst_exit_percent"])}


def flip_direction(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Call a buy a short, or a short a buy."""
    return core | {"trade_type": "short" if core["trade_type"] == "buy" else "buy"}


def exit_beyond(core: Core, scene: Scene, _rng: np.random.Generator, *, field: str) -> Core:
    """Put the exit price beyond an excursion, by a third of the volatility and two price steps at least."""
    step = 10.0**-scene.trader.price_decimals
    gap = max(LEAST_GAP, core["entry_volatility_percent"] / 3.0) + 200.0 * step / core["entry_price"]
    percent = core[field] + (gap if field == "best_exit_percent" else -gap)
    return core | {"exit_price": find_price(core, percent, scene)}


def find_price(core: Core, percent: float, scene: Scene) -> float:
    """Find the price at a percent from the entry, signed in the trade's direction."""
    signed = -percent if core["trade_type"] == "short" else percent
    return float(round(core["entry_price"] * (1.0 + signed / 100.0), scene.trader.price_decimals))


def swap_times(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Swap entry and exit."""
    return core | {"entry_time": core["exit_time"], "exit_time": core["entry_time"]}


def move_before_open(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Enter up to an hour and a half before the session opens."""
    entry = write_clock(scene.opens - int(rng.integers(60, 5400)))
    return core | {"entry_time": entry} if entry else None


def move_after_close(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Leave up to two hours after the session closes."""
    left = write_clock(scene.closes + int(rng.integers(60, 7200)))
    return core | {"exit_time": left} if left else None


def borrow_ticker_price(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Trade at the price of another ticker; the percents stay right."""
    low, high = scene.trader.limits.price_ranges[core["ticker"]]
    for other in borrow_trades(scene.trader.rows, rng):
        if other["ticker"] != core["ticker"] and not low <= other["entry_price"] <= high:
            return scale_prices(core, other["entry_price"] / core["entry_price"], scene)
    return None


def scale_prices(core: Core, factor: float, scene: Scene) -> Core:
    """Scale both prices; at two decimals more, so that the percent between them stays what it was."""
    decimals = scene.trader.price_decimals + 2
    return core | {name: round(core[name] * factor, decimals) for name in PRICE_FIELDS}


def slip_decimal_point(core: Core, scene: Scene, rng: np.random.Generator) -> Core:
    """Slip the decimal point of both prices by one place, up or down."""
    return scale_prices(core, 10.0 if rng.random() < 0.5 else 0.1, scene)


def name_unknown_ticker(core: Core, scene: Scene, rng: np.random.Generator) -> Core:
    """Trade a ticker that is not in the gold."""
    letters = "".join(rng.choice(list("QXZ"), size=4))
    return core | {"ticker": letters if letters not in scene.trader.limits.price_ranges else f"{letters}Q"}


def miss_volatility(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Miss the volatility asked for by half of it, and four tolerances."""
    wanted = [e for e in scene.expectations if e.field == "entry_volatility_percent" and e.tolerance is not None]
    if not wanted:
        return None
    missed = core["entry_volatility_percent"] * rng.uniform(1.5, 2.0) + 4.0 * (wanted[0].tolerance or 0.0)
    return core | {"entry_volatility_percent": round(missed, MOST_DECIMALS)}


def zero_volatility(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Give a volatility of 0."""
    return core | {"entry_volatility_percent": 0.0}


def negate_price(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Leave at a price below 0."""
    return core | {"exit_price": -core["exit_price"]}


def borrow_entry_price(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Enter at the price of another trade of the ticker, further off than the trade ever moved."""
    reach = core["best_exit_percent"] - core["worst_exit_percent"] + 2 * LEAST_GAP
    for other in borrow_trades(scene.trader.rows, rng):
        off = 100.0 * abs(other["entry_price"] / core["entry_price"] - 1.0)
        if other["ticker"] == core["ticker"] and off > reach:
            return core | {"entry_price": other["entry_price"]}
    return None


def borrow_trades(rows: Sequence[Core], rng: np.random.Generator) -> list[Core]:
    """Draw gold trades whose values a fault may borrow."""
    return [rows[place] for place in rng.integers(0, len(rows), size=DRAWS)]


def copy_stale(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Repeat a gold trade with all its prices and percents, some seconds earlier or later."""
    shift = int(rng.choice([-1, 1])) * int(rng.integers(5, 60))
    return shift_times(core, scene, read_clock(core["entry_time"]) + shift)


def shift_times(core: Core, scene: Scene, entry: int) -> Core | None:
    """Enter at another second and hold as long; None where that leaves the session, or the trade is held overnight."""
    hold = read_clock(core["exit_time"]) - read_clock(core["entry_time"])
    if hold <= 0 or entry < scene.opens or entry + hold > scene.closes:
        return None
    return core | {"entry_time": write_clock(entry), "exit_time": write_clock(entry + hold)}


def hold_too_long(core: Core, scene: Scene, rng: np.random.Generator) -> Core | None:
    """Hold far longer than the trader ever did."""
    entry, least = read_clock(core["entry_time"]), int(BEYOND * scene.trader.longest_hold)
    room = scene.closes - entry
    if not 0 < least <= room:
        return None
    return core | {"exit_time": write_clock(entry + int(rng.integers(least, min(room, 2 * least) + 1)))}


def hold_too_short(core: Core, scene: Scene, _rng: np.random.Generator) -> Core | None:
    """Hold for one second, where the trader never held so briefly."""
    if scene.trader.shortest_hold < LEAST_TRADED_HOLD:
        return None
    return core | {"exit_time": write_clock(read_clock(core["entry_time"]) + 1)}


def exaggerate_excursion(core: Core, scene: Scene, rng: np.random.Generator, *, field: str) -> Core:
    """Let the trade run further, for its volatility, than any gold trade did; the exit stays."""
    far = measure_runaway(core, scene, rng)
    return core | {field: -far if field == "worst_exit_percent" else far}


def measure_runaway(core: Core, scene: Scene, rng: np.random.Generator) -> float:
    """Draw a move, percent, of two to three times the widest of the gold at this volatility."""
    widest = scene.trader.widest * core["entry_volatility_percent"]
    return float(round(max(widest * rng.uniform(BEYOND, BEYOND + 1.0), LEAST_GAP), scene.trader.percent_decimals))


def run_away(core: Core, scene: Scene, rng: np.random.Generator) -> Core:
    """Leave with a gain larger, for its volatility, than any move of the gold; the best excursion holds it."""
    left = core | {"exit_price": find_price(core, measure_runaway(core, scene, rng), scene)}
    return widen_excursions(left, scene)


def widen_excursions(core: Core, scene: Scene) -> Core:
    """Widen the excursions so that they hold the exit percent."""
    decimals = scene.trader.percent_decimals
    if min(core["entry_price"], core["exit_price"]) <= 0.0:
        return core
    left = measure_exit_percent(core["trade_type"], core["entry_price"], core["exit_price"])
    step = 10.0**-decimals
    return core | {
        "worst_exit_percent": min(core["worst_exit_percent"], round(left - step / 2, decimals)),
        "best_exit_percent": max(core["best_exit_percent"], round(left + step / 2, decimals)),
    }


def round_percents(core: Core, scene: Scene, _rng: np.random.Generator) -> Core | None:
    """Give both excursions in whole percents, outwards, where the gold shows decimals."""
    worst, best = core["worst_exit_percent"], core["best_exit_percent"]
    if scene.trader.percent_decimals == 0:
        return None
    return core | {"worst_exit_percent": float(np.floor(worst)), "best_exit_percent": float(np.ceil(best))}


def round_prices(core: Core, scene: Scene, _rng: np.random.Generator) -> Core | None:
    """Give both prices in whole dollars, where the gold shows cents and the move stays one that the gold knows."""
    rounded = core | {name: float(round(core[name])) for name in PRICE_FIELDS}
    if scene.trader.price_decimals == 0 or min(rounded["entry_price"], rounded["exit_price"]) < 1.0:
        return None
    left = measure_exit_percent(core["trade_type"], rounded["entry_price"], rounded["exit_price"])
    if abs(left) > scene.trader.widest * core["entry_volatility_percent"]:
        return None
    return widen_excursions(rounded, scene)


def freeze_price(core: Core, _scene: Scene, _rng: np.random.Generator) -> Core:
    """Let nothing move: the exit price is the entry's, both excursions are 0."""
    return core | {"exit_price": core["entry_price"], "worst_exit_percent": 0.0, "best_exit_percent": 0.0}


def round_times(core: Core, scene: Scene, _rng: np.random.Generator) -> Core | None:
    """Give both times in half hours, outwards, where the gold's are finer."""
    if not (scene.trader.entries % HALF_HOUR).any():
        return None
    entry, left = (read_clock(core[name]) for name in TIME_FIELDS)
    times = {"entry_time": write_clock(entry - entry % HALF_HOUR), "exit_time": write_clock(left + -left % HALF_HOUR)}
    return core | times if None not in times.values() else None


def enter_at_unused_hour(core: Core, scene: Scene, _rng: np.random.Generator) -> Core | None:
    """Enter in the middle of the session's longest stretch in which the trader never entered."""
    entries = scene.trader.entries
    marks = np.array([scene.opens, *entries[(entries > scene.opens) & (entries < scene.closes)], scene.closes])
    gaps = np.diff(marks)
    width, start = int(gaps.max()), int(marks[gaps.argmax()])
    return shift_times(core, scene, start + width // 2) if width >= UNUSED_SECONDS else None
