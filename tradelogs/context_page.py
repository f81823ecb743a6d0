"""Writes AGENTS.md and what `tradelogs context` prints: `python -m tradelogs.context_page`; `--check` compares."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import distribution

import click

from designer_configs.compile.checks.project import PROJECT_ROOT
from designer_configs.compile.make_docs import write_pages
from files.generated_file import write_or_compare
from tradelogs.cli import main as tradelogs
from tradelogs.messages import list_messages

FILE = PROJECT_ROOT / "AGENTS.md"
INVARIANTS = """\
- One direction: a room imports those below it, none above or beside it; `lint-imports` keeps it.
- A model is never asked whether a row passed: rules, scores and `acceptance` decide in code.
- candidates = accepted + rejected + failed, and every `row_id` stands once in the ledger.
- The same seed on the same inputs gives the same plan, and on the offline model the same rows.
- Held-out gold reaches no prompt and no price path; `verification/` alone reads it.
- Nothing is lost silently, nothing wrong is accepted silently; what is mended is named and counted.
- A file is whole or not there. A stopped run goes on, and nothing that was answered is asked again.
- Keys are named by environment variable, never stored, masked in all that is written or shown.
- A person's mistake is a message with file, line, limit, value and fix, and exit 2; never a traceback.
- Adding a dataset, control, command, format or question edits no shared file: each is found by its name.
- A model writes no indicator: those are computed from bars."""
STYLE = """\
Files under 400 lines, bodies under 50; functions begin with a verb; Google-style docstrings say shape, unit, window
end, null rule, errors, source. Comments say why. Tests mirror the rooms: free typed functions, literal frames, naive
oracles; warnings are errors; what takes long is `@pytest.mark.slow`. Generated files are written anew by their module
and compared by `make check`."""


def write_agents_page() -> str:
    """Write the text of AGENTS.md."""
    note = "<!-- Written by `python -m tradelogs.context_page`: change it there. -->"
    return "\n".join(
        [
            f"{note}\n# For coding assistants\n",
            "How it hangs together: `docs/architecture/README.md`, a page a room. Everything else on one page: "
            "`tradelogs context`.\n",
            f"## What always holds\n\n{INVARIANTS}\n\n## Style\n\n{STYLE}\n",
            "## Rooms, from the top down\n\n| room | what is in it |\n|---|---|",
            *(f"| `{room}/` | {says} |" for room, says in list_rooms()),
            "\n## Make\n\n| target | what it does |\n|---|---|",
            *(f"| `make {name}` | {says} |" for name, says in list_targets()),
            "\n## Commands\n\n| command | what it does |\n|---|---|",
            *(f"| `tradelogs {name}` | {says} |" for name, says in list_commands()),
            "",
        ]
    )


def write_context() -> str:
    """Write the page for a coding assistant: what AGENTS.md says, every key, every dataset, every message."""
    pages = [re.sub(r"<!--.*?-->\n", "", text, flags=re.DOTALL) for text in write_pages().values()]
    messages = list_messages(PROJECT_ROOT, [room for room, _ in list_rooms()])
    said = [f"### {room}\n\n" + "\n".join(f"- {text}" for text in texts) for room, texts in messages.items()]
    intro = "What a person is told for a mistake; `...` stands for a value."
    parts = [re.sub(r"<!--.*?-->\n", "", write_agents_page()), *pages, f"# Messages\n\n{intro}", *said]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def list_rooms() -> Iterator[tuple[str, str]]:
    """Give the rooms in the order of their imports, each with the first sentence that it says of itself."""
    for room in _name_rooms():
        file = PROJECT_ROOT / room / "__init__.py"
        if file.is_file():
            yield room, _take_sentence(ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or "")


def _name_rooms() -> list[str]:
    """Name the rooms: as the import contract orders them, or as packages are installed where there is none."""
    file = PROJECT_ROOT / "pyproject.toml"
    if not file.is_file():
        return (distribution("synthetic-trade-logs").read_text("top_level.txt") or "").split()
    linted = tomllib.loads(file.read_text(encoding="utf-8"))["tool"]["importlinter"]
    ordered = [room.strip() for layer in linted["contracts"][0]["layers"] for room in layer.split("|")]
    return [*ordered, *(room for room in linted["root_packages"] if room not in ordered)]


def list_targets() -> list[tuple[str, str]]:
    """Give the targets of the Makefile that say what they do."""
    file = PROJECT_ROOT / "Makefile"
    text = file.read_text(encoding="utf-8") if file.is_file() else ""  # it is not installed
    return re.findall(r"^([a-z-]+):.*?## (.*)$", text, flags=re.MULTILINE)


def list_commands() -> Iterator[tuple[str, str]]:
    """Give every command, those of a group behind the group's name, with its first sentence."""
    context = click.Context(tradelogs)
    for name in tradelogs.list_commands(context):
        command = tradelogs.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from (
                (f"{name} {below}", _take_sentence(each.help or "")) for below, each in command.commands.items()
            )
        else:
            yield name, _take_sentence(command.help or "")


def _take_sentence(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split()).replace("|", "\\|")


def main(arguments: list[str]) -> int:
    """Write AGENTS.md, or with `--check` say whether it is up to date (exit code 1: it is not)."""
    return write_or_compare({FILE: write_agents_page()}, arguments, "tradelogs.context_page")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
