"""Reads a YAML file as plain data, and remembers the line of every key, so that messages can point at it.

Stricter than the library: a duplicate key, a tag, a merge key or a cycle is a problem; nothing is ever executed.
"""

import copy
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from typing import Any

import yaml

from designer_configs.errors import Problem

KeyPath = tuple[str | int, ...]

DRAWN = "values"  # the key of what a sampler draws from
MAX_VALUES = 50_000  # aliases of aliases grow without bound; no configuration is this large
MAX_BYTES = 1 << 20  # of a file, and of all its values with every alias written out
_OTHER_BASE = re.compile(r"[-+]?0[0-9_bx][0-9_a-fA-F]*")  # octal, binary, hexadecimal
_SCALARS = {f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}
_COLLECTIONS = {"tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"}


@dataclass(frozen=True)
class YamlSource:
    """A YAML file as it was read.

    `data` is None where the file could not be read at all. Keys are text, as in JSON, whatever YAML makes of them.
    `lines` holds the line of every key and list item; `texts` the line above the first line of every literal block;
    `misread` says of values without quotes that YAML 1.1 takes them for something that few people mean.
    `file` is the name that messages use.
    """

    path: Path
    file: str
    data: Any = None
    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    texts: Mapping[KeyPath, int] = field(default_factory=dict)
    misread: Mapping[KeyPath, str] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def find_line(self, path: KeyPath, line_of_text: int | None = None) -> int | None:
        """Give the line of a key, or of its nearest parent; in a literal block, of the block's nth line."""
        if line_of_text is not None and path in self.texts:
            return self.texts[path] + line_of_text
        return next((self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), None)

    def report(self, path: KeyPath, message: str, line_of_text: int | None = None) -> Problem:
        """Describe a problem at a key of this file."""
        return Problem(self.file, self.find_line(path, line_of_text), write_path(path), message)


def write_path(path: KeyPath) -> str:
    """Write a key path with dots."""
    return ".".join(str(part) for part in path)


def load_yaml(path: Path, file: str | None = None) -> YamlSource:
    """Read a YAML file whose top is a mapping. Whatever is wrong is in `problems`; nothing is raised.

    Args:
        path: The file.
        file: Name of the file in messages; the path where none is given.
    """
    file = file or str(path)
    try:
        if message := _refuse_file(path):
            return YamlSource(path, file, problems=(Problem(file, None, "", message),))
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as exc:
        return YamlSource(path, file, problems=(Problem(file, None, "", f"cannot be read: {exc.strerror}"),))
    except UnicodeDecodeError as exc:
        line = exc.object.count(b"\n", 0, exc.start) + 1
        message = f"byte {exc.object[exc.start]:#04x} is not UTF-8: save the file as UTF-8"
        return YamlSource(path, file, problems=(Problem(file, line, "", message),))
    return _parse(path, file, text)


def parse_value(text: str, key: str = "value") -> Any:
    """Read one value as it would stand behind a key of a file.

    Raises:
        ValueError: it is none, with all that is wrong.
    """
    source = _parse(Path(), "", f"{key}: {text}")
    if faults := [*(problem.message for problem in source.problems), *source.misread.values()]:
        raise ValueError("; ".join(faults))
    if set(source.data) != {key}:
        raise ValueError("is more than one value: put it on one line")
    return source.data[key]


def _refuse_file(path: Path) -> str | None:
    found = path.stat()
    if not (S_ISREG(found.st_mode) or S_ISDIR(found.st_mode)):
        return "cannot be read: it is no regular file"  # a device or a pipe may have no end
    if S_ISREG(found.st_mode) and found.st_size > MAX_BYTES:
        return f"has {found.st_size} bytes; the limit is {MAX_BYTES}: this is no configuration"
    return None


def _parse(path: Path, file: str, text: str) -> YamlSource:
    source = _parse_text(file, text)
    return replace(source, path=path, data=copy.deepcopy(source.data))


@functools.lru_cache(maxsize=256)
def _parse_text(file: str, text: str) -> YamlSource:
    """Parse a file once: one profile after another names the same columns."""
    path = Path(file)
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        builder = _Builder(loader, file)
        data = builder.build(node, ()) if node is not None else None
    except yaml.MarkedYAMLError as exc:
        return YamlSource(path, file, problems=(_explain_syntax(file, exc),))
    except yaml.reader.ReaderError as exc:
        line = text.count("\n", 0, exc.position) + 1
        message = f"the character U+{exc.character:04X} is not allowed in YAML"
        return YamlSource(path, file, problems=(Problem(file, line, "", message),))
    except (ValueError, OverflowError) as exc:  # the scanner's own, for an escape such as "\UFFFFFFFF"
        return YamlSource(path, file, problems=(Problem(file, None, "", f"not valid YAML: {exc}"),))
    except RecursionError:
        return YamlSource(path, file, problems=(Problem(file, None, "", "nested too deeply"),))
    if not isinstance(data, dict):
        found = "the file is empty" if data is None else f"found {_name_kind(data)}"
        builder.problems.insert(0, Problem(file, 1, "", f"must be a mapping of keys to values; {found}"))
        data = None
    return YamlSource(path, file, data, builder.lines, builder.texts, builder.misread, tuple(builder.problems))


