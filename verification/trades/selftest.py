"""Holds the verdict against generators with known truth: `python -m verification.trades.selftest` writes its table.

The laws are those of `known_laws`. Each seed draws its gold, and beside it a fresh draw of the same law, from sessions
that no other part of the same seed has; what is known to be bad is made of one or the other. Where a law has trades
enough, the fresh draw is what a run of the profile `offline` asks for: volatility and part of the session as its
controls draw them, sessions dealt by a plan (`obey_controls`), and it is judged as such. The questions that need bars
are not asked: the sets are tables of trades.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from datetime import date
from datetime import time as day_time
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import polars as pl

from designer_configs.compile.controls import Control, resolve_controls
from designer_configs.compile.profile import load_profile
from gold_data.sessions import EXCHANGE_ZONE, session_hours
from gold_data.trades.schema import TIME_FIELDS
from verification.answers import CANNOT_TELL, GOOD, Verdict
from verification.delivery import declare_shares
from verification.trades.asked import Held
from verification.trades.features import measure_features
from verification.trades.known_classics import KNOWN_CLASSICS, make_classics
from verification.trades.known_laws import LAWS, MARKETS, REAL, REAL_BARS
from verification.trades.known_sets import KNOWN_FAULTS, make_faults, set_days
from verification.trades.questions import DECIDING, ask_held, make_yardstick
from verification.trades.table import TRADE_COLUMNS, drop_unknown, name_controlled
from verification.trades.validity import measure_share
from verification.trades.waiving import find_waived
from verification.verdict import decide

SEEDS, SIZES = 10, (400,)
WANTED_SHARE = 0.9  # of the seeds that must give the right name
HELD_OUT = 0.2
SPARE = 5  # times as many fresh trades as are asked for, from which controls can choose
PROFILE = "offline"
PAGE = Path(__file__).resolve().parents[2] / "docs" / "verification.md"
START, END = "<!-- selftest -->", "<!-- /selftest -->"

# What each set is, and the names that are right for it. A fresh draw that cannot be told is counted in its own column.
FRESH = "fresh_draw"
KNOWN: Mapping[str, tuple[str, tuple[Verdict, ...]]] = {
    FRESH: ("a fresh draw of the same law", (GOOD,)),
    **KNOWN_CLASSICS,
    **KNOWN_FAULTS,
}
OF_DAYS = "days_dealt_anew"  # is no fault where a plan deals the sessions
PERIODS = {"open": (570.0, 630.0), "midday": (630.0, 900.0), "close": (900.0, 960.0)}  # minutes of the day
FULL_SESSION = (day_time(9, 30), day_time(16))


@dataclass(frozen=True, slots=True)
class Case:
    """One set's verdict, and what each question said."""

    name: str
    law: str
    size: int
    seed: int
    verdict: Verdict
    said: Mapping[str, Verdict]


def list_days(count: int) -> list[date]:
    """List the last days with a full regular session, the earliest first."""
    days = pl.date_range(date(2005, 1, 3), date(2024, 12, 31), eager=True).to_list()
    return [day for day in days if session_hours(day) == FULL_SESSION][-count:]


