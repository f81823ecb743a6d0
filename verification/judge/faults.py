"""Faults that a judge should catch: what a dataset brings to have its judge calibrated.

A dataset brings them in the module `faults` beside its module of questions (`verification.trades.faults` beside
`verification.trades.questions`): who knows what to ask of its rows knows how to spoil them.
"""

import importlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from designer_configs.compile.native import CompiledProfile
from gold_data.store import GoldFolder
from verification.dataset import Dataset
from verification.errors import VerificationError

BROUGHT = ("FAULTS", "set_stage")
PLANTED = "planted_row"  # the seed's column that holds the row to be judged: fenced JSON of an object, a text as it is


@dataclass(frozen=True)
class Fault:
    """One kind of fault: the criterion it hurts, whether the checks see it, and the change that plants it.

    What `change` is given is the dataset's own affair; it gives None for a row that cannot have the fault. `is_copy`
    marks the one that is a fault only beside the gold row it was made from: there that row counts as known, and is
    among the examples.
    """

    name: str
    description: str
    criterion: str
    seen_by_checks: bool
    change: Callable[..., Any]
    is_copy: bool = False


@dataclass(frozen=True, slots=True)
class PlannedRow:
    """One row to be judged: its fault (None: untouched), its gold row, the rules it breaks, and its seed columns."""

    fault: str | None
    gold_id: str
    rules: tuple[str, ...]
    seed: Mapping[str, Any]


class Stage(Protocol):
    """Gold rows with all that a row of the job needs to know of them."""

    @property
    def controls_left_out(self) -> Sequence[str]:
        """Controls that are tied to no field of a row."""
        ...

    @property
    def shows(self) -> Mapping[str, Mapping[str, str]]:
        """Columns whose prompt is shown something else than the others: by their names, what stands for what."""
        ...

    def plant_rows(self, fault: Fault | None, rng: np.random.Generator) -> Iterator[PlannedRow]:
        """Plant a fault in gold rows, one after the other; None leaves them untouched."""
        ...


class Faults(Protocol):
    """A module of faults."""

    FAULTS: Sequence[Fault]

    def set_stage(self, compiled: CompiledProfile, gold: GoldFolder, seed: int) -> Stage:
        """Prepare a gold's rows."""
        ...


def load_faults(dataset: Dataset) -> Faults:
    """Load the faults that a dataset brings.

    Raises:
        VerificationError: it has no judge or no faults, or one of them hurts a criterion that its judge does not score.
    """
    where = f"columns/{dataset.name}/dataset.yaml"
    if dataset.judge is None:
        raise VerificationError(f"{where} names no judge: there is nothing to calibrate")
    name = f"{dataset.questions.rpartition('.')[0]}.faults"
    try:
        module: Any = importlib.import_module(name)
    except ModuleNotFoundError as exc:
        if exc.name is None or not f"{name}.".startswith(f"{exc.name}."):
            raise VerificationError(f"{name} imports {exc.name}, which is not installed") from exc
        raise VerificationError(
            f"{where}: the judge of {dataset.name} cannot be calibrated, for the dataset brings no faults to plant: "
            f"write {name} with {' and '.join(BROUGHT)} (docs/verification.md, The judge)"
        ) from exc
    if missing := [each for each in BROUGHT if not hasattr(module, each)]:
        raise VerificationError(f"{name} lacks {', '.join(missing)} (docs/verification.md, The judge)")
    faults: Faults = module
    hurt = {fault.criterion: fault.name for fault in faults.FAULTS}
    if foreign := [criterion for criterion in hurt if criterion not in dataset.criteria]:
        raise VerificationError(
            f"{name}: the fault {hurt[foreign[0]]} hurts {foreign[0]}, which {dataset.judge} does not score: it "
            f"scores {', '.join(dataset.criteria)}"
        )
    return faults
