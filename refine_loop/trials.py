"""The same planned rows through several models: one run each, with its prompts and answers kept."""

import itertools
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from designer_configs.compile.profile import Profile, load_profile
from refine_loop.budget import FIRST_ROUND
from refine_loop.errors import RunInputError

MOST_ROWS = FIRST_ROUND  # that one round plans, whatever is accepted of them


@dataclass(frozen=True)
class Trial:
    """One choice of models: its label, which names its folder too, and the profile that runs it."""

    label: str
    profile: Profile


def plan_trials(
    name: str, roles: Sequence[str], prices: Sequence[str], num: int, overrides: Mapping[str, Any]
) -> list[Trial]:
    """Plan a run for each choice of models: every combination where several roles are given.

    Each draws the same plan, for it hangs on the seed, the gold and the controls, and none draws a second: what a run
    accepts has no part in the rows that it is asked for.

    Args:
        name: Profile that all of them share but for the models.
        roles: `ROLE=MODEL,MODEL`, each role once.
        prices: `MODEL=PROMPT,COMPLETION`, prices of a million tokens, for models that the profile has no price of.
        num: Rows that are planned.
        overrides: Of the command line, as `load_profile` takes them.

    Raises:
        RunInputError: a choice or a price cannot be read, a role is not the profile's, a model is named twice.
        ConfigError: a profile with one of the choices is not valid.
    """
    base = load_profile(name, overrides)
    choices = dict(_read_choices(roles, base))
    priced = dict(_read_price(price) for price in prices)
    _check_priced(priced, choices, base)
    trials = []
    for combination in itertools.product(*choices.values()):
        chosen = dict(zip(choices, combination, strict=True))
        sets = [*overrides.get("sets", ()), *_list_changes(base, chosen, priced, num)]
        label = "-".join(re.sub(r"[^\w.]+", "_", model) for model in combination)
        trials.append(Trial(label, load_profile(name, {**overrides, "sets": tuple(sets)})))
    if len({trial.label for trial in trials}) < len(trials):
        raise RunInputError("two of the models have names that differ in signs alone: compare them one after the other")
    return trials


def _read_choices(roles: Sequence[str], base: Profile) -> Iterator[tuple[str, list[str]]]:
    known, seen = ", ".join(base.models), set[str]()
    for text in roles:
        role, _, said = text.partition("=")
        models = [model.strip() for model in said.split(",") if model.strip()]
        if role not in base.models or role in seen:
            why = "is named twice" if role in seen else f"is no role of {base.name}; known: {known}"
            raise RunInputError(f"--roles {text}: {role!r} {why}")
        if not models or len(set(models)) < len(models):
            raise RunInputError(f"--roles {text}: needs models, each once, such as {role}=a,b")
        seen.add(role)
        yield role, models


def _read_price(text: str) -> tuple[str, dict[str, float]]:
    model, _, said = text.rpartition("=")
    try:
        prompt, completion = (float(number) for number in said.split(","))
    except ValueError:
        raise RunInputError(f"--price {text}: write it as MODEL=PROMPT,COMPLETION, such as a=0.1,0.4") from None
    if not all(0 <= price < inf for price in (prompt, completion)):
        raise RunInputError(f"--price {text}: a price is at least 0, and finite")
    return model, {"prompt_per_million": prompt, "completion_per_million": completion}


def _check_priced(
    priced: Mapping[str, Mapping[str, float]], choices: Mapping[str, Sequence[str]], base: Profile
) -> None:
    asked = {name for names in choices.values() for name in names}
    asked |= {model.model for role, model in base.models.items() if role not in choices}
    asked |= {model.fallback.model for model in base.models.values() if model.fallback is not None}
    for name in priced:
        if name not in asked:
            raise RunInputError(f"--price {name}=...: no role asks {name!r}; asked: {', '.join(sorted(asked))}")


def _list_changes(
    base: Profile, chosen: Mapping[str, str], priced: Mapping[str, dict[str, float]], num: int
) -> list[str]:
    """List the changes that make a trial of a profile; a model that nobody asks any more has no price in it."""
    models = {role: chosen.get(role, model.model) for role, model in base.models.items()}
    stand_ins = {model.fallback.model for model in base.models.values() if model.fallback is not None}
    all_prices = {**base.document["prices"]["models"], **priced}
    used = {name: price for name, price in all_prices.items() if name in {*models.values(), *stand_ins}}
    return [
        *(f"models.{role}.model={json.dumps(model)}" for role, model in chosen.items()),
        f"prices.models={json.dumps(used)}",
        f"run.accepted={num}",
        f"run.max_candidates={num}",
        "trace=full",
    ]
