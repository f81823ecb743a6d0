"""Writes docs/events.md from the schema of events: `python -m refine_loop.record.event_docs`; `--check` compares."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from designer_configs.compile.checks.project import PROJECT_ROOT
from files.generated_file import write_or_compare

PAGE = PROJECT_ROOT / "docs" / "events.md"
_TABLE = "| field | type | meaning |\n|---|---|---|\n"
_INTRO = """\
<!-- Written by `python -m refine_loop.record.event_docs` from events.schema.json beside it: change it there. -->
# Events: `events.jsonl`

A run's folder has one JSON object per line and event, appended as it happens. A killed process loses none, a power cut
those of the last quarter of a second; a line that was cut short is taken out when the run is resumed. `usage.json` and
the ledger's requests and tokens are sums over these lines. Prompts and answers are not among them: with `trace: full`
they stand in `trace/<round>_<stage>.jsonl.gz`, one line per request with `row_id`, `column`, `number`, `messages` and
`answer` or `error`, from when their round has settled (until then in `rounds/NNN/answers_<stage>.jsonl`). Of a request
that was tried more than once the trace has the last try, its `model` and `seconds`; the events have each.
"""


def load_event_schema() -> dict[str, Any]:
    """Load the JSON Schema of one event."""
    schema: dict[str, Any] = json.loads(Path(__file__).with_name("events.schema.json").read_text(encoding="utf-8"))
    return schema


def write_page() -> str:
    """Write the page's text."""
    schema = load_event_schema()
    common = [_write_row(name, part, required=True) for name, part in schema["properties"].items()]
    parts = [f"{_INTRO}\n## Every event\n\n{_TABLE}{''.join(common)}"]
    for event, declared in schema["$defs"].items():
        own = {name: part for name, part in declared["properties"].items() if name not in schema["properties"]}
        rows = [_write_row(name, part, required=name in declared["required"]) for name, part in own.items()]
        parts.append(f"\n## `{event}`\n\n{declared['description']}\n\n{_TABLE}{''.join(rows)}")
    return "".join(parts)


def _write_row(name: str, part: Mapping[str, Any], *, required: bool) -> str:
    values = part.get("enum") or part["type"]
    kind = " or ".join(str(value or "null") for value in values) if isinstance(values, list) else values
    return f"| `{name}` | {kind}{'' if required else ', not always'} | {part['description']} |\n"


def main(arguments: list[str]) -> int:
    """Write the page, or with `--check` say whether it is up to date (exit code 1: it is not)."""
    return write_or_compare({PAGE: write_page()}, arguments, "refine_loop.record.event_docs")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
