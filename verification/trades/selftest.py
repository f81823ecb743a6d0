"""Holds the verdict against generators with known truth: `python -m verification.trades.selftest` writes its table.

The law is the sample's simulated market and trader, drawn anew. Each seed draws its gold, and beside it a fresh draw
of the same law, from sessions that no other part of the same seed has; what is known to be bad is made of one or the
other. The questions that need bars are not asked: the sets are tables of trades.
"""

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from datetime import time as day_time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from gold_data.sample.market import simulate_market
from gold_data.sample.trader import simulate_trades
from gold_data.sessions import EXCHANGE_ZONE, session_hours
from gold_data.trades.schema import TIME_FIELDS
from verification.answers import CANNOT_TELL, COPIES, GOOD, NOISE, UNDERFIT, Verdict
from verification.trades.known_sets import KNOWN_FAULTS, make_faults
from verification.trades.questions import DECIDING, ask_about_trades, make_yardstick
from verification.trades.references import build_references, copy_half, ignore_volatility, spoil_some
from verification.trades.table import TRADE_COLUMNS, drop_unknown
from verification.trades.validity import measure_share
from verification.trades.yardstick import Yardstick
from verification.verdict import decide

SEEDS, SIZES = 10, (100, 400, 1000)
WANTED_SHARE = 0.95  # of the seeds that must give the right name
HELD_OUT = 0.2
MARKETS = 16  # simulated markets, of which all seeds draw their sessions
IMPOSSIBLE = 0.02
PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
START, END = "<!-- selftest -->", "<!-- /selftest -->"

# What each set is, and the names that are right for it.
KNOWN: Mapping[str, tuple[str, tuple[Verdict, ...]]] = {
    "fresh_draw": ("a fresh draw of the same law", (GOOD, CANNOT_TELL)),
    "block_bootstrap": ("whole gold sessions, drawn with replacement", (COPIES,)),
    "jittered_bootstrap": ("gold trades moved by 5% of the spread", (COPIES,)),
    "exact_copies": ("gold trades as they are", (COPIES,)),
    "half_copied": ("half fresh draw, half gold trades", (COPIES,)),
    "prototype_collapse": ("three prototypes, each with a little jitter", (UNDERFIT,)),
    "gaussian_copula": ("ranks correlated as the gold's, and nothing else", (UNDERFIT,)),
    "ignore_volatility": ("a fresh draw whose exits ignore volatility and hour", (UNDERFIT,)),
    "impossible_trades": ("a fresh draw with 2% impossible trades", (UNDERFIT,)),
    "shuffled_marginals": ("every column right, none belonging to another", (NOISE,)),
    "uniform_noise": ("uniform between the gold's least and greatest", (NOISE,)),
    **KNOWN_FAULTS,
}
FULL_SESSION = (day_time(9, 30), day_time(16))
ENOUGH = 400  # trades of gold, from which on the names are promised


@dataclass(frozen=True, slots=True)
class Case:
    """One set's verdict, and what each question said."""

    name: str
    size: int
    seed: int
    verdict: Verdict
    said: Mapping[str, Verdict]


def simulate_pool(seed: int) -> pl.DataFrame:
    """Simulate one market's trades, as a trade table."""
    rng = np.random.default_rng(seed)
    trades = simulate_trades(rng, simulate_market(rng))
    day = pl.col("entry_time").dt.date()
    return trades.with_columns(day.alias("session_date"), market=pl.lit(seed))


def list_days(count: int) -> list[date]:
    """List the last days with a full regular session, the earliest first."""
    days = pl.date_range(date(2005, 1, 3), date(2024, 12, 31), eager=True).to_list()
    return [day for day in days if session_hours(day) == FULL_SESSION][-count:]


