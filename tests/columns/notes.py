"""A small dataset that is no trade: notes with optional keys and a list of mixed types, in a root of its own."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["title", "stars"],
    "additionalProperties": False,
    "properties": {
        "title": {"type": "string", "maxLength": 10},
        "stars": {"type": "integer", "minimum": 1, "maximum": 5},
        "parts": {"type": "array"},
        "hint": {"type": "string"},
        "end": {"type": ["string", "null"]},
    },
}
DATASET: dict[str, Any] = {
    "description": "Notes.",
    "grain": "one row per note",
    "noun": "note",
    "gold": {"rows": "required", "bars": "optional"},
    "gold_columns": {"kind": "text"},
    "row": "note",
    "checks": ["note_checks"],
    "judge": "judge",
    "acceptance": {"clarity": 3},
    "plan": ["variation", "$controls", "controls", "examples"],
    "generate": ["note", "note_checks", "judge"],
    "refine": ["refine/refined_note", "refine/note", "note_checks", "judge"],
}
COLUMNS: dict[str, dict[str, Any]] = {
    "variation": {"column_type": "sampler", "sampler_type": "uniform", "params": {"low": 0, "high": 9}},
    "controls": {"column_type": "expression", "expr": "$controls"},
    "examples": {"column_type": "gold-examples", "k": 2},
    "note": {
        "column_type": "llm-structured",
        "model_alias": "writer",
        "output_format": "note.schema.json",
        "prompt": "{{ controls }}",
    },
    "note_checks": {"column_type": "row-checks"},
    "judge": {
        "column_type": "llm-judge",
        "model_alias": "critic",
        "prompt": "{{ note_checks__note }}",
        "skip": {"when": "{{ not note_checks.passed }}"},
        "scores": [
            {"name": name, "description": f"Is there {name}?", "options": {1: "no", 5: "yes"}}
            for name in ("clarity", "wit")
        ],
    },
    "refine/refined_note": {
        "column_type": "llm-structured",
        "model_alias": "mender",
        "output_format": "note.schema.json",
        "prompt": "{{ prev_note }} {{ critique }}",
    },
    "refine/note": {"column_type": "scoped-edit"},
}


def write_notes(
    root: Path,
    columns: Mapping[str, Mapping[str, Any]] | None = None,
    code: str | None = None,
    schema: Mapping[str, Any] = SCHEMA,
    **changes: Any,
) -> Path:
    """Write the dataset below a root, with other or further columns, with Python of its own; None drops a key."""
    folder = root / "columns" / "notes"
    named = {**COLUMNS, **(columns or {})}
    document = DATASET | ({} if code is None else {"code": "columns.notes.dataset"}) | changes
    for entry, column in named.items():
        path = folder / f"{entry}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump({"name": path.stem, **column}), encoding="utf-8")
    (folder / "note.schema.json").write_text(json.dumps(schema), encoding="utf-8")
    kept = {key: value for key, value in document.items() if value is not None}
    (folder / "dataset.yaml").write_text(yaml.safe_dump(kept), encoding="utf-8")
    if code is not None:
        (folder / "dataset.py").write_text(code, encoding="utf-8")
    return folder
