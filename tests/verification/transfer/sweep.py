"""Known sets on a known law, many seeds: how often each is said to help. Needs PyTorch.

`python -m tests.verification.transfer.sweep --seeds 20`; 320 gold trades to train on, 80 held out, 2,000 of each set.
What does not depend on a set is trained once a seed, and controls only where a set passes what else is asked: `helps`
is said where `tradelogs verify RUN --transfer` says it all the same.
"""

import argparse
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tests.verification.transfer.laws import LAWS, Draw
from verification.answers import HELPS, Matrix
from verification.transfer.arms import (
    BOOTSTRAP,
    GOLD_ONLY,
    SYNTHETIC_ONLY,
    TRANSFER,
    Arm,
    jitter,
    make_arms,
)
from verification.transfer.compare import Gains, decide_transfer
from verification.transfer.floors import tell_floor
from verification.transfer.measure import Setting, measure_gains, train_all
from verification.transfer.network import Scaler
from verification.transfer.windows import PRIMARY, Windows

GOLD, HELD_OUT, SET = 320, 80, 2_000
WRONG = -0.5  # slope of log excursions on log volatility; the laws' is 0.9
PROTOTYPES = 3
OF_GOLD = ("jitter", "noise")  # controls that are the same whatever the set


@dataclass(frozen=True)
class Ground:
    """What every set of a seed is judged on; `known` has losses of what was trained, by parent and whether alone."""

    gold: Windows
    held_out: Windows
    seed: int
    setting: Setting
    known: dict[tuple[int, bool], Matrix] = field(default_factory=dict)

    def judge(self, arms: Mapping[str, Arm], controls: Sequence[str]) -> tuple[str, Gains]:
        """Decide by the controls that are named."""
        asked = (TRANSFER, SYNTHETIC_ONLY, GOLD_ONLY, *controls)
        for name in asked:
            if _key(arms[name]) not in self.known:
                self._train(arms[name].parent)
        losses = {name: self.known[_key(arms[name])] for name in asked}
        mean = (self._scale(tell_floor(None, self.gold, self.held_out)) - self._scale(self.held_out.targets)) ** 2
        sessions = self.held_out.sessions
        gains = measure_gains(losses, mean, controls, sessions, PRIMARY)
        return decide_transfer(gains, GOLD + HELD_OUT, len(np.unique(sessions)))[0], gains

    def _train(self, parent: Windows) -> None:
        arms = {"alone": Arm("", parent), "then": Arm("", parent, self.gold)}
        told = train_all(arms, Scaler.fit(self.gold), self.held_out, self.setting, self.seed)
        truth = self._scale(self.held_out.targets)
        self.known.update({_key(arms[name]): np.mean((each - truth) ** 2, axis=0) for name, each in told.items()})

    def _scale(self, targets: Matrix) -> Matrix:
        centre, spread = Scaler.fit(self.gold).targets
        return np.asarray((targets - centre) / spread)


def _key(arm: Arm) -> tuple[int, bool]:
    return id(arm.parent), arm.child is None


def judge_seed(draw: Draw, seed: int, setting: Setting) -> Iterator[tuple[str, str, Gains]]:
    """Judge every set of a seed: its name, what is said of it and why."""
    rng = np.random.default_rng([seed, 15])
    gold, held_out, fresh = draw(GOLD, rng), draw(HELD_OUT, rng, first_day=900), draw(SET, rng)
    ground = Ground(gold, held_out, seed, setting)
    drawn = make_arms(gold, fresh, rng)
    sets = {
        "fresh draw": fresh,
        "noise": drawn["noise"].parent,
        "shuffled outcomes": drawn["shuffled"].parent,
        "three prototypes": jitter(gold.take(rng.integers(0, GOLD, PROTOTYPES)), SET, rng),
        "wrong slope": draw(SET, rng, slope=WRONG),
        "exact copies": gold.take(rng.integers(0, GOLD, SET)),
    }
    kept = []  # what is known is found by where it lies
    for name, windows in sets.items():
        shared = (
            drawn if windows is fresh else {each: drawn[each] for each in OF_GOLD if drawn[each].parent is not windows}
        )
        arms = {**make_arms(gold, windows, rng), **shared}
        controls = [each for each, arm in arms.items() if arm.is_control and each != BOOTSTRAP]
        kept.append(arms)
        verdict, gains = ground.judge(arms, ())
        if verdict == HELPS:
            verdict, gains = ground.judge(arms, controls)
        yield name, verdict, gains


def main() -> None:
    """Judge so many seeds, and print what was said of each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--law", choices=list(LAWS), default=next(iter(LAWS)))
    parser.add_argument("--starts", type=int, default=Setting.starts)
    chosen = parser.parse_args()
    setting = replace(Setting(), starts=chosen.starts, workers=1)
    total: dict[str, Counter[str]] = {}
    for seed in range(chosen.first, chosen.first + chosen.seeds):
        for name, verdict, gains in judge_seed(LAWS[chosen.law], seed, setting):
            total.setdefault(name, Counter())[verdict] += 1
            intervals = ", ".join(f"{each} {gain}" for each, gain in gains.controls.items())
            print(f"{seed}  {name:18} {verdict:9} alone {gains.alone}, law {gains.law}, {intervals}", flush=True)
        print(f"{seed}  {time.process_time():.0f} CPU s", flush=True)
    for name, counts in total.items():
        print(f"{name:18} {dict(counts)}")


if __name__ == "__main__":
    main()
