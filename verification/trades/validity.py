"""Could each of these trades have happened? Rules that need no gold, so that no gold can excuse a broken one."""

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from scipy.stats import beta

from gold_data.markets import USUAL, Markets
from gold_data.sessions import EXCHANGE_ZONE
from gold_data.trades.checks import SLACK, STATED_ROUNDING
from gold_data.trades.limits import PERCENT_ROUNDING
from gold_data.trades.schema import PRICE_FIELDS, TIME_FIELDS
from verification.answers import CANNOT_TELL, GOOD, NOISE, UNDERFIT, Answer, Interval, Verdict, to_json
from verification.settling import say_settling
from verification.trades import bar_rules
from verification.trades.bar_rules import (
    find_own_strange,
    find_strange_bars,
    find_strange_indicators,
    find_strange_prices,
    gather_days,
    read_own_bars,
)
from verification.trades.features import PERCENTS
from verification.trades.references import SHUFFLED_MARGINALS, UNIFORM_NOISE
from verification.trades.yardstick import Yardstick

QUESTION = "validity"
TITLE = "Could each of these trades have happened?"

# One impossible trade in 500 is a slip of the pen; a run that checks its rows has none. The line is low enough that 2%
# among 400 trades are called: 4 broken ones have a lower bound above it, and fewer are rarer than one time in 20.
LINE = 0.002
UNSURE = 0.05  # above the gold's share; where so many may be impossible, finding none says little: 71 trades or fewer
MOSTLY = 0.5  # impossible rows above this share are no trades with faults but noise

# Below that, noise is what breaks rules as noise made of this very gold does. How many rows noise breaks is the gold's:
# 35% to 65% on golds simulated and real. The share alone does not tell it from a copula of the gold, which breaks 24%
# to 45% (0.6 to 1.2 times as many as uniform noise), but of the copula's rows hardly any breaks two rules at once (3%
# to 5%, noise 13% to 19%): one number strays, where in noise no number knows of another.
NOISE_SHARE = 0.75  # of the smaller share of impossible rows in NOISES; 0.75 leaves room for its interval at 150 rows
NOISE_TWICE = 0.5  # of their smaller share of rows that break two rules at once; the copula's is 0.4 of it at the most
LEAST_NOISE = 0.1  # impossible rows below this share are never called noise
LEAST_ROWS = 40  # of either side; below it their shares are too uncertain for a name
NOISES = (SHUFFLED_MARGINALS, UNIFORM_NOISE)
CONFIDENCE = 0.95
SHOWN_IDS = 5

NUMBERS = (*PRICE_FIELDS, *PERCENTS)
DESCRIPTIONS = {
    "complete": "Ticker, direction (buy or short), session and both times are there.",
    "finite": "Every number is there and finite.",
    "positive_price": "Prices are above 0.",
    "positive_volatility": "entry_volatility_percent is above 0.",
    "session_hours": "Entry and exit lie in the hours of their market on a day it is open.",
    "exit_after_entry": "The exit follows the entry in its session, or by the same time of the next.",
    "percent_order": "worst_exit_percent is not above best_exit_percent.",
    "excursion_bounds": f"worst <= exit percent <= best, within {PERCENT_ROUNDING}.",
    "exit_sign": f"trade_percent_change is what prices and direction give, within {STATED_ROUNDING}.",
}
RULES = tuple(DESCRIPTIONS)


