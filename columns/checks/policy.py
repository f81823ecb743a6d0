"""A policy over rows, declared in a dataset's `policy.yaml`: what is allowed, what is denied, what a person reviews.

A rule is one of three kinds. `when` is a condition in the syntax of `skip.when`; it may name the row's fields, the
plan's columns, and what the file states under `limits` (`row` and `plan` name the two themselves). `find` is a regular
expression over the texts in the fields, or the plan's columns, that `in` names. `together` are lists of words of which
one each stands in the same sentence, in any order: rewordings are met that no one expression foresees. These two may
have an `if`, a condition. Texts are read as a person does: without invisible letters, look-alikes as plain ones, number
words as digits (`write_plainly`).

What cannot be evaluated is denied: a condition that reads a field which is not there, compares text with a number, or
meets a number that is none.
"""

import functools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from columns.checks.plain_text import CLAUSE_END, SENTENCE_END, write_plainly
from columns.declared import POLICY_FILE
from gold_data.violation import Violation

Outcome = Literal["allow", "deny", "review"]

UNREADABLE = "unreadable"  # the rule that decides where a rule could not be evaluated
NUMBER = "<number>"  # of a list in `together`: an amount of something that is no percent and no count of bars or hours
PERCENT = "<percent>"  # likewise: a share in percent
SHOWN = 80  # characters of a sentence that a message repeats
ERRORS = (TemplateError, TypeError, ValueError, LookupError, ArithmeticError, RecursionError)  # of a condition

_COUNTED = (
    "%|percent|per cent|bps|basis points?|x\\b|times|r\\b|sigma|bars?|candles?|ticks?|seconds?|minutes?|mins?|hours?|"
    "days?|weeks?|months?|years?|sessions?|trades?|st\\b|nd\\b|rd\\b|th\\b|[mhdw]\\b|-?(?:period|bar|day|minute|hour)"
)
_AMOUNT = re.compile(
    rf"(?<![\w.,-])[$\u20ac\u00a3]?\d+(?:\.\d+)?(?:e\d{{1,2}}\b|\s?[km]\b)?(?![\d.]*\d)(?!\s?-?(?:{_COUNTED}))"
)
_PERCENT = re.compile(r"\d+(?:\.\d+)?\s?(?:%|percent|per cent)")
_TOKENS = {NUMBER: _AMOUNT.pattern, PERCENT: _PERCENT.pattern}
_ENVIRONMENT = SandboxedEnvironment(undefined=StrictUndefined)


@dataclass(frozen=True)
class Rule:
    """One rule of a policy: its name, what it decides, and how it tells that it holds."""

    name: str
    decide: Outcome
    fields: tuple[str, ...]
    message: str
    when: str | None = None
    only_if: str | None = None
    find: re.Pattern[str] | None = None
    together: tuple[re.Pattern[str], ...] = ()
    unless: re.Pattern[str] | None = None
    texts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Policy:
    """The rules of a `policy.yaml`, in order, and the limits that they name."""

    rules: tuple[Rule, ...]
    limits: Mapping[str, Any]


@dataclass(frozen=True)
class Decision:
    """What a policy decides on a row, and by which rule: the first of those that decided; None where it is allowed.

    `violations` are those of the rules that decided, ready for a critique: a denied row may be mended, one for review
    may not.
    """

    outcome: Outcome
    rule: str | None = None
    violations: tuple[Violation, ...] = ()


@functools.cache
def load_policy(folder: Path) -> Policy:
    """Load the policy of a dataset's folder, which `tradelogs validate` has found sound."""
    document = yaml.safe_load((folder / POLICY_FILE).read_text(encoding="utf-8"))
    return build_policy(document)


def build_policy(document: Mapping[str, Any]) -> Policy:
    """Build a policy from what its file says."""
    return Policy(tuple(_build_rule(rule) for rule in document["rules"]), document.get("limits", {}))


def _build_rule(declared: Mapping[str, Any]) -> Rule:
    texts = declared.get("in", ())
    names = (texts,) if isinstance(texts, str) else tuple(texts)
    return Rule(
        name=declared["name"],
        decide=declared["decide"],
        fields=tuple(declared.get("fields", dict.fromkeys(name.partition(".")[0] for name in names))),
        message=declared["message"],
        when=declared.get("when"),
        only_if=declared.get("if"),
        find=compile_find(declared["find"]) if "find" in declared else None,
        together=tuple(compile_words(words) for words in declared.get("together", ())),
        unless=compile_words(declared["unless"]) if "unless" in declared else None,
        texts=names,
    )


def compile_find(pattern: str) -> re.Pattern[str]:
    """Compile a rule's `find`: capitals do not matter, for texts are read in small letters."""
    return re.compile(pattern, re.IGNORECASE)


def compile_words(words: Sequence[str]) -> re.Pattern[str]:
    """Compile a list of words and phrases; `*` after a word stands for any letters, `<number>` for an amount."""
    forms = [_TOKENS.get(word) or _spell(word) for word in words]
    return re.compile("|".join(f"(?:{form})" for form in forms))


