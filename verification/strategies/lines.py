"""Reads the files of an evaluation: a test of prompts and right answers, and a model's answers, as JSON lines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from verification.errors import VerificationError

ANSWER_KEYS = ("answer", "response", "output", "text", "completion")  # reference 004 writes both of the last
RIGHT_KEYS = ("completion", "answer", "output", "text")
PROMPT_KEYS = ("prompt", "description")
SHOWN_KEYS = (*PROMPT_KEYS, "text")  # in a test `text` may be the answer, beside its prompt
ID_KEYS = ("row_id", "id")
STYLE_KEYS = ("paraphrase_style", "style")
MOST_BYTES = 2**30


@dataclass(frozen=True)
class TestRow:
    """One row of a test: its id or its place, the prompt, the right answer as text, the style where it is told."""

    row_id: str
    prompt: str
    answer: str
    style: str


def read_test(path: Path) -> list[TestRow]:
    """Read a test.

    Raises:
        VerificationError: It cannot be read, has no row or an id twice, or a row has no prompt or no right answer.
    """
    rows, places = [], dict[str, int]()
    for number, line in _iter_lines(path):
        if not isinstance(line, Mapping):
            raise VerificationError(
                f"{path}:{number}: must be an object with prompt and completion; found {_show(line)}"
            )
        prompt, answer = _find(line, PROMPT_KEYS), _find(line, RIGHT_KEYS)
        if not isinstance(prompt, str) or answer is None:
            keys = ", ".join(map(str, line))[:200]
            raise VerificationError(
                f"{path}:{number}: must have a prompt and a completion; found the keys {keys or 'none'}"
            )
        row_id, style = _find(line, ID_KEYS), _find(line, STYLE_KEYS)
        rows.append(TestRow(str(number if row_id is None else row_id), prompt, _write(answer), str(style or "")))
        if (first := places.setdefault(rows[-1].row_id, number)) != number:
            raise VerificationError(f"{path}:{number}: has the id {rows[-1].row_id} of line {first}: give each id once")
    if not rows:
        raise VerificationError(f"{path} has no row: give a test with one row a line, each with prompt and completion")
    return rows


def read_answers(path: Path, test: Sequence[TestRow]) -> list[str]:
    """Read answers in the order of a test: by their ids where every line has one, else line by line.

    Raises:
        VerificationError: The file cannot be read, has not one answer for every row, or an id twice.
    """
    found = [(number, _find(line, ID_KEYS), _read_answer(path, number, line)) for number, line in _iter_lines(path)]
    if len(found) != len(test):
        raise VerificationError(
            f"{path} has {len(found)} answers, the test {len(test)} rows: give one line a row, an empty text "
            "where there is no answer"
        )
    ids = [str(name) for _, name, _ in found if name is not None]
    wanted = [each.row_id for each in test]
    if not set(wanted) & set(ids):
        return [answer for _, _, answer in found]
    by_id = {str(name): answer for _, name, answer in found}
    if lacking := [name for name in wanted if name not in by_id]:
        raise VerificationError(
            f"{path}: its ids are not those of the test, each once; the first that it lacks: {lacking[0]!r}. "
            "Leave them out or give all"
        )
    return [by_id[name] for name in wanted]


def read_prompts(path: Path) -> set[str]:
    """Read the prompts of a file of examples or of training, however they are spaced and capitalised.

    Raises:
        VerificationError: It cannot be read, or a line of it has no prompt.
    """
    prompts = set[str]()
    for number, line in _iter_lines(path):
        prompt = line if isinstance(line, str) else _find(line, SHOWN_KEYS)
        if not isinstance(prompt, str):
            known = ", ".join(SHOWN_KEYS)
            raise VerificationError(
                f"{path}:{number}: must be a text, or an object with a text under one of {known}; found {_show(line)}"
            )
        prompts.add(_fold(prompt))
    return prompts


def refuse_leaks(test: Sequence[TestRow], known: Mapping[str, set[str]]) -> None:
    """Refuse a test that has a prompt which a model was shown, by the name of the file that shows it.

    Raises:
        VerificationError: Naming the file, how many prompts, and the first.
    """
    for name, prompts in known.items():
        if leaked := [each for each in test if _fold(each.prompt) in prompts]:
            raise VerificationError(
                f"{name}: {len(leaked)} of its prompts are in the test, the first at {leaked[0].row_id}: "
                f"{leaked[0].prompt[:80]!r}. Take them out of one of the two"
            )


def _fold(prompt: str) -> str:
    return " ".join(prompt.split()).casefold()


def _iter_lines(path: Path) -> Iterator[tuple[int, Any]]:
    try:
        if path.stat().st_size > MOST_BYTES:
            raise VerificationError(f"{path} has more than {MOST_BYTES:,} bytes: split it")
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, json.loads(line)
    except (OSError, UnicodeDecodeError) as exc:
        raise VerificationError(f"{path} cannot be read: {exc}. Give JSON lines in UTF-8") from exc
    except (ValueError, RecursionError) as exc:
        raise VerificationError(f"{path}:{number}: is no JSON: {exc}. Give one JSON value a line") from exc


def _read_answer(path: Path, number: int, line: Any) -> str:
    if isinstance(line, str):
        return line
    answer = _find(line, ANSWER_KEYS) if isinstance(line, Mapping) else None
    if answer is None:
        known = ", ".join(ANSWER_KEYS)
        raise VerificationError(
            f"{path}:{number}: must be a text, or an object with one of {known}; found {_show(line)}"
        )
    return _write(answer)


def _find(line: Any, keys: Sequence[str]) -> Any:
    return next((line[key] for key in keys if key in line), None) if isinstance(line, Mapping) else None


def _write(answer: Any) -> str:
    return answer if isinstance(answer, str) else json.dumps(answer)


def _show(line: Any) -> str:
    return json.dumps(line)[:60]
