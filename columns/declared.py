"""What a dataset declares, read from its folder of YAML, and what follows from it.

Whatever can be told from the declared columns is not declared anywhere else: the criteria are the names of the judge's
scores, the fields those of the row's own output format, the roles the model aliases that columns name.
"""

import copy
import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

CONTROLS = "$controls"
DATASET_FILE = "dataset.yaml"
FINISHED_FILE = "finished.yaml"
CASES_FILE = "cases.yaml"
POLICY_FILE = "policy.yaml"
OPTIONS_FILE = "options.schema.json"
MARKET_FILE = "market.schema.json"  # the keys of every dataset that reads bars, in the folder SHARED
SHARED = "shared"  # folder of the columns that every dataset may name
NO_COLUMNS = (DATASET_FILE, FINISHED_FILE, CASES_FILE, POLICY_FILE)  # the files beside a dataset's columns
GROUNDING = "gold-examples"
EMBEDDING = "embedding"
DERIVED = "derived"
WHOLE = "whole"  # the form that every column has
NO_CODE = "columns.dataset"
FAMILY = "family_id"  # the column that tells families apart, where a dataset has any
TEXT_QUESTIONS = "verification.texts.questions"
STAGES: tuple["Stage", ...] = ("plan", "generate", "refine")

Stage = Literal["plan", "generate", "refine"]
Need = Literal["required", "optional", "none"]
Column = Mapping[str, Any]


@dataclass(frozen=True)
class Constraint:
    """A field that a control may set, and the name under which the ledger keeps what was asked of it."""

    name: str
    field: str


@dataclass(frozen=True)
class Copies:
    """The column, or its field after a dot, whose texts may not be too near, and from which similarity on they are."""

    of: str
    nearer_than: float


@dataclass(frozen=True)
class Families:
    """Rows that mean the same: the profile's key that says how many, and the columns of the plan that they share.

    Where controls have not the values of `where`, every row is a family by itself, for its row is made anew.
    """

    size: str
    shared: tuple[str, ...]
    where: Mapping[str, str]


@dataclass(frozen=True)
class Ask:
    """How a person's question is asked: functions that make its plan and its fallback, the column that answers it.

    `answer` is None where the row itself is the answer.
    """

    plan: str
    fallback: str | None = None
    answer: str | None = None


@dataclass(frozen=True)
class Disguisable:
    """Which fields of rows, gold rows and plans hold tickers, prices and dates, for a disguise of them."""

    ticker: str
    prices: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()