def _spell(word: str) -> str:
    plain = re.escape(write_plainly(word.replace("*", "\0"))).replace(re.escape("\0"), r"\w*").replace(r"\ ", r"\s+")
    return rf"(?<!\w){plain}(?!\w)"


def decide(policy: Policy, row: Mapping[str, Any], plan: Mapping[str, Any]) -> Decision:
    """Decide on a row: deny where a rule that denies holds, else review where one that asks for it does, else allow."""
    if any(_list_unreadable(row)):
        broken = [_refuse((), "finite numbers", "nan or inf", "the row holds a number that is none")]
    else:
        broken = [found for rule in policy.rules if (found := _try_rule(rule, policy, row, plan)) is not None]
    for outcome in ("deny", "review"):
        deciding = tuple(violation for violation in broken if violation.mend == (outcome == "deny"))
        if deciding:
            return Decision(outcome, deciding[0].rule, deciding)
    return Decision("allow")


def _refuse(fields: tuple[str, ...], limit: str, found: str, said: str) -> Violation:
    return Violation(UNREADABLE, fields, limit, found, f"{said}; limit: {limit}")


def check_policy(row: Any, plan: Mapping[str, Any], given: Any) -> list[Violation]:
    """List what a row breaks of its dataset's policy: the function of a column of the type `row-checks`.

    A dataset imports it into its module and names the column under `policy` in its `dataset.yaml`.
    """
    declared = given.dataset.declared
    fields = row if isinstance(row, Mapping) else {declared.row: row}  # a row that is a text is its own one field
    return list(decide(load_policy(declared.folder), fields, plan).violations)


def _try_rule(rule: Rule, policy: Policy, row: Mapping[str, Any], plan: Mapping[str, Any]) -> Violation | None:
    names = {**plan, **row, "limits": policy.limits, "row": row, "plan": plan}
    try:
        found = _find_broken(rule, names)
        if found is None:
            return None
        message = _compile_template(rule.message).render(names)
    except ERRORS as exc:
        limit = f"what the rule {rule.name} can be evaluated on"
        return _refuse(rule.fields, limit, str(exc), f"{rule.name} cannot be evaluated: {exc}")
    shown = "" if found is True else f": {_shorten(str(found))!r}"
    limit = rule.when or f"none of what {rule.name} names"
    return Violation(rule.name, rule.fields, limit, str(found), f"{message}{shown}", mend=rule.decide == "deny")


def _find_broken(rule: Rule, names: Mapping[str, Any]) -> str | bool | None:
    """Find what breaks a rule: True where its condition holds, or the words that do; None where it is kept."""
    if rule.when is not None:
        return True if _compile_condition(rule.when)(**names) else None
    if rule.only_if is not None and not _compile_condition(rule.only_if)(**names):
        return None
    texts = (text for name in rule.texts for text in list_texts(names, name))
    return next((found for text in texts if (found := _find_words(rule, text)) is not None), None)


def _find_words(rule: Rule, text: str) -> str | None:
    plain = write_plainly(text)
    for sentence in SENTENCE_END.split(plain):
        parts = CLAUSE_END.split(sentence) if rule.unless is not None else [sentence]
        if rule.find is not None and rule.unless is not None and not rule.unless.search(sentence):
            parts = [sentence]  # an expression says itself how near its words are
        for part in parts:
            if rule.unless is not None and rule.unless.search(part):
                continue
            if rule.find is not None and (match := rule.find.search(part)):
                return match.group()
            if rule.together and all(words.search(part) for words in rule.together):
                return part.strip()
    return None


def list_texts(names: Mapping[str, Any], name: str) -> Iterator[str]:
    """List the texts below a field or column, `action.reason` or `points`, however deep; none where it is not there."""
    value: Any = names
    for part in name.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return
        value = value[part]
    yield from _iter_texts(value)


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _iter_texts(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _iter_texts(part)


def _list_unreadable(value: Any) -> Iterator[float]:
    if isinstance(value, float) and not math.isfinite(value):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _list_unreadable(part)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for part in value:
            yield from _list_unreadable(part)


def read_condition(when: str) -> str:
    """Read the condition within its braces.

    Raises:
        ValueError: it has none.
    """
    match = re.fullmatch(r"\s*\{\{(.+)\}\}\s*", when, re.DOTALL)
    if match is None:
        raise ValueError(f"a condition has its braces, such as {{{{ confidence > 0.9 }}}}; found {json.dumps(when)}")
    return match[1].strip()


@functools.lru_cache(maxsize=512)
def _compile_condition(when: str) -> Any:
    return _ENVIRONMENT.compile_expression(read_condition(when), undefined_to_none=False)


@functools.lru_cache(maxsize=512)
def _compile_template(text: str) -> Any:
    return _ENVIRONMENT.from_string(text)


def _shorten(text: str) -> str:
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