def draw_parts(
    pool: pl.DataFrame, size: int, seed: int, spare: int = 1
) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Draw train part, hold-out and fresh draw, of disjoint sessions.

    Of gold there are `size` trades, of fresh ones `spare` times as many, or what the pool has.
    """
    rng = np.random.default_rng([seed, size])
    sessions = pool.select("market", "session_date").unique(maintain_order=True)
    mixed = sessions[rng.permutation(sessions.height).tolist()].with_row_index("place")
    dated = mixed.with_columns(pl.Series("day", list_days(sessions.height)))
    trades = pool.join(dated, on=["market", "session_date"]).sort("place", "entry_time")
    gold = trades[:size]
    fresh = trades.filter(pl.col("place") > gold["place"].max())[: spare * size]
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


def obey_controls(
    fresh: pl.DataFrame, train: pl.DataFrame, controls: Sequence[Control], size: int, rng: np.random.Generator
) -> pl.DataFrame:
    """Choose of fresh trades what the controls of a run would have asked for, and deal them the gold's sessions."""
    shares = {each.name: each for each in map(declare_shares, controls)}
    aims, parts = (
        rng.choice(np.array(declared.values), size, p=declared.shares)
        for declared in (shares["target_volatility"], shares["session_period"])
    )
    volatility = fresh["entry_volatility_percent"].to_numpy()
    period = label_periods(fresh)["session_period"].to_numpy()
    is_free = np.ones(len(fresh), dtype=np.bool_)
    chosen = []
    for aim, part in zip(aims.astype(np.float64), parts, strict=True):
        far = np.abs(volatility - aim) + np.where(is_free, 0.0, np.inf) + np.where(period == part, 0.0, 1e6)
        chosen.append(int(far.argmin()))
        is_free[chosen[-1]] = False
    picked = fresh[chosen]
    return set_days(picked, train["session_date"][rng.integers(0, len(train), size).tolist()])


def label_periods(trades: pl.DataFrame) -> pl.DataFrame:
    """Say of each trade which value of `session_period` it is of."""
    minute = measure_features(trades)["entry_minute"]
    edges, names = [start for start, _ in PERIODS.values()][1:], list(PERIODS)
    places = np.searchsorted(edges, minute.to_numpy(), side="right")
    return trades.with_columns(pl.Series("session_period", [names[place] for place in places], dtype=pl.String))


def make_sets(
    fresh: pl.DataFrame, train: pl.DataFrame, holdout: pl.DataFrame, rng: np.random.Generator
) -> dict[str, pl.DataFrame]:
    """Make every known set, as many trades each as the fresh draw has."""
    made = {FRESH: fresh, **make_classics(fresh, train, rng), **make_faults(fresh, train, holdout, rng)}
    return {name: made[name] for name in KNOWN}


def judge_sets(law: str, pool: pl.DataFrame, size: int, seed: int) -> list[Case]:
    """Hold every known set of one seed against one gold."""
    is_controlled = law != REAL_BARS
    train, holdout, fresh = draw_parts(pool, size, seed, SPARE if is_controlled else 1)
    rng = np.random.default_rng([seed, size, 1])
    controls: Sequence[Control] = ()
    if is_controlled:
        controls = resolve_controls(load_profile(PROFILE, {}), train)
        fresh = obey_controls(fresh, train, controls, size, rng)
    yardstick = make_yardstick(train, holdout, fresh.height, seed)
    cases = []
    for name, made in make_sets(fresh, train, holdout, rng).items():
        if name == OF_DAYS and is_controlled:
            continue
        usable = label_periods(drop_unknown(made))
        waived = find_waived(controls, yardstick.gold, usable)
        held = Held(
            yardstick,
            made,
            usable,
            controlled=name_controlled(controls, waived),
            waived=waived,
            is_dealt=is_controlled,
        )
        answers = ask_held(held)
        overall = decide(answers, DECIDING, size, yardstick.train.height, "trades")
        said = {answer.question: answer.verdict for answer in answers}
        cases.append(Case(name, law, size, seed, overall.verdict, said))
    return cases


