"""Reads what a platform exported, as lines of text, without ever holding more than the stated limits."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gold_data.errors import GoldError

MAX_FILE_MIB = 32
MAX_LINE_MIB = 1
MIB = 1 << 20

LOG, MAPPING, POSITIONS = "trade log", "mapping", "list of positions"
WINDOWS = "Windows-1252"
UTF_16 = (b"\xff\xfe", b"\xfe\xff")
CARRIAGE_RETURN = b"\r"
_FOREIGN = {
    b"PK\x03\x04": "a spreadsheet or an archive; save the sheet as CSV in UTF-8, or give the file that is in it",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet; save the sheet as CSV in UTF-8",
    b"PAR1": "Parquet; give the platform's own CSV or JSON export",
    b"%PDF": "a PDF; export the trades as CSV",
}
_XML = (
    "XML. Of Interactive Brokers export the Flex Query in the format CSV; of NinjaTrader, MetaTrader 5 and others "
    "choose CSV or HTML in place of XML"
)


class Text(NamedTuple):
    """A file's lines, ends included, and the encoding they were read by."""

    lines: list[str]
    encoding: str


def read_lines(path: Path, max_line: int, what: str = LOG) -> list[str]:
    """Read a text file's lines; see `read_text`."""
    return read_text(path, max_line, what).lines


def read_text(path: Path, max_line: int, what: str = LOG) -> Text:
    """Read a text file's lines, ends included, a byte-order mark excluded.

    Text that is no UTF-8 is read as Windows-1252, which is what spreadsheets of western languages save as CSV: it has
    the same digits and letters of tickers, and the signs of currencies.

    Args:
        path: The file.
        max_line: Most bytes of a line.
        what: What it should be, for messages.

    Raises:
        GoldError: it is missing, no ordinary file, empty, over 32 MiB, text in none of these encodings, or has too
            long a line.
    """
    start = _read_start(path, what)
    kind = next((kind for magic, kind in _FOREIGN.items() if start.startswith(magic)), None)
    if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"<?xml", b"<Flex")):
        kind = _XML
    if start.startswith(UTF_16):
        return Text(_read_utf_16(path, max_line), "UTF-16")
    _refuse_foreign(path, start, kind)
    raws: list[bytes] = []
    try:
        with path.open("rb") as file:
            for raw in _iter_lines(file, max_line, is_old=CARRIAGE_RETURN in start and b"\n" not in start):
                _check_line(path, len(raws) + 1, raw, max_line)
                raws.append(raw)
    except OSError as exc:
        raise GoldError(f"{path} cannot be read: {exc.strerror}") from exc
    return _decode(path, raws)


def _iter_lines(file: BinaryIO, max_line: int, *, is_old: bool) -> Iterator[bytes]:
    """Give lines, of which a longer one than may be comes in pieces; `is_old` ones end in a carriage return alone."""
    if not is_old:
        yield from iter(lambda: file.readline(max_line + 1), b"")
        return
    for raw in file.read().splitlines(keepends=True):
        yield raw.replace(CARRIAGE_RETURN, b"\n")


def begins_as_json(path: Path) -> bool:
    """Tell whether a file's first character opens a list or object of JSON.

    Raises:
        GoldError: it is missing, no ordinary file, empty, or too large.
    """
    return _read_start(path, LOG).lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{"))


def begins_as_html(path: Path) -> bool:
    """Tell whether a file begins as a page of HTML does.

    Raises:
        GoldError: it is missing, no ordinary file, empty, or too large.
    """
    start = _read_start(path, LOG)
    text = start.decode("utf-16", "replace") if start.startswith(UTF_16) else start.decode("utf-8-sig", "replace")
    return text.lstrip().casefold().startswith(("<!doctype html", "<html", "<head", "<meta", "<table"))


def _read_start(path: Path, what: str) -> bytes:
    try:
        if not path.exists():
            raise GoldError(f"{path}: there is no such file; give the path of a {what}")
        if not path.is_file():
            raise GoldError(f"{path} is no ordinary file; give the path of one {what}")
        size = path.stat().st_size
        if size == 0:
            raise GoldError(f"{path} is empty; give a {what}" + (" as the platform exported it" if what == LOG else ""))
        if size > MAX_FILE_MIB * MIB:
            raise GoldError(f"{path} has {size / MIB:.0f} MiB; limit: {MAX_FILE_MIB} MiB. Export it in parts")
        with path.open("rb") as file:
            return file.read(4096)
    except (OSError, ValueError) as exc:
        raise GoldError(f"{path} cannot be opened; give the path of a {what}") from exc


def _read_utf_16(path: Path, max_line: int) -> list[str]:
    try:
        lines = path.read_bytes().decode("utf-16").replace("\r\n", "\n").split("\n")
    except OSError as exc:
        raise GoldError(f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise GoldError(f"{path} is marked as text in UTF-16 and is none; save it in UTF-8") from exc
    if max(map(len, lines)) > max_line:
        raise GoldError(f"{path}: a line is longer than {max_line / MIB:.2g} MiB; this is no trade log")
    return [f"{line}\n" for line in lines]


def _refuse_foreign(path: Path, raw: bytes, kind: str | None = None) -> None:
    if kind is None and b"\0" in raw:
        kind = "a binary file; give a trade log in CSV or JSON"
    if kind is not None:
        raise GoldError(f"{path} cannot be read as a trade log: it is {kind}")


def _check_line(path: Path, number: int, raw: bytes, max_line: int) -> None:
    _refuse_foreign(path, raw)
    if len(raw) > max_line:
        raise GoldError(f"{path}: line {number} is longer than {max_line / MIB:.2g} MiB; this is no trade log")


def _decode(path: Path, raws: list[bytes]) -> Text:
    lines: list[str] = []
    try:
        lines += (raw.decode("utf-8") for raw in raws)
        lines[0] = lines[0].removeprefix("\ufeff")
        return Text(lines, "UTF-8")
    except UnicodeDecodeError as exc:
        try:
            return Text([raw.decode(WINDOWS) for raw in raws], WINDOWS)
        except UnicodeDecodeError:
            message = f"{path}: line {len(lines) + 1} is not text in UTF-8; save the file as CSV in UTF-8"
            raise GoldError(message) from exc
