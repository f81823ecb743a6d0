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
from offline_model.tasks.strategy.forms import FLIPPED, VAGUE, Json
from offline_model.tasks.strategy.reader import Reader
from offline_model.tasks.strategy.writer import Writer

ERRORS = {"wrong number": 0.10, "flipped": 0.03, "lost clause": 0.05, "and for or": 0.02, "broken JSON": 0.02}
REFINER_FAULTS = 0.1  # share of mended texts that have a fault again
STYLES: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "terse": (("",), ("",)),
    "chatty": (
        (
            "Hey, could you build this for me?",
            "So here is what I have in mind.",
            "Hi there, I would love to see this run.",
        ),
        ("Thanks a lot!", "That is all, cheers.", "Let me know how it does."),
    ),
    "forum post": (
        (
            "Long-time reader here, sharing my setup.",
            "My system, for what it is worth.",
            "Been running this for a while.",
        ),
        ("Thoughts?", "Your mileage may vary.", "Feedback is welcome."),
    ),
    "numbered spec": (("Specification.", "Rules of the system.", "Requirements follow."), ("",)),
    "second language": (
        (
            "Hello, I explain you my system, sorry for the language.",
            "Good day, please to make this system.",
            "I want make so.",
        ),
        ("I thank you very much.", "Please to tell the result.", ""),
    ),
    "typos": (("plz biuld this stratgy", "heres my sytem", "pls codde this"), ("thx", "ty in advnace", "")),
}


def read_shown(sections: Sections, heading: str) -> Json:
    """Read the strategy that a prompt shows."""
    fences = read_fences(sections.bodies.get(heading, ""))
    if not fences or not isinstance(fences[0], dict):
        raise PromptError(f"the section '## {heading}' holds no strategy in a ```json fence")
    return dict(fences[0])


def propose(sections: Sections, rng: Random, options: Options) -> Json:
    """Propose the strategy that is shown with one other number; at a third of the fault rate one that breaks a rule."""
    strategy: Json = json.loads(json.dumps(read_shown(sections, "A strategy of this kind")))
    numbers = [
        (holder, key)
        for holder, key in iter_numbers(strategy)
        if key in ("length", "percent") and 2 <= holder[key] <= 100
    ]
    if numbers:
        holder, key = rng.choice(numbers)
        holder[key] += 1
    if rng.random() < options.fault_rate / 3:
        strategy["smoothness"] = 3
    return strategy


def iter_numbers(value: Any) -> Iterator[tuple[Any, Any]]:
    """Give every number with what holds it, and its key there."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if isinstance(each, dict | list):
            yield from iter_numbers(each)
        elif isinstance(each, int | float) and not isinstance(each, bool):
            yield value, key


def describe(sections: Sections, rng: Random, fault_rate: float) -> str:
    """Describe the strategy that is shown, in the style that is asked for; at the rate with a fault."""
    strategy = json.loads(json.dumps(read_shown(sections, "The strategy")).replace('"?"', json.dumps(VAGUE)))
    asked = sections.bodies.get("What this description must be", "")
    writer = Writer(sections.bodies.get("The names of its series", ""), rng, says_usual="usual values said" in asked)
    said = writer.write(strategy, sells_first="selling first" in asked)
    if rng.random() < fault_rate:
        said = plant_fault(said, rng)
    style = next((style for style in STYLES if f"style is: {style}" in asked), "terse")
    opening, closing = (rng.choice(ways) for ways in STYLES[style])
    if style == "numbered spec":
        said = [f"{number}. {sentence}" for number, sentence in enumerate(said, 1)]
    return ("\n" if style == "numbered spec" else " ").join(filter(None, [_end(opening), *said, closing]))


def _end(opening: str) -> str:
    return opening if not opening or opening[-1] in ".?!" else f"{opening}."


def plant_fault(said: list[str], rng: Random) -> list[str]:
    """Leave a sentence out, or say one that the strategy has not."""
    if rng.random() < 0.5:
        lost = rng.randrange(len(said))
        return [sentence for place, sentence in enumerate(said) if place != lost]
    return [*said, "Hold it for 77 bars at most, and close after that."]


def parse(sections: Sections, rng: Random, options: Options) -> Json:
    """Read the description with the cards that are shown, with planted errors; ask where a value is not said."""
    strategy = Reader(sections.bodies.get("Cards", "")).read(sections.bodies.get("The description", ""))
    if unsaid := list(iter_unsaid(strategy)):
        return {"unresolved": unsaid, "question": "What is the value that is not said?"}
    if options.fault_rate > 0:
        for kind, rate in ERRORS.items():
            if rng.random() < rate:
                return plant_error(strategy, kind, rng)
    return strategy


def iter_unsaid(value: Any, path: str = "$") -> Iterator[str]:
    """Give the paths of values that are not said."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        here = f"{path}.{key}" if isinstance(value, dict) else f"{path}[{key}]"
        if isinstance(each, dict | list):
            yield from iter_unsaid(each, here)
        elif each == "?":
            yield here


def plant_error(strategy: Json, kind: str, rng: Random) -> Json:
    """Plant one error of a kind; where the strategy has no place for it, it stays as it is."""
    numbers = list(iter_numbers(strategy))
    if kind == "wrong number" and numbers:
        holder, key = rng.choice(numbers)
        holder[key] += 1 if isinstance(holder[key], int) else holder[key]
    elif kind == "broken JSON":
        strategy["stop"] = strategy.pop(rng.choice(list(strategy)))
    elif kind == "lost clause":
        groups = [value for value in iter_groups(strategy) if len(value) > 2]
        if groups:
            group = rng.choice(groups)
            group.pop(rng.randrange(len(group)))
        else:
            strategy.pop(
                next((key for key in ("take_profit", "trailing", "exit_after_bars") if key in strategy), "period"), None
            )
    else:
        swap = FLIPPED if kind == "flipped" else {"all": "any", "any": "all"}
        return dict(json.loads(swap_first(json.dumps(strategy), swap)))
    return strategy


def iter_groups(value: Any) -> Iterator[list[Any]]:
    """Give the operands of every group."""
    for key, each in value.items() if isinstance(value, dict) else enumerate(value):
        if key in ("all", "any"):
            yield each
        if isinstance(each, dict | list):
            yield from iter_groups(each)


def swap_first(text: str, swap: Mapping[str, str]) -> str:
    """Swap the first key of a strategy's text that is among some."""
    places = [(text.index(f'"{key}":'), key) for key in swap if f'"{key}":' in text]
    key = min(places)[1] if places else ""
    return text.replace(f'"{key}":', f'"{swap[key]}":', 1) if key else text


def judge(_: Sections, rng: Random, __: Options) -> Json:
    """Judge a description that passed all checks: faithful, and now and then not natural."""
    score = 2 if rng.random() < 0.02 else rng.choice((4, 5))
    clear = 4 if rng.random() < 0.3 else 5
    said = {
        "faithful": (5, "All is said."),
        "clear": (clear, "It can be built."),
        "natural": (score, "So people write."),
    }
    return {name: {"reasoning": reasoning, "score": points} for name, (points, reasoning) in said.items()}


TASKS: Mapping[str, Callable[[Sections, Random, Options], object]] = {
    "propose one strategy": propose,
    "describe one strategy": lambda sections, rng, options: describe(sections, rng, options.fault_rate),
    "mend one description": lambda sections, rng, _: describe(sections, rng, REFINER_FAULTS),
    "read one description": parse,
    "judge one description": judge,
}