@dataclass(frozen=True)
class Declared:
    """A dataset as its folder declares it; `stages` are the columns of each stage, without the profile's controls.

    `columns` are by the entry that names them in a stage, such as `refine/trade`.
    """

    folder: Path
    document: Mapping[str, Any]
    columns: Mapping[str, Column]

    @property
    def name(self) -> str:
        """Name of the dataset: its folder's."""
        return self.folder.name

    @property
    def root(self) -> Path:
        """The folder that holds `columns/`, the project's or the user's own."""
        return self.folder.parent.parent

    @property
    def noun(self) -> str:
        """How people call a row."""
        return str(self.document.get("noun", "row"))

    @property
    def nouns(self) -> str:
        """How people call several rows."""
        return pluralise(self.noun)

    @property
    def row(self) -> str:
        """Name of the column that is checked, judged, refined and accepted."""
        return str(self.document["row"])

    @property
    def previous_row(self) -> str:
        """Name under which a refinement's seed has the row to mend."""
        return f"prev_{self.row}"

    @property
    def refined_row(self) -> str:
        """Name of the refiner's answer."""
        return f"refined_{self.row}"

    @property
    def checks(self) -> tuple[str, ...]:
        """Names of the columns that check a row, in order; the first that fails is the critique."""
        return tuple(self.document.get("checks", ()))

    @property
    def policy(self) -> str | None:
        """Name of the check that holds rows against the dataset's policy, where it has one."""
        policy: str | None = self.document.get("policy")
        return policy

    @property
    def ask(self) -> Ask | None:
        """How a question becomes a row, where the dataset declares it."""
        declared = self.document.get("ask")
        return None if declared is None else Ask(**declared)

    @property
    def keep(self) -> tuple[str, ...]:
        """Names of further columns that go with a row."""
        return tuple(self.document.get("keep", ()))

    @property
    def judge(self) -> str | None:
        """Name of the judge's column."""
        judge: str | None = self.document.get("judge")
        return judge

    @property
    def constraint(self) -> Constraint | None:
        """What the ledger keeps of a control on one field, where the dataset declares it."""
        declared = self.document.get("constraint")
        return None if declared is None else Constraint(**declared)

    @property
    def copies(self) -> Copies | None:
        """When rows are near-copies, where the dataset declares it."""
        declared = self.document.get("copies")
        return None if declared is None else Copies(**declared)

    @property
    def families(self) -> Families | None:
        """Which rows are a family, where the dataset declares it."""
        declared = self.document.get("families")
        if declared is None:
            return None
        return Families(declared["size"], tuple(declared["shared"]), declared.get("where", {}))

    @property
    def disguise(self) -> Disguisable | None:
        """What of its rows can be disguised, where the dataset declares it."""
        declared = self.document.get("disguise")
        if declared is None:
            return None
        return Disguisable(declared["ticker"], tuple(declared["prices"]), tuple(declared["dates"]))

    @property
    def gold(self) -> Mapping[str, Need]:
        """Files of gold by the keys of a profile, and whether a profile must bring them."""
        gold: Mapping[str, Need] = self.document.get("gold", {})
        return gold

    @property
    def gold_columns(self) -> Mapping[str, str]:
        """Columns of gold rows besides the fields of a row, and whether they hold text or numbers."""
        columns: Mapping[str, str] = self.document.get("gold_columns", {})
        return columns

    @property
    def rows_key(self) -> str | None:
        """Key of the file of gold rows: the first that is not the bars'; None where that one is `none`."""
        key = next((key for key in self.gold if key != "bars"), None)
        return None if key is None or self.gold[key] == "none" else key

    @property
    def questions(self) -> str:
        """Module that asks verification's questions."""
        return str(self.document.get("questions", TEXT_QUESTIONS))

    @property
    def code(self) -> str:
        """Module of the dataset's own Python, or NO_CODE."""
        return str(self.document.get("code", NO_CODE))

    def list_stage(self, stage: Stage) -> list[Column]:
        """List a stage's declared columns, in order, without the profile's controls."""
        return [self.columns[entry] for entry in self.document.get(stage, ()) if entry != CONTROLS]

    def find_column(self, name: str | None, stage: Stage = "generate") -> Column | None:
        """Find a stage's column by its name."""
        return next((column for column in self.list_stage(stage) if column["name"] == name), None)

    @functools.cached_property
    def schema(self) -> dict[str, Any] | None:
        """JSON Schema of a row; None for a row that is a text."""
        column = self.find_column(self.row)
        return None if column is None else load_output_format(self.folder, column)

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of a row's fields, in the schema's order; none for a text."""
        return tuple((self.schema or {}).get("properties", ()))

    @functools.cached_property
    def criteria(self) -> tuple[str, ...]:
        """Names of the judge's scores."""
        column = self.find_column(self.judge)
        return () if column is None else tuple(score["name"] for score in column["scores"])

    def list_side_columns(self) -> list[str]:
        """Name the columns beside the row's own that a refinement's rows bring: those that are kept."""
        made = {column["name"] for column in self.list_stage("refine")}
        return [f"prev_{name}" if name in made else name for name in self.keep]

    @property
    def acceptance(self) -> dict[str, int]:
        """The least score of each criterion that is accepted, where a profile says nothing else; 4 unless declared."""
        declared = self.document.get("acceptance", {})
        return {name: int(declared.get(name, 4)) for name in self.criteria}

    @functools.cached_property
    def roles(self) -> tuple[str, ...]:
        """Model aliases that columns name: the row's first, then those of refinements alone, then the others."""
        own = [column["model_alias"] for column in [self.find_column(self.row)] if column and "model_alias" in column]
        made, mended = (
            [column["model_alias"] for column in self.list_stage(stage) if "model_alias" in column]
            for stage in ("generate", "refine")
        )
        return tuple(dict.fromkeys([*own, *(alias for alias in mended if alias not in made), *made]))

    @functools.cached_property
    def embedders(self) -> frozenset[str]:
        """Model aliases of columns that ask for vectors."""
        return frozenset(c["model_alias"] for c in self.columns.values() if c["column_type"] == EMBEDDING)

    @property
    def grounding(self) -> str | None:
        """Name of the column that holds the grounding seeds, where there is one."""
        found = (column["name"] for column in self.list_stage("plan") if column["column_type"] == GROUNDING)
        return next(found, None)

    @functools.cached_property
    def places(self) -> dict[str, int]:
        """Place of each model column in its stage: the earlier, the earlier its requests go."""
        places: dict[str, int] = {}
        for stage in ("generate", "refine"):
            asked = [column["name"] for column in self.list_stage(stage) if "model_alias" in column]
            places |= {name: max(place, places.get(name, 0)) for place, name in enumerate(asked)}
        return places

    @functools.cached_property
    def options(self) -> dict[str, Any]:
        """JSON Schemas of the profile's keys that belong to this dataset, by key."""
        return read_options(self.folder)

    @property
    def default_options(self) -> dict[str, Any]:
        """Values of those keys where a profile says nothing."""
        return {key: schema["default"] for key, schema in self.options.items() if "default" in schema}


