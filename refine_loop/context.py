"""What the nodes of the loop share over a whole run."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from columns.dataset import load_dataset
from designer_configs.compile.native import CompiledProfile
from designer_configs.compile.profile import Profile
from jobs.job import Backend, Watch
from refine_loop.booking import Book
from refine_loop.record.events import EventLog
from refine_loop.rounds import Rounds


@dataclass(frozen=True)
class RunContext:
    """One run: its profile, its compiled jobs, where they run, its folder and its log; read as `runtime.context`.

    `watch` is told of what a job with models has finished, where somebody looks on.
    """

    profile: Profile
    compiled: CompiledProfile
    backend: Backend
    folder: Path
    log: EventLog
    watch: Watch | None = None

    @cached_property
    def rounds(self) -> Rounds:
        """The rounds' folder."""
        return Rounds(self.folder / "rounds", self.profile.dataset)

    @cached_property
    def book(self) -> Book:
        """How candidates are booked; what is accepted so far is known to it once a job is booked."""
        return Book(load_dataset(self.profile.dataset.folder), self.profile.acceptance)

    @property
    def refine_passes(self) -> int:
        """Refine passes that a round may have; none where the dataset mends no rows."""
        return 0 if self.compiled.refine is None else self.profile.run.refine_passes
