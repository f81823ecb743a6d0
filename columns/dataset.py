"""What a dataset provides: hooks, each with a default that serves a dataset of pure YAML.

A dataset with Python of its own has a subclass named `Dataset` in `columns/<name>/dataset.py`, and the functions that
its columns of the types `computed` and `row-checks` name.
"""

import functools
import hashlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import polars as pl
from jsonschema import Draft202012Validator

from columns.declared import NO_CODE, Declared, read_declared
from columns.disguise import Disguise
from columns.errors import DatasetError
from columns.narrowing import narrow_fields
from columns.rendering import list_gold_rows
from gold_data.bars import read_bars
from gold_data.markets import read_source_markets
from gold_data.source import GoldSource
from gold_data.store import Gold, GoldFolder
from gold_data.tables import read_frame
from gold_data.violation import Expectation, Violation

SLACK = 1e-9  # 0.35 is within 0.05 of 0.3, also in binary
LONGEST_SHOWN = 60  # characters of a wrong value that a message repeats
ROW_ID = "gold_id"
PROJECT_ROOT = Path(__file__).resolve().parent.parent

Row = Mapping[str, Any]
PlanRow = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """What a dataset's functions are given beside a row: the gold folder, what controls ask of fields, the seed.

    `asked` names, by the field, the plan's column whose value a control asks of it, and the tolerance. `kept` is for
    what a dataset works out once for all rows.
    """

    dataset: "Dataset"
    gold: GoldFolder
    asked: Mapping[str, tuple[str, float | None]] = field(default_factory=dict)
    seed: int = 0
    kept: dict[str, object] = field(default_factory=dict, compare=False)

    def expect(self, plan: PlanRow) -> list[Expectation]:
        """List what the controls of a plan's row ask of fields."""
        return [Expectation(name, plan[column], tolerance) for name, (column, tolerance) in self.asked.items()]

    @functools.cached_property
    def known_rows(self) -> dict[bytes, str]:
        """Ids of the gold rows by what marks a copy of them; none where gold rows lack fields of a row."""
        train = self.gold.train
        if not self.dataset.declared.fields or not set(self.dataset.declared.fields) <= set(train.columns):
            return {}
        rows = list_gold_rows(train, self.dataset.declared)
        ids = name_gold_rows(train)
        named = zip(rows, ids, strict=True)
        return {mark: name for row, name in named for mark in self.dataset.list_marks(row)}


@dataclass(frozen=True)
class FinishRequest:
    """What `finish` is asked for: `plan` has the plan's rows of the accepted ones, in their order.

    `folder` takes what it writes, under names with `number` in them; `options` are the profile's keys that belong to
    the dataset.
    """

    folder: Path
    number: int
    plan: pl.DataFrame
    options: Mapping[str, Any]
    seed: int


@dataclass(frozen=True)
class Finished:
    """Accepted rows with what was computed for them, and tables of their own, as one Parquet file each.

    `notes` are sentences with `{count}` in them, and the counts, which are summed over the rounds.
    """

    accepted: pl.DataFrame
    tables: Mapping[str, Path] = field(default_factory=dict)
    notes: Mapping[str, int] = field(default_factory=dict)


