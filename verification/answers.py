"""What verification says: intervals, scores between noise and real, and one answer per question."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Verdict = Literal["leak", "noise", "underfit", "good", "overfit (copies)", "cannot tell", "helps", "no gain", "hurts"]

LEAK: Verdict = "leak"
NOISE: Verdict = "noise"
UNDERFIT: Verdict = "underfit"
GOOD: Verdict = "good"
COPIES: Verdict = "overfit (copies)"
CANNOT_TELL: Verdict = "cannot tell"
HELPS: Verdict = "helps"  # these three are of transfer alone
NO_GAIN: Verdict = "no gain"
HURTS: Verdict = "hurts"

ONE_SIDED = 1.645 / 1.96  # of half a 95% interval is half a 90% one


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate and the 95% interval around it; `low` and `high` are NaN where there are too few rows for one.

    `likely_low` and `likely_high` are the ends of the 90% interval: each by itself is passed one time in 20. They are
    asked where something is to be called good (two one-sided tests: Schuirmann 1987).
    """

    value: float
    low: float = math.nan
    high: float = math.nan

    @property
    def likely_low(self) -> float:
        """Lower end of the 90% interval."""
        return self.value - ONE_SIDED * (self.value - self.low)

    @property
    def likely_high(self) -> float:
        """Upper end of the 90% interval."""
        return self.value + ONE_SIDED * (self.high - self.value)

    @property
    def is_known(self) -> bool:
        """Whether there is an estimate with an interval."""
        return all(math.isfinite(bound) for bound in (self.value, self.low, self.high))

    def __str__(self) -> str:
        if not math.isfinite(self.value):
            return "unknown"
        return f"{self.value:.3g} [{self.low:.3g}, {self.high:.3g}]" if self.is_known else f"{self.value:.3g}"


@dataclass(frozen=True, slots=True)
class Score:
    """A distance of the synthetic rows from gold, and where it lies: `position` 0 is noise, 1 is real against real.

    `value`, `floor` and `noise` are in the distance's own unit, less is nearer. `floor` is gold against gold, `noise`
    the reference generator named by `noise_is` against gold, all at equal numbers of rows. `position` is
    (noise - value) / (noise - floor): above 1 nearer than gold is to itself, below 0 worse than noise.
    """

    name: str
    value: Interval
    floor: Interval
    noise: Interval
    position: Interval
    noise_is: str


@dataclass(frozen=True)
class Answer:
    """The answer to one question.

    `numbers` are the three behind the verdict, as (label, text) pairs, most telling first. `metrics` is what
    `metrics.json` keeps and what the report's plots are drawn from: JSON types only, `null` where unknown, never NaN.
    `needs` says of one that cannot be told what would settle it, in few words: "72 accepted trades".
    """

    question: str
    title: str
    verdict: Verdict
    reason: str
    numbers: tuple[tuple[str, str], ...]
    metrics: Mapping[str, Any] = field(default_factory=dict)
    needs: str = ""


def to_json(value: Any) -> Any:
    """Turn dataclasses, NumPy scalars and tuples into JSON types; NaN and infinities become null."""
    if hasattr(value, "__dataclass_fields__"):
        return to_json(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): to_json(each) for key, each in value.items()}
    if hasattr(value, "tolist"):
        return to_json(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [to_json(each) for each in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def bound_share(share: float, count: float) -> Interval:
    """Return Wilson's 95% interval of a share of so many independent rows."""
    z = 1.96
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * float(np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)))
    return Interval(share, max(centre - half, 0.0), min(centre + half, 1.0))


def say_percent(share: Interval) -> str:
    """Write a share with its interval in percent."""
    if not share.is_known:
        return "unknown"
    return f"{100 * share.value:.1f}% [{100 * share.low:.1f}, {100 * share.high:.1f}]"
