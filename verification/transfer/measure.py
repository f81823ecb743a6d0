"""Trains every arm, and answers: does it help to read the synthetic trades before the gold?

1. `read_windows`   contexts and outcomes of gold, held-out gold and synthetic trades
2. `make_arms`      what is read first, and what then
3. `train_all`      each arm from every start, on one thread each, as many at a time as there are cores
4. `compare_losses`, `decide_transfer`
"""

import multiprocessing
import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from verification.answers import Answer, Interval, Matrix
from verification.errors import VerificationError
from verification.inputs import FinishedRun
from verification.trades.bar_rules import read_own_bars
from verification.trades.table import OWN_BARS
from verification.transfer.arms import BOOTSTRAP, GOLD_ONLY, SYNTHETIC_ONLY, TRANSFER, Arm, make_arms
from verification.transfer.compare import LIKELY, SURELY, Gains, compare_losses, decide_transfer
from verification.transfer.floors import FLOORS, MEAN, tell_floor
from verification.transfer.network import SHAPES, Scaler, Strategy, tell_targets, train_child, train_parent
from verification.transfer.windows import CONTEXT, PRIMARY, SECONDARY, Windows, take_windows

QUESTION, TITLE = "transfer", "Does it help to read it before the gold?"


@dataclass(frozen=True)
class Setting:
    """How transfer is measured."""

    strategy: Strategy = "freeze"
    network: str = "1x32"
    starts: int = 5
    workers: int | None = None  # as many as there are cores


@dataclass(frozen=True)
class Parts:
    """Windows of gold's train part, of held-out gold and of synthetic trades, and how many trades had none."""

    gold: Windows
    held_out: Windows
    synthetic: Windows
    left_out: int


def read_windows(run: FinishedRun) -> Parts:
    """Read the windows of a run of trades.

    Contexts of held-out trades lie in held-out sessions, so that no bar is in a train window and in a held-out one.

    Raises:
        VerificationError: the run is none of trades, or bars are missing.
    """
    if "best_exit_percent" not in run.accepted.columns:
        raise VerificationError(f"{run.folder} holds no trades: --transfer is measured on trades with bars")
    own = read_own_bars(run.folder / OWN_BARS, run.accepted.rename({"row_id": "trade_id"}))
    given = {"gold/bars.parquet": run.bars, "gold/holdout_bars.parquet": run.holdout_bars, OWN_BARS: own}
    for name, bars in given.items():
        if bars is None or bars.is_empty():
            raise VerificationError(f"{run.folder / name} holds no bars: --transfer reads 60 of them before each entry")
    sides = ((run.train, run.bars, "ticker"), (run.holdout, run.holdout_bars, "ticker"), (run.accepted, own, "row_id"))
    asked = [(trades, bars, key) for trades, bars, key in sides if trades is not None and bars is not None]
    if len(asked) < len(sides):
        raise VerificationError(f"{run.folder / 'gold'} holds no held-out trades: --transfer is measured on them")
    windows = [take_windows(trades, bars, key) for trades, bars, key in asked]
    for (trades, _, _), name, found in zip(asked, ("gold", "held-out gold", "synthetic"), windows, strict=True):
        if not len(found):
            raise VerificationError(
                f"{run.folder}: none of {trades.height} {name} trades has {CONTEXT} bars before its entry's"
            )
    gold, held_out, synthetic = windows
    return Parts(gold, held_out, synthetic, sum(trades.height for trades, _, _ in asked) - sum(map(len, windows)))


def answer_transfer(run: FinishedRun, setting: Setting, seed: int) -> Answer:
    """Measure a run and answer; the same seed gives the same answer.

    Raises:
        VerificationError: the run has no trades with bars.
    """
    return answer_parts(read_windows(run), setting, seed)


def answer_parts(parts: Parts, setting: Setting, seed: int) -> Answer:
    """Train every arm on windows, and answer."""
    arms = make_arms(parts.gold, parts.synthetic, np.random.default_rng([seed, *b"transfer"]))
    scaler = Scaler.fit(parts.gold)
    truth = _place(parts.held_out.targets, scaler)
    told = train_all(arms, scaler, parts.held_out, setting, seed)
    losses = {name: np.mean((each - truth) ** 2, axis=0) for name, each in told.items()}
    floors = {
        name: (_place(tell_floor(measure, parts.gold, parts.held_out), scaler) - truth) ** 2
        for name, (_, measure) in FLOORS.items()
    }
    sessions = parts.held_out.sessions
    controls = [name for name, arm in arms.items() if arm.is_control]
    knowing = [name for name in controls if name != BOOTSTRAP]
    gains = measure_gains(losses, floors[MEAN], knowing, sessions, PRIMARY)
    ranges = measure_gains(losses, floors[MEAN], controls, sessions, SECONDARY)
    gold = len(parts.gold) + len(parts.held_out)
    verdict, reason = decide_transfer(gains, gold, len(np.unique(sessions)))
    titles = {name: arm.title for name, arm in arms.items()} | {name: title for name, (title, _) in FLOORS.items()}
    alone, mean = (float(np.mean(each[:, PRIMARY])) for each in (losses[GOLD_ONLY], floors[MEAN]))
    return Answer(
        QUESTION,
        TITLE,
        verdict,
        reason,
        (
            ("less error than from gold alone [90%]", _say_share(gains.alone, alone)),
            ("less than the best control [80%]", _say_share(_find_closest(gains), alone)),
            ("less by synthetic alone than by the gold's mean [90%]", _say_share(gains.law, mean)),
        ),
        {
            "network": setting.network,
            "strategy": setting.strategy,
            "starts": setting.starts,
            "left_out": parts.left_out,
            "windows": {"gold": len(parts.gold), "held_out": len(parts.held_out), "synthetic": len(parts.synthetic)},
            "arms": [
                _describe(name, titles[name], each, gains.of(name), ranges.of(name))
                for name, each in (losses | floors).items()
            ],
            "law": gains.law,
            "price": measure_price(parts.held_out, told[TRANSFER], scaler),
        },
    )


