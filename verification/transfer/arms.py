"""What a network reads before the gold, and instead of it; and what it must be better than."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from verification.transfer.windows import CONTEXT, Windows, join_windows, resample_blocks

JITTER = 0.05  # of a column's deviation


@dataclass(frozen=True)
class Arm:
    """What the parent reads first, and what its child then; None: there is no child."""

    title: str
    parent: Windows
    child: Windows | None = None
    is_control: bool = False


GOLD_ONLY, TRANSFER, SYNTHETIC_ONLY = "gold_only", "synthetic_then_gold", "synthetic_only"
BOOTSTRAP = "block_bootstrap"  # knows no trade: a control of the 5-bar range alone


def make_arms(gold: Windows, synthetic: Windows, rng: np.random.Generator) -> Mapping[str, Arm]:
    """Make every arm; controls have as many windows as the synthetic part."""
    count = len(synthetic)
    return {
        GOLD_ONLY: Arm("gold only", gold, gold),  # it, too, goes on: a second look at gold is no gain of the first
        TRANSFER: Arm("synthetic, then gold", synthetic, gold),
        SYNTHETIC_ONLY: Arm("synthetic only", synthetic),
        "together": Arm("gold and synthetic together", join_windows(gold, synthetic)),
        "shuffled": Arm("outcomes shuffled, then gold", shuffle_outcomes(synthetic, rng), gold, is_control=True),
        "jitter": Arm("gold moved by 5%, then gold", jitter(gold, count, rng), gold, is_control=True),
        "noise": Arm("noise, then gold", draw_noise(gold, count, rng), gold, is_control=True),
        BOOTSTRAP: Arm("blocks of gold bars, then gold", resample_blocks(gold, count, rng), gold, is_control=True),
    }


def shuffle_outcomes(windows: Windows, rng: np.random.Generator) -> Windows:
    """Give each context what came after another one."""
    others = rng.permutation(len(windows))
    bars = windows.bars.copy()
    bars[:, CONTEXT:] = windows.bars[others, CONTEXT:]
    return Windows(bars, windows.excursions[others], windows.closes, windows.sessions)


def jitter(gold: Windows, count: int, rng: np.random.Generator) -> Windows:
    """Draw gold windows again, each number moved by 5% of its column's deviation."""
    drawn = gold.take(rng.integers(0, len(gold), count))
    bars, ends = (
        values + JITTER * np.nanstd(values.reshape(-1, values.shape[-1]), axis=0) * rng.standard_normal(values.shape)
        for values in (drawn.bars, drawn.excursions)
    )
    return Windows(_order(bars), ends, drawn.closes, drawn.sessions)


def draw_noise(gold: Windows, count: int, rng: np.random.Generator) -> Windows:
    """Draw every number by itself, evenly over the gold's range."""
    bars, ends = (
        rng.uniform(np.nanmin(values, axis=axes), np.nanmax(values, axis=axes), (count, *values.shape[1:]))
        for values, axes in ((gold.bars, (0, 1)), (gold.excursions, 0))
    )
    return Windows(_order(bars), ends, np.ones(count), np.arange(count, dtype=np.float64))


def _order(bars: np.ndarray) -> np.ndarray:
    """Put high and low on their sides of the close."""
    close, high, low, volume = np.moveaxis(bars, -1, 0)
    ends = np.stack([close, high, low])
    return np.stack([close, ends.max(axis=0), ends.min(axis=0), volume], axis=-1)