def run_selftest(laws: Sequence[str], seeds: Sequence[int], sizes: Sequence[int], workers: int) -> Iterator[list[Case]]:
    """Judge the known sets of all laws, seeds and sizes, in so many processes; gold by gold."""
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as executor:
        pools = {law: pl.concat(executor.map(LAWS[law], range(MARKETS[law]))) for law in laws}
        jobs = [
            executor.submit(judge_sets, law, pools[law], min(size, len(pools[law]) // 2), seed)
            for seed in seeds
            for law in laws
            for size in sizes
        ]
        for number, job in enumerate(jobs, 1):
            yield job.result()
            print(f"{number} of {len(jobs)} golds judged", file=sys.stderr, flush=True)


def tabulate_cases(cases: Sequence[Case]) -> str:
    """Write the table of verdicts: per set, law and size how many seeds gave the right name; too few in bold."""
    columns = sorted({(case.law, case.size) for case in cases}, key=lambda each: (list(LAWS).index(each[0]), each[1]))
    heads = [f"`{law}`, n = {size}" for law, size in columns]
    lines = [
        f"| set | what it is | right | {' | '.join(heads)} | cannot tell |",
        "|---|---|---|" + "---|" * (len(columns) + 1),
    ]
    for name, (what, right) in KNOWN.items():
        own = [case for case in cases if case.name == name]
        cells = [_count_right([c for c in own if (c.law, c.size) == column], right) for column in columns]
        unsure = sum(case.verdict == CANNOT_TELL for case in own)
        lines.append(f"| `{name}` | {what} | {' or '.join(right)} | {' | '.join(cells)} | {unsure} of {len(own)} |")
    return "\n".join(lines)


def _count_right(cases: Sequence[Case], right: Sequence[Verdict]) -> str:
    """Say how many cases have the right name, with Clopper and Pearson's 95% bounds, and what the others are called."""
    if not cases:
        return ""
    found = sum(case.verdict in right for case in cases)
    share = measure_share(found, len(cases))
    wrong = [case.verdict for case in cases if case.verdict not in (*right, CANNOT_TELL)]
    named = "".join(f", {wrong.count(name)} {name}" for name in dict.fromkeys(wrong))
    text = f"{found} of {len(cases)} ({share.low:.0%} to {share.high:.0%}){named}"
    return text if not is_short(cases, right) else f"**{text}**"


def is_short(cases: Sequence[Case], right: Sequence[Verdict]) -> bool:
    """Tell whether too few cases have the right name; a fresh draw that cannot be told has no wrong one."""
    allowed = (*right, CANNOT_TELL) if GOOD in right else right
    return sum(case.verdict in allowed for case in cases) < WANTED_SHARE * len(cases)


def list_misses(cases: Sequence[Case]) -> list[Case]:
    """List the cases that were called by a wrong name, and bad sets that could not be told."""
    return [case for case in cases if is_short([case], KNOWN[case.name][1])]


def _flatten(case: Case) -> dict[str, str | int]:
    own: dict[str, str | int] = {"name": case.name, "law": case.law, "size": case.size, "seed": case.seed}
    return {**own, "verdict": case.verdict, **case.said}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the self-test and write its table into docs/verification.md; 1 where a name is wrong too often."""
    parser = argparse.ArgumentParser(prog="python -m verification.trades.selftest", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="golds of each size")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="trades of gold, and of each set")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="processes at once")
    parser.add_argument("--print", action="store_true", help="print the table, write nothing")
    parser.add_argument("--out", type=Path, help="write every case to this CSV file as well")
    chosen = parser.parse_args(arguments)
    started = time.monotonic()
    laws = [law for law in LAWS if law != REAL_BARS or REAL.is_file()]
    cases: list[Case] = []
    for judged in run_selftest(laws, range(chosen.seeds), chosen.sizes, chosen.workers):
        cases += judged
        if chosen.out:
            pl.DataFrame([_flatten(case) for case in cases]).write_csv(chosen.out)
    table = tabulate_cases(cases)
    print(table)
    print(f"{len(cases)} verdicts in {(time.monotonic() - started) / 60:.1f} minutes, {chosen.workers} at once")
    for case in list_misses(cases):
        print(f"  {case.name}, {case.law}, n = {case.size}, seed {case.seed}: {case.verdict} {dict(case.said)}")
    if not chosen.print:
        before, _, rest = PAGE.read_text(encoding="utf-8").partition(START)
        PAGE.write_text(f"{before}{START}\n{table}\n{END}{rest.partition(END)[2]}", encoding="utf-8")
    return int("**" in table)


if __name__ == "__main__":
    sys.exit(main())