def _name_kind(data: object) -> str:
    return "a list" if isinstance(data, list) else "a single value"


def _explain_syntax(file: str, error: yaml.MarkedYAMLError) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else None
    if error.problem and r"'\t'" in error.problem:
        return Problem(file, line, "", "a tab: YAML is indented with spaces only")
    message = ", ".join(part for part in (error.problem, error.context) if part)
    return Problem(file, line, "", f"not valid YAML: {message}")


def _tell_misread(text: str, value: object, path: KeyPath) -> str | None:
    """Tell what YAML 1.1 takes a text without quotes for where few people mean it: `on`, `9:30`, `010`, a date."""
    if isinstance(value, bool):
        taken = str(value).lower()
        if text.lower() == taken:
            return None
        or_so = "" if DRAWN in path else f", or write {taken}"  # no value that is drawn may be one of truth
        return f"YAML reads {text} as {taken}: put it in quotes to make it text{or_so}"
    if isinstance(value, int | float):
        if ":" not in text and not _OTHER_BASE.fullmatch(text):
            return None
        return f"YAML reads {text} as the number {value}: put it in quotes to make it text"
    return None if isinstance(value, str | None) else f"YAML reads {text} as a date: put it in quotes to make it text"


class _Builder:
    """Builds plain data from nodes."""

    def __init__(self, loader: yaml.SafeLoader, file: str) -> None:
        self._loader = loader
        self._file = file
        self._open: set[int] = set()
        self._count = 0
        self._characters = 0
        self.lines: dict[KeyPath, int] = {(): 1}
        self.texts: dict[KeyPath, int] = {}
        self.misread: dict[KeyPath, str] = {}
        self.problems: list[Problem] = []

    def build(self, node: yaml.Node, path: KeyPath) -> Any:
        """Build the value of a node; None where something is wrong with it."""
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        self._count += 1
        if id(node) in self._open:
            return self._refuse(line, path, "refers to itself")
        if self._count > MAX_VALUES:
            too_large = self._count == MAX_VALUES + 1
            return self._refuse(line, path, f"has more than {MAX_VALUES} values") if too_large else None
        if node.tag not in (_SCALARS if isinstance(node, yaml.ScalarNode) else _COLLECTIONS):
            return self._refuse(line, path, f"the tag {node.tag.replace('tag:yaml.org,2002:', '!!')} is not allowed")
        self._open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return {key: self.build(value, (*path, key)) for key, value in self._list_keys(node, path)}
            if isinstance(node, yaml.SequenceNode):
                return [self.build(item, (*path, i)) for i, item in enumerate(node.value)]
            assert isinstance(node, yaml.ScalarNode)
            return self._build_scalar(node, path, line)
        finally:
            self._open.discard(id(node))

    def _list_keys(self, node: yaml.MappingNode, path: KeyPath) -> Iterator[tuple[str, yaml.Node]]:
        """Yield the keys that can be used, each once; note their lines."""
        first: dict[str, int] = {}
        for key_node, value in node.value:
            line = key_node.start_mark.line + 1
            key = str(key_node.value)
            if key_node.tag not in _SCALARS or not key.isprintable():
                merge = key_node.tag == "tag:yaml.org,2002:merge"
                hint = "merge keys are not read: write the keys out" if merge else "a key must be plain text"
                self._refuse(line, path, f"{ascii(key)[:60]}: {hint}")
                continue
            if key in first:
                self._refuse(line, (*path, key), f"duplicate key; it stands in line {first[key]} already: keep one")
                continue
            first[key] = self.lines[(*path, key)] = line
            yield key, value

    def _build_scalar(self, node: yaml.ScalarNode, path: KeyPath, line: int) -> Any:
        self._characters += len(node.value)
        if self._characters > MAX_BYTES:
            first = self._characters - len(node.value) <= MAX_BYTES
            message = f"has more than {MAX_BYTES} characters, aliases included"
            return self._refuse(line, path, message) if first else None
        if node.style == "|":
            self.texts[path] = line
        try:
            value = self._loader.construct_object(node)
            str(value).encode("utf-8")
        except (yaml.YAMLError, ValueError, KeyError, AttributeError, OverflowError):
            return self._refuse(line, path, f"{ascii(node.value)[:60]} is no value: put it in quotes if it is text")
        if node.style is None and (misread := _tell_misread(node.value, value, path)) is not None:
            self.misread[path] = misread
        return value

    def _refuse(self, line: int, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self._file, line, write_path(path), message))
