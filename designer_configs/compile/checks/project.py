"""The configuration files of the project and of a user's own root, each read and held against its schema once."""

import dataclasses
import functools
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from columns.declared import CONTROLS, DATASET_FILE, NO_COLUMNS, SHARED, STAGES, read_options
from designer_configs.compile.checks.shape import Kind, check_shape
from designer_configs.compile.checks.yaml_source import YamlSource, load_yaml

PROJECT_ROOT = Path(__file__).resolve().parents[3]
SHARED_CONTROLS = "columns/controls"


class Project:
    """Where configuration files lie, and what is in them.

    `root` is the project's, or a folder of the user's own with `columns/` in it; what lies below the project's root can
    be used from there too.
    """

    def __init__(self, root: Path, home: Path | None = None) -> None:
        self.root = root
        self.home = home or root
        self._sources: dict[tuple[Path, Kind | None], YamlSource] = {}
        self._row_fields: dict[Path, dict[str, dict[str, Any]] | None] = {}

    @property
    def roots(self) -> tuple[Path, ...]:
        """The project's root, and the user's own where it is another."""
        return tuple(dict.fromkeys((self.home, self.root)))

    def read(self, path: Path, kind: Kind) -> YamlSource:
        """Read a file; `problems` are those of its YAML and its shape, and its data is of use only without any."""
        if (path, kind) not in self._sources:
            source = self.load(path)
            if source.data is not None:
                options = self.find_options(source.data) if kind == "profile" else {}
                source = dataclasses.replace(source, problems=(*source.problems, *check_shape(source, kind, options)))
            self._sources[path, kind] = source
        return self._sources[path, kind]

    def load(self, path: Path) -> YamlSource:
        """Read a file of no declared shape; `problems` are those of its YAML."""
        if (path, None) not in self._sources:
            self._sources[path, None] = load_yaml(path, self.name_file(path))
        return self._sources[path, None]

    def find_options(self, profile: Any) -> Mapping[str, Any]:
        """Give the schemas of the keys that a profile's dataset adds to it; of one that is not there, any dataset's."""
        if not isinstance(profile, Mapping) or "dataset" not in profile:
            return {}
        folder = self.find_dataset(profile["dataset"])
        if folder is not None:
            return _read_options_if_readable(folder)
        return {key: {} for path in self.datasets.values() for key in _read_options_if_readable(path.parent)}

    def name_file(self, path: Path) -> str:
        """Name a file as messages do: relative to the root where it lies below one."""
        path = path.resolve()
        root = next((root for root in (self.root, self.home) if path.is_relative_to(root)), None)
        return str(path) if root is None else path.relative_to(root).as_posix()

    @functools.cached_property
    def profiles(self) -> dict[str, Path]:
        """Files of the root's profiles, by name."""
        return {path.stem: path for path in sorted((self.root / "designer_configs").glob("*.yaml"))}

    @functools.cached_property
    def datasets(self) -> dict[str, Path]:
        """The `dataset.yaml` of every dataset, by the name of its folder; of two of one name the root's own."""
        found = (path for root in self.roots for path in sorted((root / "columns").glob(f"*/{DATASET_FILE}")))
        return {path.parent.name: path for path in found}

    @functools.cached_property
    def twins(self) -> dict[str, Path]:
        """Datasets of the root that have the name of one of the project's, by that name."""
        if self.root == self.home:
            return {}
        theirs = {path.parent.name for path in (self.home / "columns").glob(f"*/{DATASET_FILE}")}
        return {name: path for name, path in self.datasets.items() if name in theirs and path.is_relative_to(self.root)}

    def find_dataset(self, named: object) -> Path | None:
        """Find a dataset's folder by its name or its path."""
        if not isinstance(named, str) or not named or "\0" in named:
            return None
        if named in self.datasets:
            return self.datasets[named].parent
        folder = self.root / named
        return folder.resolve() if "/" in named and (folder / DATASET_FILE).is_file() else None

    @functools.cached_property
    def shared_controls(self) -> dict[str, Path]:
        """Files of the controls that every dataset may use, by name."""
        found = (path for root in self.roots for path in sorted((root / SHARED_CONTROLS).glob("*.yaml")))
        return {path.stem: path for path in found}

    def list_controls(self, folder: Path) -> dict[str, Path]:
        """Files of the controls that a dataset may use, its own among them, by name."""
        near = [folder.parent / "controls", folder / "controls"]  # of the dataset's root, which may be another
        return self.shared_controls | {path.stem: path for place in near for path in sorted(place.glob("*.yaml"))}

    def find_columns(self, folder: Path) -> dict[str, Path]:
        """Files of a dataset's columns, by the name `dataset.yaml` calls them: without .yaml, below the folder.

        Those that datasets share are among them.
        """
        files = [path for part in ("", "refine/", "instead/") for path in sorted(folder.glob(f"{part}*.yaml"))]
        own = {
            path.relative_to(folder).with_suffix("").as_posix(): path
            for path in files
            if path.parent != folder or path.name not in NO_COLUMNS
        }
        return self.list_shared_columns(folder) | own

    def list_shared_columns(self, folder: Path) -> dict[str, Path]:
        """Files of the columns that every dataset may name, by name."""
        places = [self.home / "columns" / SHARED, folder.parent / SHARED]
        return {path.stem: path for place in places for path in sorted(place.glob("*.yaml"))}

    def find_row_fields(self, folder: Path) -> dict[str, dict[str, Any]] | None:
        """Give the JSON Schema of every field of a dataset's row, none where it is a text; None: it cannot be read."""
        if folder not in self._row_fields:
            self._row_fields[folder] = self._read_row_fields(folder)
        return self._row_fields[folder]

    def _read_row_fields(self, folder: Path) -> dict[str, dict[str, Any]] | None:
        source = self.read(folder / DATASET_FILE, "dataset")
        if source.problems:
            return None
        files = self.find_columns(folder)
        for entry in (entry for stage in STAGES for entry in source.data.get(stage, ()) if entry != CONTROLS):
            if entry in files and files[entry].stem == source.data["row"] and files[entry].parent == folder:
                return _read_fields(folder, self.read(files[entry], "column"))
        return None


def _read_options_if_readable(folder: Path) -> Mapping[str, Any]:
    try:
        return read_options(folder)
    except (OSError, ValueError):
        return {}  # which is said of the file itself


def _read_fields(folder: Path, column: YamlSource) -> dict[str, dict[str, Any]] | None:
    if column.problems:
        return None
    declared: Any = column.data.get("output_format", {})
    try:
        schema = json.loads((folder / declared).read_text(encoding="utf-8")) if isinstance(declared, str) else declared
        Draft202012Validator.check_schema(schema)
        fields = schema.get("properties", {})
        return {str(name): part for name, part in fields.items() if isinstance(part, dict)}
    except (OSError, ValueError, AttributeError, SchemaError):
        return None  # which is said of the column