class Dataset:
    """A dataset in pure YAML; its own Python overrides what it needs to."""

    def __init__(self, declared: Declared) -> None:
        self.declared = declared
        schema = declared.schema
        self._validator = None if schema is None else Draft202012Validator(schema)

    def read_gold(self, source: GoldSource) -> Gold:
        """Read gold rows as they are given, each with an id, and minute bars; no rows where the dataset needs none.

        Raises:
            GoldError: a file cannot be read.
        """
        key = self.declared.rows_key
        rows, notes = pl.DataFrame(), list[str]()
        if key is not None and key in source.files:
            read = read_frame(source.files[key], f"gold {key}")
            names = pl.Series(ROW_ID, [f"gold-{number:04d}" for number in range(1, read.height + 1)], dtype=pl.String)
            rows = read if ROW_ID in read.columns else read.insert_column(0, names)
        bars, markets = None, read_source_markets(source)
        if "bars" in source.files:
            bars, notes = read_bars(source.files["bars"], markets)
        return Gold(rows, bars, notes=notes, markets=markets)

    def check_row(self, row: Any, plan: PlanRow, given: Given) -> list[Violation]:
        """List what is wrong with a row: what its JSON Schema refuses, then what controls asked for, then copies."""
        if self._validator is None:
            return [] if str(row).strip() else [Violation("empty", (), "a text", "nothing", "the text is empty")]
        if misfits := list(find_misfits(self._validator, row)) or list(find_unwritable(row)):
            return misfits
        broken = list(find_disobedience(row, given.expect(plan)))
        known = None if broken else self.find_known(row, given.known_rows.get)
        return broken if known is None else [self.name_copy(row, known)]

    def narrow_schema(self, schema: Mapping[str, Any], plan: PlanRow, given: Given) -> dict[str, Any]:
        """Narrow the schema of a model's answer to what a plan's row has fixed, for a provider that keeps to it.

        What it says decides nothing: the answer is checked as any other.
        """
        return narrow_fields(schema, given.expect(plan))

    def identify(self, row: Any) -> bytes:
        """Give what two rows have in common of which one is a copy: a hash of canonical JSON, or of the text."""
        text = row if isinstance(row, str) else json.dumps(row, sort_keys=True, separators=(",", ":"), default=str)
        return hashlib.sha256(text.strip().encode("utf-8", "surrogatepass")).digest()

    def list_marks(self, row: Any) -> Sequence[bytes]:
        """List what marks a copy of a row: another one that has any of it in common is one."""
        return [self.identify(row)]

    def find_known(self, row: Any, find: Callable[[bytes], str | None]) -> str | None:
        """Find the known row that a row is a copy of, by one mark after the other."""
        return next((known for mark in self.list_marks(row) if (known := find(mark)) is not None), None)

    def name_copy(self, row: Any, known: str) -> Violation:  # noqa: ARG002 - a hook
        """Name the known row that a row is a copy of: the rule `copy`."""
        fields, limit = self.declared.fields, f"differs from every known {self.declared.noun}"
        message = f"it is a copy of {known}; limit: {limit}"
        return Violation("copy", fields, limit, f"copy of {known}", message, mend=False)

    def print_row(self, text: str, plan: PlanRow) -> str:  # noqa: ARG002 - a hook
        """Print a row, given as it was written, for people to read."""
        return text

    def list_steps(self, facts: Mapping[str, Any]) -> Mapping[str, float]:  # noqa: ARG002 - a hook
        """List the steps of prices by ticker, as far as the facts of gold tell them."""
        return {}

    def disguise_facts(self, facts: Mapping[str, Any], disguise: Disguise) -> Mapping[str, Any]:  # noqa: ARG002
        """Give the facts of gold as they are under a disguise: what they name of tickers, prices and dates."""
        return facts

    def fit_to_steps(self, row: Row, exact: Row, step: float) -> Row:  # noqa: ARG002 - a hook
        """Fit what hangs on the prices of a row that came back from a disguise, once they were put on steps.

        `exact` has the prices as the answer's were, between the steps.
        """
        return row

    def finish(self, accepted: pl.DataFrame, gold: GoldFolder, request: FinishRequest) -> Finished:  # noqa: ARG002
        """Compute what accepted rows get after the loop, a round at a time: it may add columns, and drops no row."""
        return Finished(accepted)


def name_gold_rows(rows: pl.DataFrame) -> list[str]:
    """Name gold rows by their first column, which holds their ids."""
    return [str(name) for name in rows.to_series(0).to_list()] if rows.width else []