def ask_validity(yardstick: Yardstick, synthetic: pl.DataFrame, bars_file: Path | None = None) -> Answer:
    """Ask which share of the trades breaks a rule that every trade obeys, whoever the trader.

    NaN and missing values break rules. The gold's own share is the floor: a bad name needs a share that is surely
    above both LINE and the gold's, and noise is held against the noise references.

    Args:
        yardstick: The gold.
        synthetic: Trades, unknown values and all.
        bars_file: The run's own bars, None for a mere table: then the rules about bars are not asked.
    """
    plain = find_broken(synthetic, yardstick.markets)
    broken = pl.concat([plain, *_find_more(yardstick, synthetic, bars_file)], how="horizontal")
    gold = yardstick.once("validity", lambda: _count(find_broken(yardstick.gold, yardstick.markets)))
    found, rows = _count(broken)
    share, own = measure_share(found, rows), measure_share(*gold)
    noise = yardstick.once("validity noise", lambda: _measure_noise(yardstick))
    twice = measure_share(*_count(plain, 2))
    is_noise = _is_noise(measure_share(*_count(plain)), twice, rows, noise)
    verdict, reason = _judge(share, own, found, rows, is_noise=is_noise)
    reason = f"{reason}{_name_broken(broken)}"
    metrics = {
        "rows": rows,
        "impossible": found,
        "share": share,
        "gold_rows": gold[1],
        "gold_impossible": gold[0],
        "gold_share": own,
        "line": LINE,
        "twice_share": twice,
        "noise": noise,
        "rules": [_describe(rule, synthetic, broken) for rule in broken.columns],
    }
    numbers = (
        ("impossible trades", f"{found} of {rows:,}"),
        ("their share, 95% interval", _say_share(share)),
        ("the gold's own share", _say_share(own)),
    )
    needs = say_enough(found, rows, own) if verdict == CANNOT_TELL else ""
    return Answer(QUESTION, TITLE, verdict, reason, numbers, to_json(metrics), needs)


def _find_more(yardstick: Yardstick, synthetic: pl.DataFrame, bars_file: Path | None) -> list[pl.DataFrame]:
    """Ask the rules that hold a run against its own bars, and tickers and prices against the gold's."""
    asked = [_excuse(find_strange_prices(synthetic, yardstick.gold), synthetic, yardstick)]
    bars = None if bars_file is None else read_own_bars(bars_file, synthetic)
    if bars is not None and len(synthetic):
        asked += [
            find_strange_bars(synthetic, bars),
            find_strange_indicators(synthetic, bars, yardstick.make_rng("validity indicators"), yardstick.markets),
        ]
    return asked


def _excuse(strange: pl.DataFrame, synthetic: pl.DataFrame, yardstick: Yardstick) -> pl.DataFrame:
    """Let pass what surely no more days break than of the gold's own: few days do not show all tickers and prices."""
    own = yardstick.once("validity prices", lambda: find_own_strange(yardstick.gold))
    days = gather_days(synthetic, strange)
    shares = [[measure_share(int(table[rule].sum()), table.height) for table in (days, own)] for rule in own.columns]
    passing = [rule for rule, (found, chance) in zip(own.columns, shares, strict=True) if not found.low > chance.high]
    return strange.with_columns(pl.lit(value=False).alias(rule) for rule in passing)


def _name_broken(broken: pl.DataFrame) -> str:
    """Name the rules that are broken, the one broken most often first."""
    counts = sorted(((int(broken[rule].sum()), rule) for rule in broken.columns), reverse=True)
    named = [f"{rule.replace('_', ' ')} ({count:,})" for count, rule in counts if count]
    return f" Broken: {', '.join(named)}." if named else ""


def find_broken(trades: pl.DataFrame, markets: Markets = USUAL) -> pl.DataFrame:
    """Say which rules each trade breaks: one row per trade, one Boolean column per rule of RULES, never null.

    The rules of `gold_data.trades.rules.check_trade`, without those that depend on a gold: known ticker, price
    range, controls, copies. A rule is asked only where what it needs is there, so one fault is counted under one rule.
    A trade held over one night may be right; over two it may not.
    """
    if trades.is_empty():
        return pl.DataFrame(schema=dict.fromkeys(RULES, pl.Boolean))
    tickers = trades["ticker"].fill_null("")
    days = {name: markets.find_days(tickers, trades[name]) for name in TIME_FIELDS}
    hours = [_list_hours(tickers, days[name], markets).select(pl.all().name.prefix(f"{name}_")) for name in TIME_FIELDS]
    moments = [pl.col(name).dt.convert_time_zone(EXCHANGE_ZONE) for name in TIME_FIELDS]
    table = pl.concat(
        [trades.select("ticker", "trade_type", "session_date", *moments, *NUMBERS), *hours], how="horizontal"
    )
    return table.with_columns(_measure_exit_percent().alias("percent")).select(
        rule.fill_null(value=False).alias(name) for name, rule in _write_rules().items()
    )


