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
from urllib.parse import quote_plus, unquote, urlsplit

SHORTEST_SECRET = 8  # characters; what is shorter, such as `none`, is a stand-in and may well be a word of an answer
BACKSLASH = chr(92)

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
    """Write what finds a secret in any of its forms, those of the longest first."""
    parts = _find_credentials(value) if "://" in value else (value, value.strip())
    secrets = {part for part in parts if len(part) >= SHORTEST_SECRET}
    patterns = [_spell_text(secret) for secret in sorted(secrets, key=lambda secret: (-len(secret), secret))]
    forms = {form for secret in secrets for form in _list_forms(secret)}
    patterns += [re.escape(form) for form in sorted(forms, key=lambda form: (-len(form), form))]
    return re.compile("|".join(patterns)) if patterns else None


def _find_credentials(value: str) -> Iterator[str]:
    """Find who asks in an address, and the password: as written, decoded, and as the header that is made of them.

    A token may be given as the user. The rest of an address is no secret.
    """
    with contextlib.suppress(ValueError):
        address = urlsplit(value)
        written = [address.username or "", address.password or ""]
        meant = [unquote(part) for part in written]
        yield from (*written, *meant)
        if any(meant):
            yield base64.b64encode(":".join(meant).encode("utf-8", "surrogateescape")).decode().rstrip("=")


def _spell_text(secret: str) -> str:
    """Write what finds a text whose characters may each be escaped, for whoever quotes one chooses which are."""
    return "".join(_spell_character(character) for character in secret)


def _spell_character(character: str) -> str:
    r"""Write what finds a character: as it is, in a URL, in JSON (`\/`, `\u002b`), and as Python shows its bytes.

    JSON in JSON doubles a backslash, so there may be several.
    """
    if character.isascii() and character.isalnum():
        return character
    raw, shown = character.encode("utf-8", "surrogateescape"), json.dumps(character)[1:-1]
    unit = f"\\u{ord(character):04x}" if ord(character) <= 0xFFFF else shown
    percent = "".join(f"%{byte:02x}" for byte in raw)
    misread = raw.decode("latin-1")  # by a server that takes headers for Latin-1
    forms = dict.fromkeys(
        [character, misread, f"\\{character}", shown, unit, percent, quote_plus(raw), repr(raw)[2:-1]]
    )
    return f"(?i:{'|'.join(re.escape(form).replace(BACKSLASH * 2, BACKSLASH * 2 + '{1,4}') for form in forms)})"


def _list_forms(secret: str) -> Iterator[str]:
    raw = secret.encode("utf-8", "surrogateescape")
    yield from (raw.hex(), raw.hex().upper())
    for before in range(3):  # what base64 makes of it depends on how many bytes stand before it
        encoded = base64.b64encode(b"\0" * before + raw).decode()
        whole = encoded[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        yield from (whole, whole.replace("+", "-").replace("/", "_"))