def measure_gains(
    losses: Mapping[str, Matrix], mean: Matrix, controls: Iterable[str], sessions: Matrix, targets: slice
) -> Gains:
    """Compare arms on some targets; losses have shape (held-out windows, 4), `mean` are those of the gold's mean."""

    def compare(losses: Matrix, others: Matrix, level: float) -> Interval:
        return compare_losses(losses[:, targets].mean(axis=1), others[:, targets].mean(axis=1), sessions, level)

    own = losses[TRANSFER]
    return Gains(
        compare(own, losses[GOLD_ONLY], SURELY),
        {name: compare(own, losses[name], LIKELY) for name in controls},
        compare(losses[SYNTHETIC_ONLY], mean, SURELY),
    )


def _find_closest(gains: Gains) -> Interval:
    return min(gains.controls.values(), key=lambda gain: gain.value)


def _say_share(gain: Interval, of: float) -> str:
    if not gain.is_known:
        return "unknown"
    return f"{100 * gain.value / of:.1f}% [{100 * gain.low / of:.1f}, {100 * gain.high / of:.1f}]"


def _describe(name: str, title: str, losses: Matrix, gain: Interval | None, wider: Interval | None) -> dict[str, Any]:
    excursions = None if name == BOOTSTRAP else float(np.mean(losses[:, PRIMARY]))
    return {
        "name": name,
        "title": title,
        "excursions": excursions,
        "range": float(np.nanmean(losses[:, SECONDARY])),
        "gain": gain,
        "range_gain": wider,
    }


def _place(targets: Matrix, scaler: Scaler) -> Matrix:
    centre, spread = scaler.targets
    return np.asarray((targets - centre) / spread)


def measure_price(held_out: Windows, told: Matrix, scaler: Scaler) -> dict[str, float]:
    """Measure the error of the fifth close after the entry, and that of `no change`: root mean square, mean percent.

    It is shown because reference 001 is judged by it, and decides nothing: prices hardly move in five bars.
    """
    centre, spread = scaler.targets
    moves = told[..., -1].mean(axis=0) * spread[-1] + centre[-1]
    known = np.isfinite(held_out.targets[:, -1])
    closes = held_out.closes[known]
    truth = closes * np.exp(held_out.targets[known, -1])
    guesses = {"": closes * np.exp(moves[known]), "naive_": closes}
    errors = {name: guess - truth for name, guess in guesses.items()}
    return {f"{name}rmse": float(np.sqrt(np.mean(error**2))) for name, error in errors.items()} | {
        f"{name}mape": float(100.0 * np.mean(np.abs(error) / truth)) for name, error in errors.items()
    }


def train_all(
    arms: Mapping[str, Arm], scaler: Scaler, held_out: Windows, setting: Setting, seed: int
) -> dict[str, Matrix]:
    """Train each arm from every start; returns what it tells: shape (starts, held-out windows, 4), in deviations.

    Arms that read the same first have one parent.
    """
    kin: dict[int, dict[str, Arm]] = {}
    for name, arm in arms.items():
        kin.setdefault(id(arm.parent), {})[name] = arm
    tasks = [
        (family, scaler, held_out, setting, seed * 1_000 + start)
        for family in kin.values()
        for start in range(setting.starts)
    ]
    workers = setting.workers or os.cpu_count() or 1
    if workers == 1:
        told = [_train_family(*task) for task in tasks]
    else:
        with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
            told = list(pool.map(_train_family, *zip(*tasks, strict=True)))
    return {name: np.stack([each[name] for each in told if name in each]) for name in arms}


def _train_family(
    family: Mapping[str, Arm], scaler: Scaler, held_out: Windows, setting: Setting, seed: int
) -> dict[str, Matrix]:
    """Train the parent of some arms, and each one's child, from one start."""
    import torch  # noqa: PLC0415

    torch.set_num_threads(1)
    shape = SHAPES[setting.network]
    parent = train_parent(next(iter(family.values())).parent, scaler, shape, seed)
    told = {}
    for name, arm in family.items():
        own = parent if arm.child is None else train_child(parent, arm.child, scaler, shape, setting.strategy)
        told[name] = tell_targets(own, held_out, scaler)
    return told
