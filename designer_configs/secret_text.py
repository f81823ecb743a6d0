"""Keeps keys out of every text that is written or shown: a provider may say in an error what it was sent.

A key is the value of an environment variable that a loaded profile names. Which variables those are is known to the
whole process, so that no place where a text leaves it has to be told.
"""

import base64
import contextlib
import functools
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, quote_plus, urlsplit

SHORTEST_SECRET = 8  # characters; what is shorter, such as `none`, is a stand-in and may well be a word of an answer

_names: dict[str, None] = {}


def remember_secrets(names: Iterable[str]) -> None:
    """Take the values of environment variables for secrets from now on, in this process."""
    _names.update(dict.fromkeys(names))


def mask_secrets(text: str) -> str:
    """Put `[NAME]` in the place of every secret's value, also where it is encoded (URL, JSON, base64, hex)."""
    for name in _names:
        pattern = _write_pattern(os.environ.get(name, ""))
        if pattern is not None:
            text = pattern.sub(f"[{name}]", text)
    return text


def mask_values(value: Any) -> Any:
    """Mask every text of plain data, keys of objects included."""
    if not _names:
        return value
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, list):
        return [mask_values(item) for item in value]
    if isinstance(value, dict):
        return {mask_values(key): mask_values(item) for key, item in value.items()}
    return value


@functools.lru_cache(maxsize=16)
def _write_pattern(value: str) -> re.Pattern[str] | None:
    """Write what finds a secret in any of its forms, the longest first."""
    parts = _find_credentials(value) if "://" in value else (value, value.strip())
    secrets = {part for part in parts if len(part) >= SHORTEST_SECRET}
    forms = {form for secret in secrets for form in _list_forms(secret)}
    if not forms:
        return None
    return re.compile("|".join(re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))))


def _find_credentials(value: str) -> Iterator[str]:
    """Find the password in an address; the rest of it is no secret."""
    with contextlib.suppress(ValueError):
        yield urlsplit(value).password or ""


def _list_forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield secret
    yield from (json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(raw)[2:-1])
    yield from (quote(raw, safe=""), quote(raw), quote_plus(raw), raw.hex())
    for before in range(3):  # what base64 makes of it depends on how many bytes stand before it
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        whole = encoded[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))
