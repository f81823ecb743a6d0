"""Exports a finished run in a format that is found by its name."""

import importlib
import pkgutil
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import exports
from designer_configs.compile.checks.shape import suggest
from exports.errors import ExportError
from exports.finished_run import FinishedRun, read_finished_run
from exports.processors import write_with_processor

HERE = "exports"  # folder of a run's exports


@dataclass(frozen=True)
class Exported:
    """What was written, how many rows, and what there is to say about it."""

    path: Path
    rows: int
    notes: tuple[str, ...] = ()


def export_run(folder: Path, name: str, out: Path | None = None) -> Exported:
    """Export a run; the file or folder is named after the format, in the run's own folder unless `out` says otherwise.

    A module may have another `PLACE`.

    Raises:
        ExportError: the folder holds no finished run, or there is no such format for its dataset.
    """
    return write_export(read_finished_run(folder), name, out)


def write_export(run: FinishedRun, name: str, out: Path | None = None) -> Exported:
    """Export a run that has been read.

    Raises:
        ExportError: there is no such format for its dataset.
    """
    declared = run.profile.dataset.folder / "exports" / f"{name}.yaml"
    if declared.is_file():
        path = out or run.folder / HERE / f"{name}.jsonl"
        if path.is_dir():
            raise ExportError(f"{path} is a folder: name a file with --out")
        path.parent.mkdir(parents=True, exist_ok=True)
        return Exported(path, write_with_processor(run, declared, path))
    modules = find_modules(run)
    if name not in modules:
        known = sorted({*modules, *(path.stem for path in declared.parent.glob("*.yaml"))})
        raise ExportError(f"{run.profile.dataset.name} has no format {name}; {suggest(name, known)}")
    exported: Exported = modules[name].write(run, out or getattr(modules[name], "PLACE", run.folder / HERE / name))
    return exported


def find_modules(run: FinishedRun) -> dict[str, ModuleType]:
    """Find the formats that are modules of this room and take the run's dataset, by name."""
    found = {}
    for module in pkgutil.iter_modules(exports.__path__):
        loaded = importlib.import_module(f"{exports.__name__}.{module.name}")
        takes = getattr(loaded, "takes_dataset", None)
        if takes is not None and takes(run.profile.dataset):
            found[module.name] = loaded
    return found
