"""The settings of one offline model."""

from dataclasses import dataclass

from offline_model.errors import OfflineModelError

PLANTED, REAL = STYLES = ("planted", "real")


@dataclass(frozen=True, slots=True)
class Options:
    """How the model answers; the same options and the same messages give the same answer, in whatever order they come.

    Attributes:
        seed: Another seed gives other answers.
        latency: Seconds that every chat request waits before its answer; requests wait side by side.
        fault_rate: Share of the generator's rows that are wrong in some way that the checks or the judge should catch;
            where no dataset's task is at work, of the judge's verdicts that are low, too.
        malformed_rate: Share of all answers that do not parse or lack a field. Asked to correct one, the model fails
            again at `CORRECTION_FAILURE_RATE`.
        style: What such answers are: `planted`, made of a good one, or `real`, what small language models wrote.

    Raises:
        OfflineModelError: A value is out of its range; every such value is named.
    """

    seed: int = 0
    latency: float = 0.0
    fault_rate: float = 0.28
    malformed_rate: float = 0.03
    style: str = PLANTED

    def __post_init__(self) -> None:
        wrong = []
        if not 0.0 <= self.latency < float("inf"):
            wrong.append(f"latency must be 0 seconds or more, found {self.latency:g}")
        for name in ("fault_rate", "malformed_rate"):
            rate = getattr(self, name)
            if not 0.0 <= rate <= 1.0:
                wrong.append(f"{name} is a share and must lie between 0 and 1, found {rate:g}")
        if self.style not in STYLES:
            wrong.append(f"style must be one of {', '.join(STYLES)}, found {self.style}")
        if wrong:
            raise OfflineModelError("; ".join(wrong))
