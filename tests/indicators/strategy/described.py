"""Descriptions for the tests: drawn strategies in the offline model's words, and edits that lose or alter one thing."""

import json
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from columns.rendering import fence_json
from indicators.strategy.cards import build_cards
from indicators.strategy.retrieval import find_cards
from indicators.strategy.said import list_withholdable, withhold
from indicators.strategy.sampler import draw_strategy
from indicators.strategy.tree import Document, iter_series
from offline_model.options import Options
from offline_model.prompt import Sections
from offline_model.tasks.strategy.grammar import load_table
from offline_model.tasks.strategy.roles import describe, parse

SOUND = Options(fault_rate=0.0)
_NUMBERS = re.compile(r"(?<![\w.:-])\d+(?:\.\d+)?(?![\w:-]|\.\d)")


class Described(NamedTuple):
    """A strategy, its description, and the paths of the values that are withheld."""

    document: Document
    text: str
    withheld: list[str]


def describe_one(seed: int, *, withholds: bool = False, usual: bool | None = None) -> Described:
    """Draw a strategy and describe it in any style, without a fault; `usual`: whether usual values are said."""
    return describe_document(seed, draw_strategy(random.Random(seed)), withholds=withholds, usual=usual)


def describe_document(
    seed: int, document: Document, *, withholds: bool = False, usual: bool | None = False
) -> Described:
    """Describe a strategy in any style, without a fault."""
    rng = random.Random(seed)
    choices = list_withholdable(document) if withholds else []
    withheld = [rng.choice(choices)] if choices else []
    names = dict.fromkeys(next(iter(each)) for _, each in iter_series(document) if isinstance(each, dict))
    says_usual = rng.random() < 0.5 if usual is None else usual
    asked = f"- Its style is: {rng.choice(list(load_table('styles')))}.\n" + says_usual * "usual values said"
    bodies = {
        "What this description must be": asked + rng.choice(("", "selling first")),
        "The strategy": fence_json(withhold(document, withheld)),
        "The names of its series": "".join(build_cards()[name] for name in names),
    }
    return Described(document, describe(Sections("", "", bodies, None), rng, 0.0), withheld)


def read_back(described: Described, options: Options = SOUND, seed: int = 0) -> str:
    """Read a description back with the cards that are found for it; JSON text."""
    cards = "\n".join(build_cards()[name] for name in find_cards(described.text))
    bodies = {"The description": described.text, "Cards": cards}
    return json.dumps(parse(Sections("", "", bodies, None), random.Random(seed), options))


def alter(described: Described, rng: random.Random) -> Iterator[tuple[str, str]]:
    """Give the description with one number altered, one number removed, one clause or sentence removed."""
    text = described.text
    places = [found for found in _NUMBERS.finditer(text) if not re.match(r"\s*\d+\.\s", text[found.start() - 1 :])]
    stated = [found for found in places if float(found[0]) in list_numbers(described.document)]
    if stated:
        found = rng.choice(stated)
        yield "number altered", text[: found.start()] + str(float(found[0]) * 3 + 1.37) + text[found.end() :]
        yield "number removed", text[: found.start()] + "a few" + text[found.end() :]
    sentences = [
        part for part in re.split(r"(?<=\.)[ \n]", text) if re.search(r"when|percent|bars|Trade|order|shares", part)
    ]
    yield "sentence removed", text.replace(rng.choice(sentences), "", 1)


def list_numbers(document: Document) -> set[float]:
    """List the numbers of a strategy, without signs."""
    return {abs(float(found)) for found in re.findall(r"(?<![\w.-])-?\d+(?:\.\d+)?(?![\w:.-])", json.dumps(document))}
