"""Is Data Designer the one that what is patched here was written against? A hook that cannot tell stays closed.

`python -m jobs.library.versions` writes down what the installed version's source is, beside that of others.
"""

import functools
import hashlib
import inspect
import json
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from jobs.errors import BackendError

TRIED = ("0.9.6", "0.9.7")  # with which the tests pass
KNOWN_FILE = Path(__file__).with_name("known_sources.json")
LIBRARY, PACKAGE = "data-designer", "data_designer."

Target = tuple[Any, str]
"""Whose attribute is patched, and its name."""


def find_untried() -> str | None:
    """Give the installed version where it is none that was tried."""
    found = version(LIBRARY)
    return None if found in TRIED else found


def describe_untried(found: str) -> str:
    """Say to a person that a version was not tried."""
    return (
        f"Data Designer {found} was not tried with this project (tried: {', '.join(TRIED)}): what makes it quicker is "
        "left out where it has changed. If something is odd, pip install 'data-designer==" + TRIED[-1] + "'"
    )


def is_as_read(targets: Iterable[Target]) -> bool:
    """Tell whether all that a hook patches is as it was when the hook was written."""
    known = load_known()
    return all(hash_source(owner, name) in known.get(name_target(owner, name), ()) for owner, name in targets)


def name_target(owner: Any, name: str) -> str:
    """Name an attribute of a class or a module."""
    where = owner.__name__ if inspect.ismodule(owner) else f"{owner.__module__}.{owner.__qualname__}"
    return f"{where}.{name}"


def hash_source(owner: Any, name: str) -> str | None:
    """Hash an attribute's source; that of a module or class which is only used is its name; None: it is not there."""
    found = inspect.getattr_static(owner, name, None)
    if found is None:
        return None
    if inspect.ismodule(found):
        return found.__name__
    wrapped: Any = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    function = inspect.unwrap(wrapped)
    if not str(getattr(function, "__module__", "")).startswith(PACKAGE):  # Python's own, in its own versions
        return str(getattr(function, "__qualname__", type(function).__name__))
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):
        return str(function.__qualname__)
    return hashlib.sha256("".join(source.split()).encode()).hexdigest()[:16]


@functools.cache
def load_known() -> Mapping[str, list[str]]:
    """Load the hashes of what was read, by target."""
    known: dict[str, list[str]] = json.loads(KNOWN_FILE.read_text(encoding="utf-8"))
    return known


def require(owner: Any, name: str, *parameters: str) -> None:
    """Require of the library what a run cannot do without.

    Raises:
        BackendError: it is not there, or does not take these parameters.
    """
    found = inspect.getattr_static(owner, name, None)
    function = found.fget if isinstance(found, property) else getattr(found, "__func__", found)
    taken = inspect.signature(function).parameters if callable(function) else {}
    missing = [parameter for parameter in parameters if parameter not in taken]
    if found is None or missing:
        what = f"takes no {', '.join(missing)}" if found is not None else "is not there"
        raise BackendError(
            f"Data Designer {version(LIBRARY)} cannot be used: {name_target(owner, name)} {what}. "
            f"pip install 'data-designer=={TRIED[-1]}'"
        )


def write_known(targets: Iterable[Target]) -> None:
    """Write down the installed version's source of what is patched."""
    known = {name: list(hashes) for name, hashes in load_known().items()} if KNOWN_FILE.is_file() else {}
    for owner, name in targets:
        found, hashes = hash_source(owner, name), known.setdefault(name_target(owner, name), [])
        if found is not None and found not in hashes:
            hashes.append(found)
    KNOWN_FILE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    from jobs.library.speed import list_targets

    write_known(list_targets())
    sys.exit(0)
