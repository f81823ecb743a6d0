"""The door to the grammar: a text in, a strategy out, or all that is wrong with it."""

from indicators.strategy.errors import Problem, StrategyError
from indicators.strategy.meaning import check_meaning
from indicators.strategy.shape import check_shape, parse_text
from indicators.strategy.tree import Document


def check_text(text: str) -> list[Problem]:
    """Return all that is wrong with the JSON text of a strategy: its text, or else its shape, or else its meaning."""
    document, problems = parse_text(text)
    return problems or check_document(document)


def check_document(document: object) -> list[Problem]:
    """Return all that is wrong with the document of a strategy: its shape, or else its meaning."""
    problems = check_shape(document)
    if problems:
        return problems
    assert isinstance(document, dict)
    return check_meaning(document)


def read_strategy(text: str, source: str = "The strategy") -> Document:
    """Return the strategy that a JSON text says, as it is written.

    Raises:
        StrategyError: Naming every fault with its path and rule; `source` says where the text is from.
    """
    document, problems = parse_text(text)
    problems = problems or check_document(document)
    if problems:
        raise StrategyError(problems, source)
    assert isinstance(document, dict)
    return document