def read_declared(folder: Path, options: Mapping[str, Any] | None = None) -> Declared:
    """Read a dataset's folder, which the checks have found sound, with the columns that a profile's keys choose."""
    folder = folder.resolve()
    document = _read_yaml(folder / DATASET_FILE)
    document |= {stage: list_entries(document, stage, options or {}) for stage in STAGES if stage in document}
    entries = [entry for stage in STAGES for entry in document.get(stage, ()) if entry != CONTROLS]
    return Declared(folder, document, {entry: _read_yaml(find_column_file(folder, entry)) for entry in entries})


def list_entries(document: Mapping[str, Any], stage: Stage, options: Mapping[str, Any]) -> list[str]:
    """List a stage's entries; where a profile's key has a value of `instead`, those that stand for one."""
    chosen: dict[str, list[str]] = {}
    for key, by_value in document.get("instead", {}).items():
        chosen |= by_value.get(str(options.get(key)), {})
    return [made for entry in document.get(stage, ()) for made in chosen.get(entry, [entry])]


def find_column_file(folder: Path, entry: str) -> Path:
    """Find a column's file: the dataset's own, or one that datasets share."""
    places = (folder, folder.parent / SHARED, Path(__file__).parent / SHARED)
    files = [place / f"{entry}.yaml" for place in places]
    return next((file for file in files if file.is_file()), files[0])


def read_options(folder: Path) -> dict[str, Any]:
    """Read the schemas of a dataset's own keys in a profile, and of those that come with bars."""
    shared = _read_properties(Path(__file__).parent / SHARED / MARKET_FILE) if _takes_bars(folder) else {}
    return shared | _read_properties(folder / OPTIONS_FILE)


def _read_properties(path: Path) -> dict[str, Any]:
    if not path.is_file():
        return {}
    properties: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")).get("properties", {})
    return properties


def _takes_bars(folder: Path) -> bool:
    """Tell whether a dataset reads bars; of one whose file cannot be read that is said elsewhere."""
    try:
        return bool(_read_yaml(folder / DATASET_FILE).get("gold", {}).get("bars", "none") != "none")
    except (OSError, ValueError, AttributeError, yaml.YAMLError):
        return False


def load_output_format(folder: Path, column: Column) -> dict[str, Any] | None:
    """Load the JSON Schema that a column's answers fit, from its file or as it stands; None where it has none."""
    declared = column.get("output_format")
    if not isinstance(declared, str):
        return dict(declared) if declared is not None else None
    schema: dict[str, Any] = json.loads((folder / declared).read_text(encoding="utf-8"))
    return schema


def take_form(column: Column, form: str) -> Column:
    """Give a column in one of its forms; as it is declared, where it has none of that name."""
    other = column.get("forms", {}).get(form)
    return column if other is None else {**column, "column_type": DERIVED, **other}


def is_flat(schema: Mapping[str, Any]) -> bool:
    """Tell whether every key of an object is required and holds one kind of plain value.

    Only such objects come through a Parquet struct as they went in: it gives missing keys as nulls, and takes neither
    lists of mixed types nor recursion.
    """
    properties: Mapping[str, Any] = schema.get("properties", {})
    is_plain = all(name_plain_type(part) is not None for part in properties.values())
    return bool(properties) and is_plain and set(schema.get("required", ())) == set(properties)


def name_plain_type(field: Mapping[str, Any]) -> str | None:
    """Name the one plain JSON type that a field's values have; None where they are of several, or nested."""
    kind = field.get("type")
    if kind is None and (values := field.get("enum", [field["const"]] if "const" in field else [])):
        kinds = {_TYPES.get(type(value)) for value in values}
        kind = kinds.pop() if len(kinds) == 1 else None
    return kind if kind in ("string", "number", "integer", "boolean") else None


_TYPES: dict[type, str] = {str: "string", float: "number", int: "integer", bool: "boolean"}


def _read_yaml(path: Path) -> dict[str, Any]:
    return copy.deepcopy(_parse_yaml(path.read_text(encoding="utf-8")))


@functools.lru_cache(maxsize=256)
def _parse_yaml(text: str) -> dict[str, Any]:
    """Parse a file once: a run asks for what its dataset declares in many places."""
    document: dict[str, Any] = yaml.safe_load(text)
    return document


def list_names(columns: Sequence[Column]) -> list[str]:
    """Name columns, in order."""
    return [str(column["name"]) for column in columns]


def pluralise(noun: str) -> str:
    """Return the plural of an English noun that has a regular one."""
    if noun.endswith("y") and noun[-2:-1] not in "aeiou":
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"
