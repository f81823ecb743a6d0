"""What each role answers: the generator, writer, parser, refiner and judge of strategies, with planted errors.

`ERRORS` are the shares of the parser's answers that have each kind of error; with a fault rate of 0 there are none.
Names of series are read from the cards in the prompts. It is a baseline and proves nothing about a model.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Any

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.prompt import Sections, read_fences
from offline_model.tasks.strategy.grammar import UNSAID, VAGUE, Grammar, Json, load_table

ERRORS = {"wrong number": 0.10, "flipped": 0.03, "lost clause": 0.05, "and for or": 0.02, "broken JSON": 0.02}
REFINER_FAULTS = 0.1  # share of mended texts that have a fault again
SWAPPED = {
    "flipped": {"cross_over": "cross_under", "cross_under": "cross_over", "greater": "less", "less": "greater"},
    "and for or": {"all": "any", "any": "all"},
}
NEGLECTED = ("take_profit", "trailing", "exit_after_bars", "period")  # lost where there is no clause to lose
Place = tuple[Any, Any, str]  # what holds a value, its key there, its path


def read_shown(sections: Sections, heading: str) -> Json:
    """Read the strategy that a prompt shows."""
    fences = read_fences(sections.bodies.get(heading, ""))
    if not fences or not isinstance(fences[0], dict):
        raise PromptError(f"the section '## {heading}' holds no strategy in a ```json fence")
    return dict(fences[0])


def iter_places(holder: Any, path: str = "$") -> Iterator[Place]:
    """Give the place of every value, what holds others before them."""
    for key in holder if isinstance(holder, dict) else range(len(holder)):
        here = f"{path}.{key}" if isinstance(holder, dict) else f"{path}[{key}]"
        yield holder, key, here
        if isinstance(holder[key], dict | list):
            yield from iter_places(holder[key], here)


def find_numbers(strategy: Json) -> list[Place]:
    """Find the places of numbers."""
    return [(holder, key, path) for holder, key, path in iter_places(strategy) if type(holder[key]) in (int, float)]


def propose(sections: Sections, rng: Random, options: Options) -> Json:
    """Propose the strategy that is shown with one other number; at a third of the fault rate one that breaks a rule."""
    strategy = read_shown(sections, "A strategy of this kind")
    lengths = [place for place in find_numbers(strategy) if place[1] in ("length", "percent")]
    if fair := [(holder, key) for holder, key, _ in lengths if 2 <= holder[key] <= 100]:
        holder, key = rng.choice(fair)
        holder[key] += 1
    return strategy | ({"smoothness": 3} if rng.random() < options.fault_rate / 3 else {})


def describe(sections: Sections, rng: Random, fault_rate: float) -> str:
    """Describe the strategy that is shown, in the style that is asked for; at the rate with a fault."""
    strategy = json.loads(json.dumps(read_shown(sections, "The strategy")).replace(f'"{UNSAID}"', f'"{VAGUE}"'))
    asked = sections.bodies.get("What this description must be", "")
    cards = sections.bodies.get("The names of its series", "")
    grammar = Grammar(cards, rng, says_usual="usual values said" in asked)
    said = grammar.write(strategy, sells_first="selling first" in asked)
    if rng.random() < fault_rate:
        said = plant_fault(said, rng)
    styles = load_table("styles")
    style = next((style for style in styles if f"style is: {style}" in asked), "terse")
    opening, closing = map(rng.choice, styles[style])
    numbered = style == "numbered spec"
    said = [f"{number}. {sentence}" for number, sentence in enumerate(said, 1)] if numbered else said
    return ("\n" if numbered else " ").join(filter(None, [opening, *said, closing]))


def plant_fault(said: list[str], rng: Random) -> list[str]:
    """Leave a sentence out, or say one that the strategy has not."""
    if rng.random() < 0.5:
        lost = rng.randrange(len(said))
        return [sentence for place, sentence in enumerate(said) if place != lost]
    return [*said, "Hold it for 77 bars at most, and close after that."]


def parse(sections: Sections, rng: Random, options: Options) -> Json:
    """Read the description with the cards that are shown, with planted errors; ask where a value is not said."""
    strategy = Grammar(sections.bodies.get("Cards", ""), rng).read(sections.bodies.get("The description", ""))
    if unsaid := [path for holder, key, path in iter_places(strategy) if holder[key] == UNSAID]:
        return {"unresolved": unsaid, "question": "What is the value that is not said?"}
    if options.fault_rate > 0:
        for kind, rate in ERRORS.items():
            if rng.random() < rate:
                return plant_error(strategy, kind, rng)
    return strategy


def plant_error(strategy: Json, kind: str, rng: Random) -> Json:
    """Plant one error of a kind; where the strategy has no place for it, it stays as it is."""
    places, swapped = list(iter_places(strategy)), SWAPPED.get(kind, {})
    groups = [holder[key] for holder, key, _ in places if key in ("all", "any")]
    if kind == "wrong number" and (numbers := find_numbers(strategy)):
        holder, key, _ = rng.choice(numbers)
        holder[key] += 1 if isinstance(holder[key], int) else holder[key]
    elif kind == "broken JSON":
        strategy["stop"] = strategy.pop(rng.choice(list(strategy)))
    elif kind == "lost clause" and (groups := [each for each in groups if len(each) > 2]):
        group = rng.choice(groups)
        group.pop(rng.randrange(len(group)))
    elif kind == "lost clause":
        strategy.pop(next((key for key in NEGLECTED if key in strategy), ""), None)
    elif found := [(holder, key) for holder, key, _ in places if key in swapped][:1]:
        holder, key = found[0]
        holder[swapped[key]] = holder.pop(key)
    return strategy


def judge(_: Sections, rng: Random, __: Options) -> Json:
    """Judge a description that passed all checks: faithful, and now and then not natural."""
    natural = 2 if rng.random() < 0.02 else rng.choice((4, 5))
    scores = {"faithful": 5, "clear": 4 if rng.random() < 0.3 else 5, "natural": natural}
    reasons = {"faithful": "All is said.", "clear": "It can be built.", "natural": "So people write."}
    return {name: {"reasoning": reasons[name], "score": score} for name, score in scores.items()}


TASKS: Mapping[str, Callable[[Sections, Random, Options], object]] = {
    "propose one strategy": propose,
    "describe one strategy": lambda sections, rng, options: describe(sections, rng, options.fault_rate),
    "mend one description": lambda sections, rng, _: describe(sections, rng, REFINER_FAULTS),
    "read one description": parse,
    "judge one description": judge,
}