def _write_rules() -> dict[str, pl.Expr]:
    """Write every rule as an expression that is true where it is broken, and null where it cannot be asked."""
    side, percent, stated = pl.col("trade_type"), pl.col("percent"), pl.col("trade_percent_change")
    worst, best, volatility = (_known(f) for f in ("worst_exit_percent", "best_exit_percent", PERCENTS[0]))
    allowed = PERCENT_ROUNDING + SLACK
    whole = pl.all_horizontal(pl.col("ticker", "session_date", *TIME_FIELDS).is_not_null())
    reversed_ = _holds(worst, -percent, best) & ~_holds(worst, percent, best)
    return {
        "complete": ~(whole & side.is_in(["buy", "short"]).fill_null(value=False)),
        "finite": ~pl.all_horizontal(pl.col(NUMBERS).is_finite().fill_null(value=False)),
        "positive_price": pl.any_horizontal(_known(name) <= 0.0 for name in PRICE_FIELDS),
        "positive_volatility": volatility <= 0.0,
        "session_hours": _break_hours(),
        "exit_after_entry": ~_follows(),
        "percent_order": worst > best,
        "excursion_bounds": (worst > percent + allowed).fill_null(value=False) | (best < percent - allowed),
        "exit_sign": ((_known("trade_percent_change") - percent).abs() > STATED_ROUNDING + SLACK).fill_null(value=False)
        | (reversed_ & stated.is_not_null()),
    }


def _known(name: str) -> pl.Expr:
    return pl.when(pl.col(name).is_finite()).then(pl.col(name))


def _holds(worst: pl.Expr, percent: pl.Expr, best: pl.Expr) -> pl.Expr:
    allowed = PERCENT_ROUNDING + SLACK
    return (worst - allowed <= percent) & (percent <= best + allowed)


def _measure_exit_percent() -> pl.Expr:
    """Percent from entry to exit in the trade's direction; null where prices or direction do not give it."""
    entry, leave = (_known(name) for name in PRICE_FIELDS)
    side = pl.when(pl.col("trade_type") == "buy").then(1.0).when(pl.col("trade_type") == "short").then(-1.0)
    return pl.when((entry > 0.0) & (leave > 0.0)).then(100.0 * (leave / entry - 1.0) * side)


def _break_hours() -> pl.Expr:
    """Outside the hours of its own day; at the close itself one can leave, but not enter, and on the session's day."""
    entry, leave = (pl.col(name) for name in TIME_FIELDS)
    rests = entry.is_between("entry_time_pauses", "entry_time_resumes", closed="left")
    entry_wrong = (
        (entry < pl.col("entry_time_opens"))
        | (entry >= pl.col("entry_time_closes"))
        | pl.col("entry_time_opens").is_null()
        | (pl.col("entry_time_day") != pl.col("session_date"))
        | rests.fill_null(value=False)
    )
    exit_wrong = (
        (leave < pl.col("exit_time_opens"))
        | (leave > pl.col("exit_time_closes"))
        | pl.col("exit_time_opens").is_null()
        | leave.is_between("exit_time_pauses", "exit_time_resumes", closed="none").fill_null(value=False)
    )
    there = [pl.col(name).is_not_null() for name in TIME_FIELDS]
    return (entry_wrong.fill_null(value=False) & there[0]) | (exit_wrong.fill_null(value=False) & there[1])


def _follows() -> pl.Expr:
    entry, leave = pl.col("entry_time"), pl.col("exit_time")
    same = pl.col("exit_time_day") == pl.col("session_date")
    # By the same time of the next session: as far from its day's beginning as the entry from that of its own, at most.
    since = entry - pl.col("entry_time_begins"), leave - pl.col("exit_time_begins")
    overnight = (pl.col("exit_time_day") == pl.col("entry_time_next")) & (since[1] <= since[0])
    return (same & (leave > entry)) | overnight.fill_null(value=False)


def _list_hours(tickers: pl.Series, days: pl.Series, markets: Markets) -> pl.DataFrame:
    """List the trading day of every moment: its beginning and hours on its ticker's market, and the session after."""
    rows = pl.DataFrame({"ticker": tickers, "session_date": days})
    keys = rows.unique().drop_nulls()
    following = [markets.find(ticker).find_next(day) for ticker, day in keys.iter_rows()]
    later = keys.with_columns(next=pl.Series(following, dtype=pl.Date))
    joined = rows.join(later, on=["ticker", "session_date"], how="left", maintain_order="left")
    return pl.concat(
        [
            joined.select("next", day="session_date"),
            rows.select(begins=markets.begin_days(rows)),
            markets.list_sessions(rows),
        ],
        how="horizontal",
    )


