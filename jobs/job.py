"""A job and what comes back of it, whoever runs it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

LOST_WITHOUT_TRACE = "the library dropped the row without saying why; see data_designer.log"
WROTE = " The model wrote: "  # what follows in a reason is the model's own text
NOT_FINISHED = "not finished"  # how the reason of a row begins that a cap or a halt left alone


Watch = Callable[[dict[str, Any]], None]
"""Told of a job's row as soon as it is finished."""


@dataclass(frozen=True)
class Job:
    """One Data Designer job. `seed` fixes a sampler job; a job with models is fixed by its ordered rows.

    With `watch` the library finishes each row by itself, and not with those of its group; a service's are not watched.
    """

    name: str
    config: dict[str, Any]
    num_records: int
    seed: int | None = None
    watch: Watch | None = None


@dataclass(frozen=True)
class LostRow:
    """Why a row did not come back: the column that failed and the library's own words."""

    column: str
    message: str


@dataclass(frozen=True)
class JobResult:
    """What came back, in the order of the job's rows, and why the rest did not, by position in that order."""

    rows: list[dict[str, Any]]
    lost: dict[int, LostRow] = field(default_factory=dict)


class JobInterrupted(KeyboardInterrupt):
    """A job was told to stop; `rows` are those of the row groups it had finished."""

    def __init__(self, rows: list[dict[str, Any]]) -> None:
        super().__init__()
        self.rows = rows


class Backend(Protocol):
    """Where jobs run."""

    def run(self, job: Job) -> JobResult:
        """Run a job to its end."""

    def check_models(self, config: dict[str, Any]) -> None:
        """Ask every model for one short answer."""


class PlacedBackend(Backend, Protocol):
    """A backend that can say, in an error's words, where its models are."""

    place: str


ROW_ID = "row_id"
