"""Writes docs/graph.mmd, the loop as Mermaid draws it: `python -m refine_loop.draw_graph`; `--check` compares."""

import sys

from designer_configs.compile.checks.project import PROJECT_ROOT
from files.generated_file import write_or_compare
from refine_loop.graph import graph

FILE = PROJECT_ROOT / "docs" / "graph.mmd"
NOTE = "%% Written by `python -m refine_loop.draw_graph` from refine_loop/graph.py: change it there.\n"


def write_drawing() -> str:
    """Write the drawing's text."""
    return NOTE + graph.get_graph().draw_mermaid()


def main(arguments: list[str]) -> int:
    """Write the file, or with `--check` say whether it is up to date (exit code 1: it is not)."""
    return write_or_compare({FILE: write_drawing()}, arguments, "refine_loop.draw_graph")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