def measure_share(found: int, rows: int) -> Interval:
    """Measure a share with the exact interval of Clopper and Pearson, Biometrika 1934; NaN without rows."""
    if rows == 0:
        return Interval(np.nan)
    tail = (1.0 - CONFIDENCE) / 2.0
    low = float(beta.ppf(tail, found, rows - found + 1)) if found else 0.0
    high = float(beta.ppf(1.0 - tail, found + 1, rows - found)) if found < rows else 1.0
    return Interval(found / rows, low, high)


def _count(broken: pl.DataFrame, least: int = 1) -> tuple[int, int]:
    """Count the trades that break at least so many rules, and all trades."""
    rules = pl.sum_horizontal(pl.all().cast(pl.Int64))
    return int(broken.select((rules >= least).sum()).item()) if broken.height else 0, broken.height


def _measure_noise(yardstick: Yardstick) -> dict[str, Any]:
    """Measure what noise made of this gold breaks: of NOISES the smaller shares of rows that break a rule, or two."""
    tables = [find_broken(yardstick.references[name], yardstick.markets) for name in NOISES]
    once, twice = (min(measure_share(*_count(table, least)).value for table in tables) for least in (1, 2))
    return {"rows": min(table.height for table in tables), "share": once, "twice_share": twice}


def _is_noise(share: Interval, twice: Interval, rows: int, noise: dict[str, Any]) -> bool:
    """Say whether rules are surely broken as noise breaks them: in so many rows, and two at once in so many."""
    if not rows or share.low > MOSTLY:
        return rows > 0
    if min(rows, noise["rows"]) < LEAST_ROWS or not noise["twice_share"] > 0.0:
        return False
    line = max(LEAST_NOISE, NOISE_SHARE * noise["share"])
    return bool(share.low > line and twice.low > NOISE_TWICE * noise["twice_share"])


def _judge(share: Interval, own: Interval, found: int, rows: int, *, is_noise: bool) -> tuple[Verdict, str]:
    if rows == 0:
        return CANNOT_TELL, "There are no synthetic trades; one at least is needed."
    told = f"{found} of {rows:,} trades break a rule that every trade obeys ({_say_share(share)})"
    gold = own.value if np.isfinite(own.value) else 0.0
    passing = max(LINE, gold)
    if is_noise:
        most = "most of them could not have happened"
        like = "about as many as noise made of the gold, and often two rules at once"
        return NOISE, f"{told}: {most if share.low > MOSTLY else like}."
    if share.low > passing:
        return UNDERFIT, f"{told}, where the gold has {gold:.2%} and {LINE:.1%} would pass."
    if share.high > gold + UNSURE:
        return CANNOT_TELL, f"{told}: of so few trades, up to {share.high:.0%} could be impossible."
    if share.value > passing:
        return CANNOT_TELL, f"{told}: too few to say whether it is more than {passing:.2%}, which would pass."
    none = f"None of the {rows:,} trades breaks a rule that every trade obeys."
    return GOOD, f"{told}, no more than {passing:.2%}, which would pass." if found else none


def say_enough(found: int, rows: int, own: Interval) -> str:
    """Say how many trades would settle it: none more broken, or where some are, the same share of them."""
    gold = own.value if np.isfinite(own.value) else 0.0
    if not found:
        return f"{int(np.ceil(np.log((1.0 - CONFIDENCE) / 2.0) / np.log(1.0 - gold - UNSURE))):,} accepted trades"
    return say_settling(rows, measure_share(found, rows), max(LINE, gold), "accepted trades")


def _describe(rule: str, synthetic: pl.DataFrame, broken: pl.DataFrame) -> dict[str, Any]:
    first = synthetic.filter(broken[rule]).get_column("trade_id").head(SHOWN_IDS).to_list()
    return {
        "rule": rule,
        "says": {**DESCRIPTIONS, **bar_rules.DESCRIPTIONS}[rule],
        "broken": int(broken[rule].sum()),
        "first_ids": first,
    }


def _say_share(share: Interval) -> str:
    if not share.is_known:
        return "unknown"
    return f"{share.value:.2%} [{share.low:.2%}, {share.high:.2%}]"
