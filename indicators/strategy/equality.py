"""Whether an answer is a strategy: the same text, the same trades, or how it differs; and whether it rightly asks.

An answer is the JSON text of a strategy, or `{"unresolved": [paths], "question": "..."}`. Which values are unresolved
is compared by what they are, not by where they stand: the order of the operands of a group is nobody's choice.
"""

import json
import re
from collections.abc import Collection
from typing import Any

import jsonpatch

from indicators.strategy.bar_suite import LEFT_OUT, Suite, find_difference
from indicators.strategy.canonical import canonicalize, hash_strategy
from indicators.strategy.errors import Problem
from indicators.strategy.executor import Trade
from indicators.strategy.grammar import check_document
from indicators.strategy.shape import parse_text
from indicators.strategy.tree import Document

ACCOUNT = ("ticker", "initial_capital", "order_size", "trade_commissions", *LEFT_OUT, "interval")
UNRESOLVED, QUESTION = "unresolved", "question"


def check_answer(text: str, reference: Document, withheld: Collection[str], suite: Suite) -> list[Problem]:
    """Return what is wrong with an answer to the description of a sound strategy; nothing where it is right."""
    document, problems = parse_text(text)
    if problems:
        return problems
    asks = isinstance(document, dict) and UNRESOLVED in document
    if withheld or asks:
        return _check_question(document, withheld)
    if problems := check_document(document):
        return problems
    assert isinstance(document, dict)
    return list_differences(document, reference, suite)


def check_alone(text: str) -> list[Problem]:
    """Return what is wrong with an answer to a description of which no strategy is known."""
    document, problems = parse_text(text)
    if problems or not is_question(document):
        return problems or check_document(document)
    return _check_question(document, document[UNRESOLVED]) if document is not None else []


def is_question(document: Any) -> bool:
    """Tell whether an answer asks for what is not said."""
    return isinstance(document, dict) and isinstance(document.get(UNRESOLVED), list)


def list_differences(answer: Document, reference: Document, suite: Suite) -> list[Problem]:
    """Return in what a sound strategy differs from another: its account, then the first trade and the texts."""
    if hash_strategy(answer) == hash_strategy(reference):
        return []
    ours, theirs = canonicalize(reference), canonicalize(answer)
    problems = [
        Problem(f"$.{key}", "round-trip", f"{key} is {_show(ours.get(key))}; read as {_show(theirs.get(key))}")
        for key in ACCOUNT
        if ours.get(key) != theirs.get(key)
    ]
    difference = find_difference(reference, answer, suite)
    if difference is not None:
        trades = " but ".join(map(_say_trade, (difference.one, difference.other)))
        patch = json.dumps(jsonpatch.make_patch(ours, theirs).patch)[:600]
        message = f"trade {difference.number + 1} on {difference.bars}: {trades} as read; read with the changes {patch}"
        problems.append(Problem("$", "round-trip", message))
    return problems


def _show(value: Any) -> str:
    return "not said" if value is None else json.dumps(value)


def _say_trade(trade: Trade | None) -> str:
    if trade is None:
        return "none"
    side = "long" if trade.side > 0 else "short"
    return f"{side} from bar {trade.entry_bar} to {trade.exit_bar} ({trade.reason})"


def name_value(path: str) -> tuple[str, str]:
    """Name what stands at a path of a strategy: its first key and its last, `constant` for an operand."""
    keys = re.findall(r"[a-z_A-Z]+|\[\d+\]", path.removeprefix("$"))
    if not keys:
        return ("", "")
    return keys[0], "constant" if keys[-1].startswith("[") else keys[-1]


def _check_question(document: Any, withheld: Collection[str]) -> list[Problem]:
    if not isinstance(document, dict) or UNRESOLVED not in document:
        return [Problem(path, "guess", "the text withholds this value; the answer guesses it") for path in withheld]
    named = document[UNRESOLVED]
    if not isinstance(named, list) or not named or not all(isinstance(path, str) for path in named):
        return [Problem("$.unresolved", "type", f"must be a list of paths, one at least; found {_show(named)[:200]}")]
    wanted, found = (sorted({name_value(path) for path in paths}) for paths in (withheld, named))
    if not withheld:
        return [Problem("$.unresolved", "needless-question", f"asks for {', '.join(named)[:200]}; the text says all")]
    if found != wanted:
        return [
            Problem("$.unresolved", "wrong-question", f"must be {', '.join(withheld)}; found {', '.join(named)[:200]}")
        ]
    question = document.get(QUESTION)
    return (
        [] if isinstance(question, str) and question.strip() else [Problem("$.question", "missing-key", "asks nothing")]
    )


def write_question(withheld: Collection[str]) -> str:
    """Write the right answer to a description that withholds values."""
    names = [" ".join(name_value(path)).replace("_", " ") for path in withheld]
    return json.dumps({UNRESOLVED: list(withheld), QUESTION: f"What is the value of {' and of '.join(names)}?"})
