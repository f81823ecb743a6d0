"""Every closed object in a text, by a tokenizer that takes what loses nothing and repairs nothing."""

import json
import re
from dataclasses import dataclass, field
from typing import Any, NoReturn

MAX_DEPTH = 50
MAX_STARTS = 500  # beginnings that came to nothing, after which a text is no answer

UNSEEN = "\u00a0\u200b\u200c\u200d\u200e\u200f\u2060\ufeff"
BLANKS = " \t\r\n" + UNSEEN
_SPACE = re.compile(rf"(?:[\s{UNSEEN}]+|//[^\n]*|/\*.*?\*/|\#[^\n]*)*", re.DOTALL)
_DOUBLE, _SINGLE = "\u201c\u201d\u201e\u201f", "\u2018\u2019"  # typographic quotes
_TEXTS = {
    '"': re.compile(r'"([^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL),
    "'": re.compile(r"'([^'\\]*(?:\\.[^'\\]*)*)'", re.DOTALL),
    **{
        sign: re.compile(rf'[{_DOUBLE}]([^{_DOUBLE}"\\]*(?:\\.[^{_DOUBLE}"\\]*)*)[{_DOUBLE}]', re.DOTALL)
        for sign in _DOUBLE
    },
    **{
        sign: re.compile(rf"[{_SINGLE}]([^{_SINGLE}'\\]*(?:\\.[^{_SINGLE}'\\]*)*)[{_SINGLE}]", re.DOTALL)
        for sign in _SINGLE
    },
}
_KEY = re.compile(r"[^\W\d](?:[\w$-]|\\_)*")
_BARE = re.compile(rf"(?:[^,{{}}\[\]\"'\n\r{_DOUBLE}{_SINGLE}/#]|/(?![/*]))+")
_NUMBER = re.compile(r"-?(?:0|[1-9]\d{0,299})(?:\.\d+)?(?:[eE][+-]?\d{1,3})?", re.ASCII)
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_PLAIN_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\", "/": "/"}
_MARKDOWN = "_*'$#.-[]()~`+!|<>{}%&"
_LITERALS = {"true": True, "false": False, "null": None}
_PYTHON = {"True": True, "False": False, "None": None}
_START = re.compile(r"[{\[]|\"(?=[\s]*[{\[][^\"]*\\\")")


class Bare(str):
    """A value without quotes that is no number and no literal; only a mending of its field makes anything of it."""

    __slots__ = ()


@dataclass(frozen=True)
class Found:
    """A closed object or list of a text, from `start` to `end`, the mendings it took, and the keys it repeats."""

    node: Any
    start: int
    end: int
    used: frozenset[str] = frozenset()
    repeats: tuple[str, ...] = ()


@dataclass(frozen=True)
class Broken:
    """An object that is not closed (`cut`) or cannot be made sense of, with the keys that were read of it."""

    start: int
    cut: bool
    keys: tuple[str, ...]
    near: str


class _BrokenError(Exception):
    pass


def load_strictly(text: str) -> Any:
    """Load JSON as it stands in the standard: no repeated keys, no NaN.

    Raises:
        ValueError: The text is no such JSON.
    """
    return _STRICT.decode(text)


def find_objects(text: str) -> tuple[list[Found], list[Broken]]:
    """Find every closed object and list of a text, outermost ones only, and what is begun and broken, in order."""
    found: list[Found] = []
    broken: list[Broken] = []
    position = 0
    while (start := _START.search(text, position)) and len(broken) < MAX_STARTS:
        at = start.start()
        parser = _Parser(text)
        try:
            node = parser.take_value(at, 0)
        except _BrokenError:
            begun = Broken(at, parser.cut, tuple(parser.keys), text[parser.at : parser.at + 40])
            broken.append(begun)
            if begun.cut and begun.keys:
                break
            position = at + 1
            continue
        position = parser.at
        if isinstance(node, str):
            parser.used.add("encoded")
            inner, _ = find_objects(node) if node.strip()[-1:] in ("}", "]") else ([], [])
            found += [
                Found(one.node, at, position, one.used | parser.used, one.repeats)
                for one in inner[:1]
                if len(inner) == 1
            ]
        else:
            found.append(Found(node, at, position, frozenset(parser.used), tuple(parser.repeats)))
    return found, broken


@dataclass
class _Parser:
    """Reads one value; `at` is how far, `cut` whether the text ended in it."""

    text: str
    at: int = 0
    cut: bool = False
    used: set[str] = field(default_factory=set)
    keys: list[str] = field(default_factory=list)
    repeats: list[str] = field(default_factory=list)

    def take_value(self, at: int, depth: int) -> Any:
        """Take the value that begins at a place."""
        first = self.text[at : at + 1]
        if depth > MAX_DEPTH:
            self._break(at)
        if first == "{":
            return self._take_object(at + 1, depth + 1)
        if first == "[":
            return self._take_list(at + 1, depth + 1)
        if first in _TEXTS and first:
            return self._take_text(at)
        return self._take_bare(at)

    def _take_object(self, at: int, depth: int) -> dict[str, Any]:
        node: dict[str, Any] = {}
        at = self._skip(at)
        while self.text[at : at + 1] != "}":
            key, at = self._take_key(at)
            at = self._skip(at)
            if self.text[at : at + 1] != ":":
                self._break(at)
            self.keys.append(key)
            value = self.take_value(self._skip(at + 1), depth)
            if key in node and not are_same(node[key], value):
                self.repeats.append(key)
            node[key] = value
            at = self._end_item("}")
        self.at = at + 1
        return node

    def _take_list(self, at: int, depth: int) -> list[Any]:
        node: list[Any] = []
        at = self._skip(at)
        while self.text[at : at + 1] != "]":
            node.append(self.take_value(at, depth))
            at = self._end_item("]")
        self.at = at + 1
        return node

    def _end_item(self, closing: str) -> int:
        """Go over the comma behind an item; where the next one begins, or the closing bracket stands."""
        at = self._skip(self.at)
        if self.text[at : at + 1] == ",":
            at = self._skip(at + 1)
            if self.text[at : at + 1] == closing:
                self.used.add("trailing_comma")
        elif self.text[at : at + 1] != closing:
            self._break(at)
        return at

    def _take_key(self, at: int) -> tuple[str, int]:
        if self.text[at : at + 1] in _TEXTS and at < len(self.text):
            return self._take_text(at), self.at
        if not (bare := _KEY.match(self.text, at)):
            self._break(at)
        self.used.add("bare_keys")
        return bare.group().replace("\\_", "_"), bare.end()

    def _take_text(self, at: int) -> str:
        quote = self.text[at]
        if not (quoted := _TEXTS[quote].match(self.text, at)):
            self._break(at, cut=True)
        if quote != '"':
            self.used.add("single_quotes" if quote == "'" else "smart_quotes")
        self.at = quoted.end()
        body = quoted.group(1)
        if "\n" in body or "\t" in body or "\r" in body:
            self.used.add("raw_line_breaks")
        return self._unescape(body) if "\\" in body else body

    def _unescape(self, body: str) -> str:
        def replace(escape: re.Match[str]) -> str:
            name = escape.group(1)
            if len(name) > 1:
                return chr(int(name[1:], 16))
            if name in _PLAIN_ESCAPES:
                return _PLAIN_ESCAPES[name]
            if name not in _MARKDOWN:
                self._break(self.at)
            self.used.add("markdown_escapes")
            return name

        text = _ESCAPE.sub(replace, body)
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "surrogatepass") if "\\u" in body else text

    def _take_bare(self, at: int) -> Any:
        if not (bare := _BARE.match(self.text, at)):
            self._break(at)
        self.at = bare.end()
        said = bare.group().strip(" \t" + UNSEEN)
        if self.at == len(self.text):
            self._break(self.at)
        if said in _LITERALS:
            return _LITERALS[said]
        if said in _PYTHON:
            self.used.add("python_literals")
            return _PYTHON[said]
        return json.loads(said) if _NUMBER.fullmatch(said) else Bare(said)

    def _skip(self, at: int) -> int:
        """Go over blanks and comments."""
        space = _SPACE.match(self.text, at)
        end = space.end() if space else at
        if end > at:
            unusual = self.text[at:end].strip(" \t\r\n")
            if unusual:
                self.used.add("comments" if unusual.lstrip(UNSEEN)[:1] in ("/", "#") else "invisible")
        return end

    def _break(self, at: int, *, cut: bool = False) -> NoReturn:
        self.at, self.cut = at, cut or not self.text[at:].strip("` \t\r\n~")
        raise _BrokenError


def are_same(one: Any, other: Any) -> bool:
    """Whether two values of JSON are the same; 1 is 1.0 and not true."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(are_same(value, other[key]) for key, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(are_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _refuse_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    node = dict(pairs)
    if len(node) < len(pairs):
        raise ValueError
    return node


def _refuse_constant(_: str) -> NoReturn:
    raise ValueError


_STRICT = json.JSONDecoder(object_pairs_hook=_refuse_repeats, parse_constant=_refuse_constant)
