"""Chooses the one object that is an answer, or says why there is none: the way that all readers share."""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from jobs.reading.answer import Answer, Cause, MisfitError, Read, Refused, settle
from jobs.reading.fields import Claim
from jobs.reading.markup import has_words, is_refusal, name_surroundings, part_thinking, pick_final
from jobs.reading.syntax import Broken, Found, are_same, find_objects, load_strictly

_UNFINISHED = frozenset({"length", "max_tokens", "content_filter"})
_LINES: dict[Cause, str] = {
    "empty": "The answer is empty; give the JSON object.",
    "refusal": "The model will not answer",
    "cut": "The answer ended at max_tokens before its object was closed; give the JSON object alone.",
    "not_closed": "The JSON object is not closed; give the whole object and nothing else.",
    "no_object": "The answer holds no JSON object of the schema; give the object and nothing else.",
    "several_objects": "The answer holds several different objects; give exactly one.",
    "schema_echoed": "The answer repeats the schema; give the fields with their values at the top of the object.",
}


@dataclass(frozen=True)
class Lens:
    """How a reader looks at what it finds.

    `claim` gives what of a closed value is about its subject, `fit` makes one of these a value, with the mendings that
    it took, or raises a MisfitError, `is_about` says whether a key of a broken object belongs to the subject. With
    `is_joined`, objects none of which is the whole answer may be its parts: a judge writes one for each criterion.
    """

    claim: Callable[[Found], Iterator[Claim]]
    fit: Callable[[Any], tuple[dict[str, Any], set[str]]]
    is_about: Callable[[str], bool]
    is_joined: bool = False


@dataclass(frozen=True)
class _Fit:
    found: Found
    value: dict[str, Any] | MisfitError
    used: frozenset[str] = frozenset()


def read_answer(answer: Answer, lens: Lens, mendings: Collection[str]) -> Read | Refused:
    """Read the one object of an answer that fits, or refuse it with its cause."""
    if answer.refusal:
        return _refuse("refusal", answer.refusal)
    text, aside, used = _take_text(answer)
    found, broken = _find(text)
    fits = [fit for one in found for fit in _fit_all(one, lens)]
    fits = _join(fits, lens) or fits
    chosen: _Fit | Refused | None = _refuse_broken(broken, fits, lens, answer)
    if chosen is None:
        chosen = _choose(text, fits) if fits else _refuse_objectless(text, found, answer)
    if isinstance(chosen, Refused):
        return chosen
    if isinstance(chosen.value, MisfitError):
        return Refused(chosen.value.cause, f"{chosen.value.line}.")
    if aside is not None and chosen.found.start >= aside:
        used = used | {"tool_call"}
    elif chosen.found.end - chosen.found.start < len(text):
        used = used | name_surroundings(text, chosen.found)
    return settle(chosen.value, used | chosen.used, mendings)


def _take_text(answer: Answer) -> tuple[str, int | None, set[str]]:
    """Take the text to be read, where in it the arguments of tool calls begin, and the mendings that this took."""
    said, thought, used = part_thinking(answer.content or "")
    if answer.arguments:
        return "\n".join((said, *answer.arguments)), len(said), used
    thought = f"{thought}\n{answer.reasoning or ''}"
    if not has_words(said) and has_words(thought) and answer.finish_reason not in _UNFINISHED:
        return thought, None, used | {"from_reasoning"}
    return said, None, used


def _find(text: str) -> tuple[list[Found], list[Broken]]:
    """Find the objects of a text; at once where it is JSON alone, bare or in the usual fence."""
    bare = text.strip(" \t\r\n")
    if bare.startswith("```json\n") and bare.endswith("\n```"):
        bare = bare[8:-4].strip(" \t\r\n")
    if bare.startswith("{"):
        try:
            return [Found(load_strictly(bare), 0, len(text))], []
        except (ValueError, RecursionError):
            pass
    return find_objects(text)


def _fit_all(found: Found, lens: Lens) -> Iterator[_Fit]:
    for node, used in lens.claim(found):
        try:
            if found.repeats:
                line = f"{found.repeats[0]} is given more than once, with different values"
                raise MisfitError("repeated_keys", line)
            value, mended = lens.fit(node)
        except MisfitError as misfit:
            yield _Fit(found, misfit)
        else:
            yield _Fit(found, value, found.used | used | mended)


def _join(fits: Sequence[_Fit], lens: Lens) -> list[_Fit]:
    """Join objects that each lack something into the one answer that they are parts of; empty where they are not."""
    if not (lens.is_joined and len(fits) > 1 and all(_is_cause(fit, "missing_field") for fit in fits)):
        return []
    first, last = fits[0].found, fits[-1].found
    whole = Found(
        [fit.found.node for fit in fits], first.start, last.end, frozenset().union(*(f.found.used for f in fits))
    )
    return [fit for fit in _fit_all(whole, lens) if isinstance(fit.value, dict)]


def _choose(text: str, fits: Sequence[_Fit]) -> _Fit | Refused:
    """Choose the one that all agree with, else the one that is called final; a lone misfit says what is wrong."""
    first = fits[0]
    if len(fits) == 1:
        return first
    if all(isinstance(fit.value, dict) and are_same(fit.value, first.value) for fit in fits):
        return _Fit(first.found, first.value, first.used | {"repeated"})
    if all(isinstance(fit.value, MisfitError) for fit in fits):
        return next((fit for fit in fits if _is_cause(fit, "repeated_keys")), fits[-1])
    places = sorted({fit.found.start: fit.found for fit in fits}.values(), key=lambda found: found.start)
    final = pick_final(text, places) if len(places) > 1 else None
    meant = [fit for fit in fits if fit.found is final]
    if len(meant) != 1:
        return _refuse("several_objects")
    return _Fit(meant[0].found, meant[0].value, meant[0].used | {"marked_final"})


def _is_cause(fit: _Fit, cause: Cause) -> bool:
    return isinstance(fit.value, MisfitError) and fit.value.cause == cause


def _refuse_broken(broken: Sequence[Broken], fits: Sequence[_Fit], lens: Lens, answer: Answer) -> Refused | None:
    """Refuse an answer with an object in it that is cut, or about the subject and broken."""
    begun = [one for one in broken if (one.cut and one.keys) or any(map(lens.is_about, one.keys))]
    if not begun:
        return None
    if fits:
        return _refuse("several_objects")
    if "properties" in begun[0].keys:
        return _refuse("schema_echoed")
    if begun[0].cut or begun[0].near.startswith("`"):
        return _refuse("cut" if answer.finish_reason in _UNFINISHED else "not_closed")
    near = " ".join(begun[0].near.split())
    last = begun[0].keys[-1]
    return Refused("not_json", f"The object is no JSON after {last}, near {near!r}; write plain JSON.")


def _refuse_objectless(text: str, found: Sequence[Found], answer: Answer) -> Refused:
    """Refuse an answer that has no object about the subject."""
    if not has_words(text):
        is_thought = answer.finish_reason in _UNFINISHED and (answer.content or answer.reasoning)
        return _refuse("cut" if is_thought else "empty")
    if any(isinstance(one.node, dict) and "properties" in one.node for one in found):
        return _refuse("schema_echoed")
    if is_refusal(text) or answer.finish_reason == "content_filter":
        return _refuse("refusal", " ".join(text.split())[:120])
    if answer.finish_reason in _UNFINISHED and "{" in text:
        return _refuse("cut")
    return _refuse("no_object")


def _refuse(cause: Cause, words: str = "") -> Refused:
    return Refused(cause, f"{_LINES[cause]}: {words}" if words else _LINES[cause], resend=cause != "refusal")
