"""The repository's configuration files, each read and held against its schema once."""

import dataclasses
import functools
import json
from pathlib import Path
from typing import Any

from designer_configs.compile.checks.shape import Kind, check_shape
from designer_configs.compile.checks.yaml_source import YamlSource, load_yaml

CORE_SCHEMA = Path("columns/trade_log/trade.schema.json")


class Project:
    """Where configuration files lie under a root, and what is in them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._sources: dict[Path, YamlSource] = {}

    def read(self, path: Path, kind: Kind) -> YamlSource:
        """Read a file; `problems` are those of its YAML and its shape, and its data is of use only without any."""
        if path not in self._sources:
            source = load_yaml(path, self.name_file(path))
            if source.data is not None:
                source = dataclasses.replace(source, problems=(*source.problems, *check_shape(source, kind)))
            self._sources[path] = source
        return self._sources[path]

    def name_file(self, path: Path) -> str:
        """Name a file as messages do: relative to the root where it lies below it."""
        path = path.resolve()
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else str(path)

    @functools.cached_property
    def profiles(self) -> dict[str, Path]:
        """Files of the shipped profiles, by name."""
        return {path.stem: path for path in sorted((self.root / "designer_configs").glob("*.yaml"))}

    @functools.cached_property
    def controls(self) -> dict[str, Path]:
        """Files of the controls, by name."""
        return {path.stem: path for path in sorted((self.root / "columns/controls").glob("*.yaml"))}

    @functools.cached_property
    def datasets(self) -> dict[str, Path]:
        """The `dataset.yaml` of every dataset, by the name of its folder."""
        return {path.parent.name: path for path in sorted((self.root / "columns").glob("*/dataset.yaml"))}

    def find_columns(self, dataset: str) -> dict[str, Path]:
        """Files of a dataset's columns, by the name `dataset.yaml` calls them: without .yaml, below the folder."""
        folder = self.datasets[dataset].parent
        files = (path for path in sorted(folder.rglob("*.yaml")) if path != self.datasets[dataset])
        return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}

    @functools.cached_property
    def core_fields(self) -> dict[str, dict[str, Any]]:
        """JSON Schema of every core field of a trade."""
        schema = json.loads((self.root / CORE_SCHEMA).read_text(encoding="utf-8"))
        fields: dict[str, dict[str, Any]] = schema["properties"]
        return fields
