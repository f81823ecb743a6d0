"""Descriptions that people wrote, shown as examples of how they write: JSON lines, or a text with blank lines between.

They say nothing of what is traded, so they are gold rows of one column; those that are held out are never shown.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl

from gold_data.errors import GoldError

GOLD_ID, TEXT = "gold_id", "text"
KEYS = (TEXT, "description", "prompt")  # under which a line of JSON may have its text, the first that is there
LINES = (".jsonl", ".ndjson", ".json")
LONGEST = 4_000  # characters of a text: three are shown in every prompt
SCHEMA = {GOLD_ID: pl.String, TEXT: pl.String}


def read_human_texts(path: Path | None) -> tuple[pl.DataFrame, list[str]]:
    """Read texts, each once, with their ids; no rows where no file is given. What was left out is in the notes.

    Raises:
        GoldError: the file cannot be read, holds no text, or a line of it cannot be used.
    """
    if path is None:
        return pl.DataFrame(schema=SCHEMA), []
    try:
        content = path.read_text(encoding="utf-8-sig")
    except OSError as exc:
        raise GoldError(f"{path} cannot be opened: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise GoldError(f"{path} is no text in UTF-8 (byte {exc.start}): save it as UTF-8") from exc
    found = list(_iter_lines(path, content) if path.suffix.lower() in LINES else _iter_blocks(content))
    if not found:
        raise GoldError(f"{path} holds no text: give one JSON object a line with {KEYS[0]}, or texts with a blank line")
    for line, text in found:
        if len(text) > LONGEST or "\0" in text:
            why = "holds a NUL" if "\0" in text else f"has {len(text):,} characters, at most {LONGEST:,} can be shown"
            raise GoldError(f"{path}: line {line}: the text {why}: shorten it or leave it out")
    texts = {" ".join(text.split()).casefold(): text for _, text in reversed(found)}
    kept = list(reversed(texts.values()))
    ids = [f"text-{number:04d}" for number in range(1, len(kept) + 1)]
    notes = [f"{path.name}: {len(found) - len(kept)} texts stand there twice"] if len(kept) < len(found) else []
    return pl.DataFrame({GOLD_ID: ids, TEXT: kept}, schema=SCHEMA), notes


def _iter_lines(path: Path, content: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(content.splitlines(), 1):
        if line.strip():
            yield number, _read_line(f"{path}: line {number}", line)


def _read_line(where: str, line: str) -> str:
    try:
        said: Any = json.loads(line)
    except (ValueError, RecursionError) as exc:
        raise GoldError(f"{where} is no JSON ({exc}): give one object a line, or save the texts as .txt") from exc
    text = next((said[key] for key in KEYS if key in said), None) if isinstance(said, dict) else said
    if not isinstance(text, str) or not text.strip():
        raise GoldError(f"{where} has no text under {', '.join(KEYS[:-1])} or {KEYS[-1]}: give it there, in quotes")
    return text.strip()


def _iter_blocks(content: str) -> Iterator[tuple[int, str]]:
    """Give the texts between blank lines, each with the line it begins on."""
    for block in re.finditer(r"\S[^\n]*(?:\n[^\S\n]*\S[^\n]*)*", content):
        yield content.count("\n", 0, block.start()) + 1, block[0].strip()
