"""Known sets on a known law, many seeds: how often each is said to help. Needs PyTorch.

`python -m tests.verification.transfer.sweep --seeds 20`; 320 gold trades to train on, 80 held out, 2,000 of each set.
What does not depend on a set is trained once a seed, and controls only where a set beats gold alone: the verdict of
`helps` is that of `tradelogs verify RUN --transfer` all the same.
"""

import argparse
import time
from collections.abc import Callable, Mapping

import numpy as np

from tests.verification.transfer.laws import draw_windows
from verification.answers import Matrix
from verification.transfer.arms import (
    BOOTSTRAP,
    GOLD_ONLY,
    TRANSFER,
    Arm,
    draw_noise,
    jitter,
    make_arms,
    shuffle_outcomes,
)
from verification.transfer.compare import compare_losses, decide_transfer
from verification.transfer.measure import Setting, train_all
from verification.transfer.network import Scaler
from verification.transfer.windows import PRIMARY, Windows

GOLD, HELD_OUT, SET = 320, 80, 2_000
WRONG = -0.5  # slope of log excursions on log volatility; the law's is 0.9
PROTOTYPES = 3
OF_GOLD = (GOLD_ONLY, "jitter", "noise")  # arms that are the same whatever the set

Make = Callable[[Windows, Windows, np.random.Generator], Windows]
SETS: Mapping[str, Make] = {
    "fresh draw": lambda fresh, _gold, _rng: fresh,
    "noise": lambda _fresh, gold, rng: draw_noise(gold, SET, rng),
    "shuffled outcomes": lambda fresh, _gold, rng: shuffle_outcomes(fresh, rng),
    "three prototypes": lambda _fresh, gold, rng: jitter(gold.take(rng.integers(0, GOLD, PROTOTYPES)), SET, rng),
    "wrong slope": lambda _fresh, _gold, rng: draw_windows(SET, rng, slope=WRONG),
    "exact copies": lambda _fresh, gold, rng: gold.take(rng.integers(0, GOLD, SET)),
}


def judge_seed(seed: int, setting: Setting) -> Mapping[str, str]:
    """Judge every set of a seed."""
    rng = np.random.default_rng([seed, 15])
    gold, held_out, fresh = draw_windows(GOLD, rng), draw_windows(HELD_OUT, rng, first_day=900), draw_windows(SET, rng)
    scaler = Scaler.fit(gold)
    centre, spread = scaler.targets
    truth = (held_out.targets - centre) / spread
    known: dict[str, Matrix] = {}

    def measure(arms: Mapping[str, Arm], name: str) -> Matrix:
        told = known.get(name)
        if told is None:
            told = train_all({name: arms[name]}, scaler, held_out, setting, seed)[name]
            if name in OF_GOLD:
                known[name] = told
        return np.asarray(np.mean((told - truth) ** 2, axis=0)[:, PRIMARY].mean(axis=1))

    said = {}
    for name, make in SETS.items():
        arms = make_arms(gold, make(fresh, gold, rng), np.random.default_rng([seed, *b"transfer"]))
        own = measure(arms, TRANSFER)
        gains = {GOLD_ONLY: compare_losses(own, measure(arms, GOLD_ONLY), held_out.sessions)}
        if gains[GOLD_ONLY].low > 0.0:
            rivals = [each for each, arm in arms.items() if arm.is_control and each != BOOTSTRAP]
            gains |= {each: compare_losses(own, measure(arms, each), held_out.sessions) for each in rivals}
        said[name] = decide_transfer(gains, GOLD + HELD_OUT, len(np.unique(held_out.sessions)))[0]
    return said


def main() -> None:
    """Judge so many seeds, and print what was said of each set."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--starts", type=int, default=Setting.starts)
    chosen = parser.parse_args()
    for seed in range(chosen.seeds):
        said = judge_seed(seed, Setting(starts=chosen.starts, workers=1))
        print(f"seed {seed}, {time.process_time():.0f} CPU s: {said}", flush=True)


if __name__ == "__main__":
    main()
