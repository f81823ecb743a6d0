"""Reads a judge's answer: one score of each criterion, and its reasoning."""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any, Literal

from jobs.reading.answer import Answer, MisfitError, Read, Refused
from jobs.reading.choose import Lens, read_answer
from jobs.reading.fields import Claim, fold_key
from jobs.reading.mendings import ALL
from jobs.reading.syntax import Bare, Found

Scores = Mapping[str, Mapping[Any, str]]
Names = Mapping[str, str]
Part = Literal["score", "reason"]
Said = tuple[str | None, Part, Any]  # of which criterion (None for all), what of it, and the value

_SCORE_KEYS = ("score", "rating", "value", "grade", "points", "mark")
_REASON_KEYS = (
    *("reasoning", "reason", "reasons", "rationale", "explanation", "explanations", "justification"),
    *("comment", "comments", "critique", "feedback", "analysis", "thoughts", "notes"),
)
_SCALE_KEYS = frozenset({"outof", "scale", "max", "maximum", "maxscore", "maximumscore", "maxrating", "maxvalue"})
_NAME_KEYS = ("name", "criterion", "criteria", "metric", "dimension", "aspect", "category", "key")
_ASIDE_KEYS = frozenset({"properties", "defs", "definitions", "schema", "example", "examples", "draft", "previous"})
_NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_WORDS = {word: at for at, word in enumerate(_NUMBERS)}
_SCORE = re.compile(
    rf"(?:(?:score|rating)\s*[:=]\s*)?(?P<score>[a-z]+|\d+)(?:\.0+)?"
    rf"(?:\s*(?:/|(?:out )?of)\s*(?P<scale>\d+|{'|'.join(_NUMBERS)})(?:\.0+)?)?"
    r"(?P<words>(?:\s*[-:,.(;\u2010-\u2015]+\s*|\s+)[a-z][^\d]*)?\.?",
)
_AROUND_SCORE = " \t\r\n*_`'\"()[]"
_AROUND_WORDS = " \t\r\n-:,.(;)\u2010\u2011\u2012\u2013\u2014\u2015"
_NOT_THE_SCORE = re.compile(  # words that say more of the number than "4 - plausible" does
    rf"\A\W*(?:out|of|or|to|and|percent|{'|'.join(_WORDS)})\b|\b(?:half|{'|'.join(set(_WORDS) - {'one'})})\b"
)


def read_judgement(answer: Answer, scores: Scores, *, mendings: Collection[str] = ALL) -> Read | Refused:
    """Read a score of each criterion, one of its options, with its reasoning, empty where there is none.

    `scores` gives by criterion its options and what they mean. The value is `{criterion: {"reasoning", "score"}}`.
    """
    names = {fold_key(name): name for name in scores}

    def claim(found: Found) -> Iterator[Claim]:
        if any(part == "score" and name for name, part, _ in _list_said(found.node, names)):
            yield found.node, frozenset()

    def is_about(key: str) -> bool:
        return _split_key(fold_key(key), names) is not None

    lens = Lens(claim, lambda node: _fit_scores(node, scores, names), is_about, is_joined=True)
    return read_answer(answer, lens, mendings)


def _list_said(node: Any, names: Names, part: Part = "score") -> Iterator[Said]:
    """List all that is said of criteria, wherever it stands; `part` is what a bare value under a criterion is."""
    if isinstance(node, list):
        for item in node:
            yield from _list_said(item, names, part)
    elif isinstance(node, dict):
        folded = [(fold_key(key), item) for key, item in node.items()]
        named = [names.get(fold_key(item)) for key, item in folded if key in _NAME_KEYS and isinstance(item, str)]
        if len(named) == 1 and named[0]:
            yield from _list_parts(folded, named[0])
            return
        for key, item in folded:
            if key in _ASIDE_KEYS:
                continue
            if (split := _split_key(key, names)) is not None:
                name, own_part = split
                inner = item[0] if isinstance(item, list) and len(item) == 1 else item
                if own_part is None and isinstance(inner, dict):
                    yield from _list_parts([(fold_key(key), value) for key, value in inner.items()], name)
                else:
                    yield name, own_part or part, item
            elif key in _REASON_KEYS and not isinstance(item, dict):
                yield None, "reason", item
            else:
                yield from _list_said(item, names, "reason" if key in _REASON_KEYS else part)


def _list_parts(folded: list[tuple[str, Any]], name: str) -> Iterator[Said]:
    for key, item in folded:
        if key in _SCORE_KEYS:
            yield name, "score", item
        elif key in _REASON_KEYS:
            yield name, "reason", item


def _split_key(key: str, names: Names) -> tuple[str, Part | None] | None:
    """Split `realismscore` into its criterion and the part of it; None for a key that is of no criterion."""
    key = key.lstrip("0123456789")  # of "1. Realism"
    if key in names:
        return names[key], None
    words: tuple[tuple[Part, tuple[str, ...]], ...] = (("score", _SCORE_KEYS), ("reason", _REASON_KEYS))
    for part, keys in words:
        for word in keys:
            if name := names.get(key.removesuffix(word)) or names.get(key.removeprefix(word)):
                return name, part
    return None


