"""Writes docs/openapi.json, or with --check tells whether it is what the service says of itself."""

import json
import sys
import tempfile
from pathlib import Path

from files.generated_file import write_or_compare
from service.app import build_app

FILE = Path(__file__).parent.parent / "docs/openapi.json"


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is up to date (exit code 1: it is not)."""
    with tempfile.TemporaryDirectory() as nothing:
        text = json.dumps(build_app(Path(nothing), Path(nothing)).openapi(), indent=1) + "\n"
    return write_or_compare({FILE: text}, arguments, "service.openapi")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
