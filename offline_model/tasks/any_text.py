"""A text for any prompt that asks for no JSON: plain sentences about what the prompt shows and says."""

import re
from collections.abc import Iterator
from random import Random
from typing import Any

from offline_model.options import Options
from offline_model.prompt import Sections, drop_fences, find_pairs, read_fences

FEWEST_SENTENCES, MOST_SENTENCES = 2, 4
LONGEST_VALUE = 60  # characters; a longer one is a text of its own
_WORD = re.compile(r"\b[^\W\d_]{5,}\b")
FORMS = (
    "The {name} is {value}.",
    "With {name} at {value}, {word} matters more than {other}.",
    "Beside {word} stands the {name}, which is {value}.",
)

_LINE = re.compile(r"^[-*\s]*`?([^\W\d][\w ]{0,30})`?: +(\S.*?)[.;]?$", re.MULTILINE)


def write_any_text(sections: Sections, rng: Random, options: Options) -> str:
    """Write a few sentences of the prompt's words and values; at the fault rate one value is none of the prompt's."""
    prose = drop_fences(sections.text)
    words = [word.lower() for word in _WORD.findall(prose)] or ["something"]
    facts = [*_list_facts(read_fences(sections.text)), *_LINE.findall(prose), *find_pairs(prose).items()]
    facts = facts or [(word, rng.choice(words)) for word in words]
    count = rng.randint(FEWEST_SENTENCES, MOST_SENTENCES)
    chosen = rng.sample(facts, min(count, len(facts)))
    if rng.random() < options.fault_rate:
        chosen[0] = (chosen[0][0], str(rng.randint(1000, 9999)))
    return " ".join(_write_sentence(name, value, words, rng) for name, value in chosen)


def _write_sentence(name: str, value: str, words: list[str], rng: Random) -> str:
    names = {"name": name.replace("_", " "), "value": value, "word": rng.choice(words), "other": rng.choice(words)}
    return rng.choice(FORMS).format(**names)


def _list_facts(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _list_facts(part, key)
    elif isinstance(value, list):
        for part in value:
            yield from _list_facts(part, name)
    elif name and value is not None and len(str(value)) <= LONGEST_VALUE:
        yield name, str(value)