def draw_parts(pool: pl.DataFrame, size: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Draw train part, hold-out and fresh draw, of disjoint sessions: `size` trades of gold and `size` fresh ones."""
    rng = np.random.default_rng([seed, size])
    sessions = pool.select("market", "session_date").unique(maintain_order=True)
    mixed = sessions[rng.permutation(sessions.height).tolist()].with_row_index("place")
    dated = mixed.with_columns(pl.Series("day", list_days(sessions.height)))
    trades = pool.join(dated, on=["market", "session_date"]).sort("place", "entry_time")
    gold = trades[:size]
    fresh = trades.filter(pl.col("place") > gold["place"].max())[:size]
    days = gold["day"].unique().sort()
    first_held = days[-max(round(HELD_OUT * len(days)), 1)]
    train, holdout = (gold.filter(part) for part in (pl.col("day") < first_held, pl.col("day") >= first_held))
    return _date_trades(train, "gold"), _date_trades(holdout, "held"), _date_trades(fresh, "fresh")


def _date_trades(trades: pl.DataFrame, name: str) -> pl.DataFrame:
    """Move trades to the day their session was given, at the same time of day."""
    moved = [
        pl.col("day").dt.combine(pl.col(name).dt.time()).dt.replace_time_zone(EXCHANGE_ZONE) for name in TIME_FIELDS
    ]
    times = [moment.alias(name) for moment, name in zip(moved, TIME_FIELDS, strict=True)]
    ids = pl.format(name + "-{}", pl.int_range(pl.len())).alias("trade_id")
    return trades.with_columns(*times, ids, session_date="day").select("trade_id", *TRADE_COLUMNS)


def make_sets(yardstick: Yardstick, fresh: pl.DataFrame, rng: np.random.Generator) -> dict[str, pl.DataFrame]:
    """Make every known set, as many trades each as the fresh draw has."""
    made = {
        "fresh_draw": fresh,
        "half_copied": copy_half(fresh, yardstick.train, rng),
        "ignore_volatility": ignore_volatility(fresh, rng),
        "impossible_trades": spoil_some(fresh, IMPOSSIBLE, rng),
    }
    # Drawn anew: the yardstick's own references are what distances are measured by.
    made |= make_faults(fresh, yardstick.train, yardstick.holdout, rng)
    return made | build_references(yardstick.train, fresh.height, rng)


def judge_sets(pool: pl.DataFrame, size: int, seed: int) -> list[Case]:
    """Hold every known set of one seed against one gold."""
    train, holdout, fresh = draw_parts(pool, size, seed)
    yardstick = make_yardstick(train, holdout, fresh.height, seed)
    sets = make_sets(yardstick, fresh, np.random.default_rng([seed, size, 1]))
    cases = []
    for name in KNOWN:
        answers = ask_about_trades(yardstick, sets[name], drop_unknown(sets[name]))
        overall = decide(answers, DECIDING, size, yardstick.train.height, "trades")
        said = {answer.question: answer.verdict for answer in answers}
        cases.append(Case(name, size, seed, overall.verdict, said))
    return cases


def run_selftest(seeds: Sequence[int], sizes: Sequence[int], workers: int) -> list[Case]:
    """Judge the known sets of all seeds and sizes, in so many processes."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        pool = pl.concat(executor.map(simulate_pool, range(MARKETS)))
        jobs = [executor.submit(judge_sets, pool, size, seed) for size in sorted(sizes, reverse=True) for seed in seeds]
        cases = []
        for number, job in enumerate(jobs, 1):
            cases += job.result()
            print(f"{number} of {len(jobs)} golds judged", file=sys.stderr, flush=True)
    return cases


def tabulate_cases(cases: Sequence[Case]) -> str:
    """Write the table of verdicts: per set and number of trades, how many seeds gave which name; a miss in bold."""
    sizes = sorted({case.size for case in cases})
    lines = [
        "| set | what it is | right | " + " | ".join(f"n = {size}" for size in sizes) + " |",
        "|---|---|---|" + "---|" * len(sizes),
    ]
    for name, (what, right) in KNOWN.items():
        cells = [_count_verdicts([c for c in cases if c.name == name and c.size == size], right) for size in sizes]
        lines.append(f"| `{name}` | {what} | {' or '.join(right)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _count_verdicts(cases: Sequence[Case], right: Sequence[Verdict]) -> str:
    counts = Counter(case.verdict for case in cases)
    text = ", ".join(f"{count} {verdict}" for verdict, count in counts.most_common())
    found = sum(counts[name] for name in right)
    share = measure_share(found, len(cases))
    bound = f" (right: {share.low:.0%} to {share.high:.0%})" if share.is_known else ""
    return f"{text}{bound}" if found >= WANTED_SHARE * len(cases) else f"**{text}**{bound}"


def list_misses(cases: Sequence[Case]) -> list[Case]:
    """List the cases that were called by a wrong name, of golds large enough to tell."""
    return [case for case in cases if case.size >= ENOUGH and case.verdict not in KNOWN[case.name][1]]


def _flatten(case: Case) -> dict[str, str | int]:
    return {"name": case.name, "size": case.size, "seed": case.seed, "verdict": case.verdict, **case.said}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the self-test and write its table into docs/verification.md; 1 where a name is wrong too often."""
    parser = argparse.ArgumentParser(prog="python -m verification.trades.selftest", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="golds of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="trades of gold, and of each set")
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    parser.add_argument("--out", type=Path, help="write every case to this CSV file as well")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    cases = run_selftest(range(chosen.seeds), chosen.sizes, os.cpu_count() or 1)
    if chosen.out:
        pl.DataFrame([_flatten(case) for case in cases]).write_csv(chosen.out)
    table = tabulate_cases(cases)
    print(table)
    print(f"{len(cases)} verdicts in {(time.monotonic() - started) / 60:.1f} minutes on {os.cpu_count()} cores")
    for case in list_misses(cases):
        print(f"  {case.name}, n = {case.size}, seed {case.seed}: {case.verdict} {dict(case.said)}")
    if not chosen.print:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(f"{before}{START}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int("**" in table)


if __name__ == "__main__":
    sys.exit(main())
