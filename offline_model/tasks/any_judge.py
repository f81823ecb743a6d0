"""The judge of any dataset: mostly content; where it is not, it names a field of the row it was shown."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from offline_model.options import Options
from offline_model.prompt import JsonSchema, Sections, find_pairs, read_fences
from offline_model.row_schema.errors import NoValueError
from offline_model.row_schema.resolve import resolve_schema

GOOD_PART = 0.75  # of the way from the least to the best score, from where on a score is good
BAD_PART = 0.25
BEST_SHARE = 0.8  # of good scores that are the best one


def read_scores(schema: JsonSchema | None) -> dict[str, list[Any]]:
    """Read the criteria of a judge's schema and the scores of each, from the worst to the best.

    Data Designer makes of a judge's column an object of objects, each with `reasoning` and a `score` that is an enum.
    Scores are numbers or texts of numbers; others are taken to stand in that order.

    Returns:
        An empty dictionary where the schema is no judge's.
    """
    scores: dict[str, list[Any]] = {}
    try:
        for name, part in resolve_schema(schema or {}, schema or {}).get("properties", {}).items():
            parts = resolve_schema(part, schema or {}).get("properties", {})
            score = resolve_schema(parts.get("score", {}), schema or {})
            options = [score["const"]] if "const" in score else score.get("enum", [])
            if parts.keys() != {"reasoning", "score"} or not options:
                return {}
            scores[name] = _sort_scores(options)
    except NoValueError:
        return {}
    return scores


def judge_any_row(scores: Mapping[str, Sequence[Any]], sections: Sections, rng: Random, options: Options) -> object:
    """Judge the row of a prompt: reasoning and score per criterion; at the fault rate one of the scores is low."""
    fields = find_fields(sections.text)
    low = rng.choice(list(scores)) if rng.random() < options.fault_rate else None
    return {name: _judge(name, ranks, fields, rng, is_low=name == low) for name, ranks in scores.items()}


def find_fields(text: str) -> dict[str, Any]:
    """Find the row that a prompt shows: the object in its last fence, else whatever looks like one."""
    shown = [value for value in read_fences(text) if isinstance(value, dict) and value]
    return shown[-1] if shown else find_pairs(text)


def _judge(
    name: str, ranks: Sequence[Any], fields: Mapping[str, Any], rng: Random, *, is_low: bool
) -> dict[str, object]:
    last = len(ranks) - 1
    if is_low:
        score = ranks[rng.randint(0, int(BAD_PART * last))]
    else:
        score = ranks[last] if rng.random() < BEST_SHARE else ranks[rng.randint(round(GOOD_PART * last + 0.49), last)]
    if score == ranks[last]:
        return {"reasoning": f"Nothing speaks against the {name} of this row.", "score": score}
    if not fields:
        return {"reasoning": f"As a whole it falls short in {name}.", "score": score}
    field = rng.choice(list(fields))
    return {"reasoning": f"`{field}` {fields[field]} falls short in {name}.", "score": score}


def _sort_scores(options: Sequence[Any]) -> list[Any]:
    try:
        return sorted(options, key=float)
    except (TypeError, ValueError):
        return list(options)
