"""Writes docs/profiles.md and docs/datasets/: `python -m designer_configs.compile.make_docs`; `--check` compares."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from columns.declared import read_declared, read_options
from designer_configs.compile.checks.project import PROJECT_ROOT, Project
from designer_configs.compile.checks.shape import load_schema, resolve_reference
from designer_configs.compile.dataset_docs import write_dataset_page
from designer_configs.compile.profile import list_profiles, load_profile
from files.generated_file import write_or_compare

DOCS = PROJECT_ROOT / "docs"
_TABLE = "| key | type | default | unit | meaning | example |\n|---|---|---|---|---|---|\n"
_INTRO = """\
<!-- Written by `python -m designer_configs.compile.make_docs` from designer_configs/schema: change it there. -->
# Profiles and controls: every key

A profile is one YAML file in `designer_configs/`; `make generate PROFILE=name` runs it; [the
gallery](gallery/README.md) has some to start from. A path that ends in `.yaml`
is taken too, from anywhere: a run's own `profile.yaml` repeats that run. Values come from the defaults below, then
from the file, then from the command line (`--num`, `--seed`, `--gold`, `--gold-rows`, `--gold-bars`); `tradelogs
generate PROFILE --print-resolved-config` shows the outcome and starts nothing. `--set KEY=VALUE` changes any key of the
file, such as `--set models.judge.model=x`, and `--only controls.NAME=VALUE` lets a control draw that value alone, or
`[these, values]`; both are checked as the file is, may be repeated, and are kept in the run's `provenance.json`
([everyday work](everyday.md#another-value-for-once---set---only)). `--num` scales `run.max_candidates` in
the same proportion; `--gold FOLDER` takes the place of all that the profile says of gold; `--gold-rows` (or
`--gold-trades`) without `--gold-bars` leaves the profile's bars unused, for they belong to its own rows.
Paths in the file are relative to the repository's root and may not lead out of it; absolute ones may lie anywhere.
Those of the command line are relative to the current folder. An unknown key is an error. `make validate` lists
everything that is wrong with every file, with file, line and path.
"""


def write_page() -> str:
    """Write the page's text."""
    shipped = "".join(f"| `{name}` | {load_profile(name).description} |\n" for name in list_profiles())
    profile, control = (load_schema(kind) for kind in ("profile", "control"))
    return (
        f"{_INTRO}\n## Shipped profiles\n\n| profile | what it is for |\n|---|---|\n{shipped}"
        f"\n## A profile\n\n{profile['description']}\n\n{_TABLE}{''.join(_list_rows(profile, profile, ''))}"
        "\nKeys that belong to one dataset stand on its page: "
        f"{', '.join(f'[{name}](datasets/{name}.md)' for name in Project(PROJECT_ROOT).datasets)}.\n"
        f"\n## A control: `columns/controls/<name>.yaml`\n\n{control['description']}\n\n"
        f"{_TABLE}{''.join(_list_rows(control, control, ''))}"
    )


def _list_rows(schema: Mapping[str, Any], root: Mapping[str, Any], prefix: str) -> Iterator[str]:
    """Write a row per key, parents before their own keys; keys of one kind (the models) share the rows below them."""
    special = _find_special_defaults(schema)
    properties = schema.get("properties", {})
    uses = Counter(declared.get("$ref") for declared in properties.values())
    shared = [reference for reference, count in uses.items() if reference and count > 1]
    for key, declared in properties.items():
        part = resolve_reference(declared, root)
        yield _write_row(f"{prefix}{key}", part, key in schema.get("required", []), special.get(key, ""))
        if "items" in part:
            yield from _list_rows(resolve_reference(part["items"], root), root, f"{prefix}{key}[].")
        elif isinstance(part.get("additionalProperties"), Mapping):
            yield from _list_rows(resolve_reference(part["additionalProperties"], root), root, f"{prefix}{key}.*.")
        elif declared.get("$ref") not in shared:
            yield from _list_rows(part, root, f"{prefix}{key}.")
    for reference in shared:
        yield from _list_rows(resolve_reference({"$ref": reference}, root), root, f"{prefix}*.")


def _find_special_defaults(schema: Mapping[str, Any]) -> dict[str, str]:
    """Say which defaults hold for one name only, such as a known provider's endpoint."""
    return {
        key: f", for {_name_branch(branch['if'])}: {_write_code(part['default'])}"
        for branch in schema.get("allOf", [])
        if "if" in branch
        for key, part in branch["then"]["properties"].items()
        if "default" in part
    }


def _name_branch(condition: Mapping[str, Any]) -> str:
    """Name whom a branch is for: the value of the name, or the key that must be there."""
    name = condition.get("properties", {}).get("name", {}).get("const")
    return str(name if name is not None else f"a {condition['required'][0]}")


def _write_row(key: str, part: Mapping[str, Any], required: bool, special: str) -> str:
    default = "required" if required else _write_code(part["default"]) if "default" in part else "none"
    example = _write_code(part["examples"][0]) if "examples" in part else ""
    cells = [f"`{key}`", _write_type(part), default + special, part.get("unit", ""), part["description"], example]
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n"


def _write_type(part: Mapping[str, Any]) -> str:
    if "const" in part:
        return _write_code(part["const"])
    if "enum" in part:
        return " or ".join(_write_code(value) for value in part["enum"])
    names: list[str] = part["type"] if isinstance(part["type"], list) else [part["type"]]
    words = {
        "object": "mapping",
        "array": "list",
        "string": "text",
        "integer": "whole number",
        "boolean": "true or false",
    }
    limits = [
        text.format(part[key])
        for key, text in (("exclusiveMinimum", "above {}"), ("minimum", "from {}"), ("maximum", "to {}"))
        if key in part
    ]
    return ", ".join([" or ".join(words.get(name, name) for name in names), *([" ".join(limits)] if limits else [])])


def _write_code(value: object) -> str:
    return f"`{json.dumps(value)}`" if not isinstance(value, str) else f"`{value}`"


def write_pages() -> dict[Path, str]:
    """Write the text of every page, by its file."""
    project = Project(PROJECT_ROOT)
    pages = {DOCS / "profiles.md": write_page()}
    for name, path in project.datasets.items():
        controls = [project.read(file, "control").data for file in project.list_controls(path.parent).values()]
        rows = "".join(_list_rows({"properties": read_options(path.parent)}, {}, ""))
        options = f"{_TABLE}{rows}" if rows else ""
        pages[DOCS / "datasets" / f"{name}.md"] = write_dataset_page(read_declared(path.parent), controls, options)
    return pages


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are not up to date (exit code 1: one is not)."""
    return write_or_compare(write_pages(), arguments, "designer_configs.compile.make_docs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
