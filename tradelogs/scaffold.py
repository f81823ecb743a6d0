"""Writes the files of a new dataset, in YAML alone, from the templates beside."""

import os
import re
from pathlib import Path
from string import Template

from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from files.whole_file import write_text
from refine_loop.errors import RunInputError

TEMPLATES = Path(__file__).parent / "templates" / "dataset"
NAME = re.compile(r"[a-z][a-z0-9_]*")
RESERVED = ("controls", "shared", "types", "checks")  # folders below columns that are no dataset
# Columns that a job has besides the row, whose column has the dataset's name.
TAKEN = ("judge", "variation", "row_id", "critique", "criticised_fields")


def write_dataset(name: str, root: Path | None) -> list[Path]:
    """Write a dataset and its profile below a root, the project's where it is None; gives the files.

    Raises:
        RunInputError: the name cannot be one, or is taken; nothing is written.
    """
    place = PROJECT_ROOT if root is None else root.resolve()
    folder = place / "columns" / name
    _check_name(name, place)
    profile = place / ("designer_configs" if root is None else "") / f"{name}_offline.yaml"
    control = f"{name}_regime"
    files = {
        "dataset.yaml": folder / "dataset.yaml",
        "row.schema.json": folder / f"{name}.schema.json",
        "row.yaml": folder / f"{name}.yaml",
        "judge.yaml": folder / "judge.yaml",
        "controls/control.yaml": folder / "controls" / f"{control}.yaml",
        "refine/refined_row.yaml": folder / "refine" / f"refined_{name}.yaml",
        "refine/row.yaml": folder / "refine" / f"{name}.yaml",
        "exports/chat.yaml": folder / "exports" / "chat.yaml",
        "profile.yaml": profile,
    }
    if taken := [path for path in (folder, profile) if path.exists()]:
        raise RunInputError(f"{taken[0]} is there already: name the dataset differently")
    for template, path in files.items():
        words = {"name": name, "control": control, "schema": _find_schema(template, path)}
        write_text(Template((TEMPLATES / template).read_text(encoding="utf-8")).substitute(words), path)
    return list(files.values())


def _check_name(name: str, root: Path) -> None:
    if not NAME.fullmatch(name):
        raise RunInputError(
            f"{name} cannot be a dataset's name: lower-case letters, digits and _, starting with a letter"
        )
    if name in RESERVED:
        raise RunInputError(f"{name} cannot be a name: columns/{name} is something else")
    if name in TAKEN:
        raise RunInputError(f"{name} cannot be a name: a column has it already, and that is another; choose another")
    if name in Project(root, PROJECT_ROOT).datasets:
        raise RunInputError(f"there is a dataset {name} already: two datasets of one name; choose another")


def _find_schema(template: str, path: Path) -> str:
    """Name the schema by which an editor checks a file: relative within the project, else in full."""
    kinds = {"dataset.yaml": "dataset", "controls/control.yaml": "control", "exports/chat.yaml": "export"}
    kind = "profile" if template == "profile.yaml" else kinds.get(template, "column")
    schema = PROJECT_ROOT / "designer_configs" / "schema" / f"{kind}.schema.json"
    return Path(os.path.relpath(schema, path.parent)).as_posix() if path.is_relative_to(PROJECT_ROOT) else str(schema)
