"""What an answer says, in our JSON or in the text form of reference 004 (`tst`): parsed, never run.

Strictly, an answer is the strategy and nothing else. After repair, prose and fences around it are taken away, which is
all that is repaired.
"""

import ast
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from indicators.strategy.canonical import canonicalize
from indicators.strategy.equality import UNRESOLVED
from indicators.strategy.errors import StrategyError
from indicators.strategy.grammar import check_document
from indicators.strategy.meaning import check_meaning
from indicators.strategy.shape import parse_text
from indicators.strategy.tree import Document
from indicators.strategy.tst_form import read_tst

MOST_CHARACTERS = 65_536
PARAMETERS = (
    *(
        "ticker",
        "position_type",
        "buy_condition",
        "sell_condition",
        "stop_loss",
        "take_profit",
        "start_date",
        "end_date",
    ),
    *("interval", "period", "initial_capital", "order_size", "trade_commissions"),
)
LONGEST_SEARCH = 50  # places at which a strategy may begin in an answer's prose


@dataclass(frozen=True)
class Said:
    """What an answer says.

    Attributes:
        strict: It is the strategy and nothing else.
        tree: The whole as one text that is equal for equal trees; empty where it says nothing.
        parameters: The same by parameter.
        document: The strategy, where the grammar has it and it means something.
        unresolved: What it asks for, where it is a question.
    """

    strict: bool = False
    tree: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    document: Document | None = None
    unresolved: tuple[str, ...] = ()

    @property
    def is_valid(self) -> bool:
        """Whether it says a strategy or a question, after repair."""
        return bool(self.tree)


def read_json_answer(text: str) -> Said:
    """Read an answer in our JSON."""
    for place, part in enumerate(_list_parts(text, "{")):
        document, problems = parse_text(part)
        if problems or not isinstance(document, dict):
            continue
        unresolved = document.get(UNRESOLVED)
        if isinstance(unresolved, list) and unresolved and all(isinstance(each, str) for each in unresolved):
            return Said(place == 0, json.dumps(sorted(unresolved)), {}, None, tuple(unresolved))
        if not check_document(document):
            form = canonicalize(document)
            parameters = {key: json.dumps(value) for key, value in form.items()}
            return Said(place == 0, json.dumps(form), parameters, document)
    return Said()


def read_tst_answer(text: str) -> Said:
    """Read an answer in the text form of reference 004."""
    for place, part in enumerate(_list_parts(text, "Strategy(")):
        try:
            if len(part) > MOST_CHARACTERS:
                continue
            node = ast.parse(part.strip(), mode="eval").body
            _, names, parameters = _read_call(node)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Strategy") or names:
            continue
        tree = json.dumps(parameters, sort_keys=True)
        return Said(place == 0, tree, {key: json.dumps(value) for key, value in parameters.items()}, _read_sound(part))
    return Said()


def _read_sound(text: str) -> Document | None:
    try:
        document = read_tst(text)
    except StrategyError:
        return None
    return None if check_meaning(document) else document


def _read_call(node: ast.AST) -> tuple[str, list[Any], dict[str, Any]]:
    match node:
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=keywords) if all(each.arg for each in keywords):
            named = {str(each.arg): _read_node(each.value) for each in keywords}
            return name, [_read_node(each) for each in arguments], dict(sorted(named.items()))
    raise ValueError("no call")


def _read_node(node: ast.AST) -> Any:
    match node:
        case ast.Constant(value=bool() | str() as value):
            return value
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=ast.Constant(value=int() | float() as value)):
            return -float(value)
        case ast.Attribute(value=ast.Name(id=owner), attr=name):
            return f"{owner}.{name}"
        case ast.Call():
            return list(_read_call(node))
    raise ValueError("neither a number nor a text nor a call")


def _list_parts(text: str, opening: str) -> list[str]:
    """List the answer itself, then what in it may be a strategy: from an opening to where its brackets are closed."""
    parts = [text.strip()]
    place = text.find(opening)
    while place >= 0 and len(parts) <= LONGEST_SEARCH:
        end = _find_end(text, place + len(opening) - 1)
        if end < 0:
            break
        parts.append(text[place : end + 1])
        place = text.find(opening, end)
    return parts


def _find_end(text: str, start: int) -> int:
    """Find where the bracket at `start` is closed, texts in quotes left out; -1 where nowhere."""
    opening, quote, depth, place = text[start], "", 0, start
    closing = {"{": "}", "(": ")"}[opening]
    while place < len(text):
        letter = text[place]
        if quote:
            place += letter == "\\"
            quote = "" if letter == quote else quote
        elif letter == '"' or (letter == "'" and opening == "("):
            quote = letter
        else:
            depth += (letter == opening) - (letter == closing)
            if depth == 0:
                return place
        place += 1
    return -1


READERS = {"json": read_json_answer, "tst": read_tst_answer}