def find_misfits(validator: Draft202012Validator, row: Any) -> Iterator[Violation]:
    """Find what a row's JSON Schema refuses, the first fault of each place, in the order of the fields."""
    seen = set()
    for error in sorted(validator.iter_errors(row), key=lambda error: [str(part) for part in error.absolute_path]):
        place = ".".join(str(part) for part in error.absolute_path)
        if place in seen:
            continue
        seen.add(place)
        field_name = place.partition(".")[0]
        limit = f"{error.validator}: {_show(error.validator_value)}"
        found = _show(error.instance)
        message = error.message if len(error.message) <= 2 * LONGEST_SHOWN else f"{place or 'the row'} does not fit"
        yield Violation("schema", (field_name,) if field_name else (), limit, found, f"{message}; limit: {limit}")


def find_unwritable(row: Any) -> Iterator[Violation]:
    """Find fields that fit a schema and no table: endless numbers, whole ones beyond 64 bits, text that is no UTF-8."""
    limit = "finite numbers, whole ones of 64 bits, text that is Unicode"
    for name, value in row.items() if isinstance(row, Mapping) else ():
        try:
            json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
            is_writable = not isinstance(value, int) or -(2**63) <= value < 2**63
        except ValueError:
            is_writable = False
        if not is_writable:
            found = _show(value)
            yield Violation("schema", (name,), limit, found, f"{name} {found} cannot be written; limit: {limit}")


def find_disobedience(row: Row, expectations: Sequence[Expectation]) -> Iterator[Violation]:
    """Find fields that are not what controls asked for: equal as text, or within a tolerance as numbers."""
    for name, wanted, tolerance in expectations:
        if name not in row:
            continue
        found, limit = row[name], _show(wanted)
        if tolerance is None:
            obeyed = str(found) == str(wanted) or _read_number(found) == _read_number(wanted) is not None
        else:
            number, target = _read_number(found), _read_number(wanted)
            obeyed = number is not None and target is not None and abs(number - target) <= tolerance + SLACK
            limit += f" within {tolerance:g}"
        if not obeyed:
            message = f"{name} {_show(found)} is not what a control asks for; limit: {limit}"
            yield Violation("control", (name,), limit, _show(found), message)


def _read_number(value: object) -> float | None:
    try:
        return None if isinstance(value, bool) else float(str(value))
    except ValueError:
        return None


def _show(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


@functools.cache
def load_dataset(folder: Path) -> Dataset:
    """Load a dataset with its Python; the only place that imports by name.

    Raises:
        DatasetError: its module is not there, or does not import.
    """
    declared = read_declared(folder)
    if declared.code == NO_CODE:
        return Dataset(declared)
    made = getattr(load_module(declared), "Dataset", Dataset)
    if not (isinstance(made, type) and issubclass(made, Dataset)):
        raise DatasetError(f"{declared.code}.Dataset is no columns.dataset.Dataset: let it derive from it")
    return made(declared)


def load_module(declared: Declared) -> ModuleType:
    """Import a dataset's module, which lies below the `columns` folder of the project or of the user's own root.

    Raises:
        DatasetError: it is not there, or does not import.
    """
    try:
        return import_named(declared.root, declared.code)
    except Exception as exc:  # a person's own module may raise anything
        raise DatasetError(
            f"{declared.folder / 'dataset.yaml'}: code: {declared.code} cannot be imported: {exc}"
        ) from exc


def import_named(root: Path, name: str) -> ModuleType:
    """Import a module that a dataset names: of the project, or below the `columns` folder of the user's own root."""
    if root == PROJECT_ROOT or not name.startswith("columns."):
        return importlib.import_module(name)
    return _import_file(root, name)


def _import_file(root: Path, code: str) -> ModuleType:
    path = root.joinpath(*code.split(".")).with_suffix(".py")
    name = f"{code}@{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"  # another root may have one of the same name
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"there is no {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def find_function(folder: Path, name: str) -> Callable[..., Any]:
    """Find a function of a dataset's module by its name.

    Raises:
        DatasetError: there is none.
    """
    declared = read_declared(folder)
    function = None if declared.code == NO_CODE else getattr(load_module(declared), name, None)
    if not callable(function):
        where = declared.code if declared.code != NO_CODE else f"{declared.name}, which has no `code:`,"
        raise DatasetError(f"{where} has no function {name}: write it, or name another one")
    return function  # type: ignore[no-any-return]
