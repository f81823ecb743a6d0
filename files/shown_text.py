"""Text that is shown or logged: what files, models and providers say is seen, and never obeyed."""

import contextlib
import shlex
import unicodedata
from pathlib import Path

from files.secret_text import mask_secrets

KEPT = "\n\t"
ONE_LINE = str.maketrans({character: ascii(character)[1:-1] for character in KEPT})


def clean_text(text: str) -> str:
    """Write control characters as escapes (a terminal obeys some of them), and mask secrets.

    What turns the writing direction or has no width is one of them: it makes a text look like another.
    """
    masked = mask_secrets(text)
    return masked if masked.isprintable() else "".join(c if _is_harmless(c) else ascii(c)[1:-1] for c in masked)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in KEPT or unicodedata.category(character) == "Zs"  # kinds of space


def show_path(path: Path) -> str:
    """Write a path as a person gives it: from the current folder where it lies below, on one line."""
    return _give_path(path).translate(ONE_LINE)


def _give_path(path: Path) -> str:
    """Give a path from the current folder where it lies below, and never as an option."""
    with contextlib.suppress(OSError):  # the current folder may be gone by now
        here = Path.cwd()
        path = path.relative_to(here) if path.is_relative_to(here) else path
    shown = str(path)
    return f"./{shown}" if shown.startswith("-") else shown


def write_command(*words: str | Path) -> str:
    """Write a command that a shell takes as it is meant, whatever its paths are called."""
    return " ".join(_quote_word(_give_path(word) if isinstance(word, Path) else word) for word in words)


def say_unfinished(folder: Path, name: str) -> str:
    """Say that a folder is no finished run, for want of a file; where its profile lies there is one to go on with."""
    lacks = f"{name} is missing" if folder.is_dir() else "there is no such folder"
    said = f"{folder} is no finished run: {lacks}"
    if (folder / "profile.yaml").is_file():
        return f"{said}. Go on with it: {write_command('tradelogs', 'resume', folder)}"
    return f"{said}. Name the folder that `tradelogs generate` printed"


def _quote_word(word: str) -> str:
    r"""Quote a word, one with control characters as bash, zsh and ksh read them: `$'a\x1b'`."""
    if "\n" not in word and "\t" not in word and clean_text(word) == word:
        return shlex.quote(word)
    return f"$'{''.join(map(_spell_character, word))}'"


def _spell_character(character: str) -> str:
    if character in "\\'":
        return f"\\{character}"
    if character.isprintable():
        return character
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogateescape"))
