"""Every message that a person can be told for a mistake, read from the sources."""

import ast
from collections.abc import Iterator
from pathlib import Path

TELLING = ("Problem", "Violation", "MisfitError", "Refused")  # what carries a message besides the errors
SHORTEST = 12  # characters: what is shorter is a path or a name


def list_messages(root: Path, rooms: list[str]) -> dict[str, list[str]]:
    """List the messages of each room, `...` where a value stands, each once and in the order of its files."""
    found = {}
    for room in rooms:
        files = sorted((root / room).rglob("*.py"))
        texts = [text for file in files for text in find_messages(file.read_text(encoding="utf-8"))]
        if texts:
            found[room] = list(dict.fromkeys(texts))
    return found


def find_messages(source: str) -> Iterator[str]:
    """Find the texts that a module gives to its errors, problems and violations."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name) and target.id == "message"
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _tells(node.func):
            for argument in node.args:
                text = write_text(argument)
                if text is not None and len(text) >= SHORTEST and " " in text:
                    yield text
    yield from (text for value in named.values() if (text := write_text(value)) is not None)


def _tells(function: ast.expr) -> bool:
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
    return name in TELLING or name == "report" or (name.endswith("Error") and name != "StorageError")


def write_text(value: ast.expr) -> str | None:
    """Write a text of the source, `...` where a value stands in it; None for anything else."""
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return " ".join(value.value.split())
    if isinstance(value, ast.JoinedStr):
        parts = [str(part.value) if isinstance(part, ast.Constant) else "..." for part in value.values]
        return " ".join("".join(parts).split())
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Add):
        sides = [write_text(side) for side in (value.left, value.right)]
        return None if None in sides else "".join(map(str, sides))
    return None