def _fit_scores(node: Any, scores: Scores, names: Names) -> tuple[dict[str, Any], set[str]]:
    """Fit what is said to the criteria.

    Raises:
        MisfitError: A criterion has no score, two that differ, or one that is none of its options.
    """
    said = list(_list_said(node, names))
    tops = {max(map(_weigh, options)) for options in scores.values()}
    if min(tops) > 0 and (others := [top for top in _list_tops(node) if top not in tops]):
        raise MisfitError("bad_value", f"the scores are out of {others[0]}, and not on the criteria's own scale")
    used: set[str] = set()
    value: dict[str, Any] = {}
    for name, options in scores.items():
        found = [item for whose, part, item in said if whose == name and part == "score"]
        if not found:
            raise MisfitError("missing_field", f"{name} has no score")
        meant = {}
        for item in found:
            option, mended = _read_score(item, options, name)
            meant[option], used = mended, used | mended
        if len(meant) > 1:
            raise MisfitError("repeated_keys", f"{name} has different scores")
        own = [item for whose, part, item in said if whose == name and part == "reason"]
        reasoning, mended = _join_reasons(own or [item for whose, _, item in said if whose is None], is_own=bool(own))
        value[name], used = {"reasoning": reasoning, "score": next(iter(meant))}, used | mended
    if not _is_as_asked(node, scores):
        used.add("scores_arranged")
    if isinstance(node, dict) and any(_split_key(fold_key(key), names) is None for key in node):
        used.add("extra_keys")
    return value, used


def _list_tops(node: Any) -> Iterator[int]:
    """List the ends of the scales that are said beside scores: 10 of `"max_score": 10` or of `"scale": "1-10"`."""
    for item in node if isinstance(node, list) else ():
        yield from _list_tops(item)
    for key, item in node.items() if isinstance(node, dict) else ():
        if fold_key(key) not in _SCALE_KEYS:
            yield from _list_tops(item)
        elif numbers := re.findall(r"\d+", item if isinstance(item, str) else json.dumps(item)):
            yield max(map(int, numbers))


def _is_as_asked(node: Any, scores: Scores) -> bool:
    """Whether a score of each criterion stands where the schema has it."""
    parts = [node.get(name) for name in scores] if isinstance(node, dict) else [None]
    return all(isinstance(part, dict) and "score" in part and part.keys() <= {"reasoning", "score"} for part in parts)


def _read_score(said: Any, options: Mapping[Any, str], name: str) -> tuple[Any, set[str]]:
    """Read a score as the one option that it is."""
    if not isinstance(said, bool):
        used: set[str] = set()
        number, words = said, None
        if isinstance(said, str):
            number, used, words = _read_words(said, options)
        for option, text in options.items():
            if isinstance(number, (int, float)) and _weigh(option) == number:
                return option, used
            if words is not None and words in (str(option).casefold(), text.casefold().rstrip(".")):
                return option, {"score_in_words"}
    shown = said if isinstance(said, Bare) else json.dumps(said, ensure_ascii=False)
    raise MisfitError("bad_value", f"{name}'s score must be one of {', '.join(map(str, options))}; found {shown[:60]}")


def _read_words(said: str, options: Mapping[Any, str]) -> tuple[int | None, set[str], str]:
    """Read a score in a text; None where it is no plain score on the options' scale."""
    text = said.strip(_AROUND_SCORE).casefold()
    used: set[str] = set() if isinstance(said, Bare) else {"score_as_text"}
    plain = text.rstrip(".")
    if not (match := _SCORE.fullmatch(text)) or (match["words"] and _NOT_THE_SCORE.search(match["words"])):
        return None, used, plain
    number = _read_number(match["score"])
    meanings = {text.casefold().rstrip("."): _weigh(option) for option, text in options.items()}
    if meanings.get((match["words"] or "").strip(_AROUND_WORDS), number) != number:  # "4: Impossible"
        return None, used, plain
    if match["scale"]:
        used.add("score_out_of")
        if _read_number(match["scale"]) != max(map(_weigh, options)):
            return None, used, plain
    used |= ({"score_with_words"} if match["words"] else set()) | (
        set() if match["score"].isdecimal() else {"score_in_words"}
    )
    return number, used, plain


def _read_number(text: str) -> int | None:
    return int(text) if text.isdecimal() else _WORDS.get(text)


def _weigh(option: Any) -> float:
    """Give an option's number; -1 for one that is a word."""
    return float(option) if str(option).replace(".", "", 1).isdecimal() else -1


def _join_reasons(reasons: list[Any], *, is_own: bool) -> tuple[str, set[str]]:
    parts = [part for one in reasons for part in (one if isinstance(one, list) else [one]) if part is not None]
    if not parts:
        return "", {"reasoning_missing"}
    is_plain = is_own and len(reasons) == 1 and isinstance(reasons[0], str)
    text = " ".join(str(part) if isinstance(part, str) else json.dumps(part, ensure_ascii=False) for part in parts)
    return text, set() if is_plain else {"reasoning_joined"}
