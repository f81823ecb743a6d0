"""Writes docs/profiles.md from the schemas: `python -m designer_configs.compile.make_docs`; `--check` only compares."""

import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.checks.shape import load_schema, resolve_reference
from designer_configs.compile.profile import list_profiles, load_profile

PAGE = PROJECT_ROOT / "docs" / "profiles.md"
_TABLE = "| key | type | default | unit | meaning | example |\n|---|---|---|---|---|---|\n"
_INTRO = """\
<!-- Written by `python -m designer_configs.compile.make_docs` from designer_configs/schema: change it there. -->
# Profiles and controls: every key

A profile is one YAML file in `designer_configs/`; `make generate PROFILE=name` runs it. A path that ends in `.yaml`
is taken too, from anywhere: a run's own `profile.yaml` repeats that run. Values come from the defaults below, then
from the file, then from the command line (`--num`, `--seed`, `--gold`, `--gold-trades`, `--gold-bars`); `tradelogs
generate PROFILE --print-resolved-config` shows the outcome and starts nothing. `--num` scales `run.max_candidates` in
the same proportion; `--gold FOLDER` takes the place of all that the profile says of gold; `--gold-trades` without
`--gold-bars` leaves the profile's bars unused, for they belong to its own trades.
Paths in the file are relative to the repository's root and may not lead out of it; absolute ones may lie anywhere.
Those of the command line are relative to the current folder. An unknown key is an error. `make validate` lists
everything that is wrong with every file, with file, line and path.
"""


def write_page() -> str:
    """Write the page's text."""
    shipped = "".join(f"| `{name}` | {load_profile(name).description} |\n" for name in list_profiles())
    profile, control = (load_schema(kind) for kind in ("profile", "control"))
    indicators = ", ".join(f"`{name}`" for name in profile["properties"]["indicators"]["default"])
    return (
        f"{_INTRO}\n## Shipped profiles\n\n| profile | what it is for |\n|---|---|\n{shipped}"
        f"\n## A profile\n\n{profile['description']}\n\n{_TABLE}{''.join(_list_rows(profile, profile, ''))}"
        f"\nThe indicators: {indicators}.\n"
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
        key: f", for {branch['if']['properties']['name']['const']}: {_write_code(part['default'])}"
        for branch in schema.get("allOf", [])
        if "if" in branch
        for key, part in branch["then"]["properties"].items()
        if "default" in part
    }


def _write_row(key: str, part: Mapping[str, Any], required: bool, special: str) -> str:
    default = "required" if required else _write_code(part["default"]) if "default" in part else "none"
    default = "all of them" if key == "indicators" else default
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


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date (exit code 1: it is not)."""
    text = write_page()
    if "--check" not in arguments:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.is_file() or PAGE.read_text(encoding="utf-8") != text:
        print(f"docs/{PAGE.name} is out of date: run python -m designer_configs.compile.make_docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
