"""Keeps files that are generated and committed as what generates them says."""

import sys
from collections.abc import Mapping
from pathlib import Path


def write_or_compare(texts: Mapping[Path, str], arguments: list[str], module: str) -> int:
    """Write generated files, or with `--check` name those that are out of date.

    Args:
        texts: The text of each file.
        arguments: Those of the command line.
        module: The module that writes them, as `python -m` is told.

    Returns:
        The exit code: 1 where a file is out of date.
    """
    stale = 0
    for path, text in texts.items():
        if "--check" not in arguments:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            sys.stdout.write(f"{path.parent.name}/{path.name} is out of date: run python -m {module}\n")
            stale = 1
    return stale
