"""Writes docs/openapi.json, or with --check tells whether it is what the service says of itself."""

import json
import sys
import tempfile
from pathlib import Path

from service.app import build_app

FILE = Path(__file__).parent.parent / "docs/openapi.json"


def main() -> int:
    """Write the file, or compare it."""
    with tempfile.TemporaryDirectory() as nothing:
        app = build_app(Path(nothing), Path(nothing))
        text = json.dumps(app.openapi(), indent=1) + "\n"
    if "--check" not in sys.argv:
        FILE.write_text(text, encoding="utf-8")
    elif not FILE.is_file() or FILE.read_text(encoding="utf-8") != text:
        sys.stderr.write("docs/openapi.json is not what the service says: python -m service.openapi writes it\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
