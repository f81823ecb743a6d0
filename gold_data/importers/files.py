"""Reads what a platform exported, as lines of text, without ever holding more than the stated limits."""

from pathlib import Path

from gold_data.errors import GoldError

MAX_FILE_MIB = 32
MAX_LINE_MIB = 1
MIB = 1 << 20

_FOREIGN = {
    b"PK\x03\x04": "a spreadsheet or an archive; save the sheet as CSV in UTF-8",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save the sheet as CSV in UTF-8",
    b"PAR1": "Parquet; give the platform's own CSV or JSON export",
    b"%PDF": "a PDF; export the trades as CSV",
    b"\xff\xfe": "text in UTF-16; save it in UTF-8",
    b"\xfe\xff": "text in UTF-16; save it in UTF-8",
}


def read_lines(path: Path, max_line: int) -> list[str]:
    """Read a text file's lines, ends included, a byte-order mark excluded.

    Args:
        path: The file.
        max_line: Most bytes of a line.

    Raises:
        GoldError: it is missing, no ordinary file, empty, over 32 MiB, not text in UTF-8, or has too long a line.
    """
    start = _read_start(path)
    kind = next((kind for magic, kind in _FOREIGN.items() if start.startswith(magic)), None)
    _refuse_foreign(path, start, kind)
    lines: list[str] = []
    try:
        with path.open("rb") as file:
            while raw := file.readline(max_line + 1):
                lines.append(_decode(path, len(lines) + 1, raw, max_line))
    except OSError as exc:
        raise GoldError(f"{path} cannot be read: {exc.strerror}") from exc
    lines[0] = lines[0].removeprefix("\ufeff")
    return lines


def begins_as_json(path: Path) -> bool:
    """Tell whether a file's first character opens a list or object of JSON.

    Raises:
        GoldError: it is missing, no ordinary file, empty, or too large.
    """
    return _read_start(path).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))


def _read_start(path: Path) -> bytes:
    try:
        if not path.exists():
            raise GoldError(f"{path}: there is no such file; give the path of a trade log")
        if not path.is_file():
            raise GoldError(f"{path} is no ordinary file; give the path of one trade log")
        size = path.stat().st_size
        if size == 0:
            raise GoldError(f"{path} is empty; give a trade log as the platform exported it")
        if size > MAX_FILE_MIB * MIB:
            raise GoldError(f"{path} has {size / MIB:.0f} MiB; limit: {MAX_FILE_MIB} MiB. Export it in parts")
        with path.open("rb") as file:
            return file.read(4096)
    except (OSError, ValueError) as exc:
        raise GoldError(f"{path} cannot be opened; give the path of a trade log") from exc


def _refuse_foreign(path: Path, raw: bytes, kind: str | None = None) -> None:
    if kind is None and b"\0" in raw:
        kind = "a binary file; give a trade log in CSV or JSON"
    if kind is not None:
        raise GoldError(f"{path} cannot be read as a trade log: it is {kind}")


def _decode(path: Path, number: int, raw: bytes, max_line: int) -> str:
    _refuse_foreign(path, raw)
    if len(raw) > max_line:
        raise GoldError(f"{path}: line {number} is longer than {max_line / MIB:.2g} MiB; this is no trade log")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as exc:
        raise GoldError(f"{path}: line {number} is not text in UTF-8; save the file as CSV in UTF-8") from exc
