"""Whether the right answer can be recovered from its prompt at all: a value that is not said cannot be known."""

import re

from indicators.strategy.said import check_said, hide_moments
from verification.strategies.dialects import PARAMETERS, Said
from verification.strategies.differences import count_sizes

_NUMBERS = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?")


def is_recoverable(prompt: str, answer: str, said: Said, dialect: str) -> bool:
    """Tell whether a prompt says what its right answer says.

    In our JSON by the check of descriptions. In the text form, whose words are another system's, every number of the
    answer must be a number of the prompt.
    """
    if said.unresolved:
        return True
    if dialect == "json":
        if said.document is None:
            return False
        return not any(problem.rule == "unstated" for problem in check_said(prompt, said.document))
    stated = [float(found) for found in re.findall(r"\d+(?:\.\d+)?", prompt)]
    return all(number in stated for number in _list_numbers(answer))


def _list_numbers(answer: str) -> list[float]:
    """List the numbers of an answer in the text form, without signs; names with digits are none."""
    parts = re.sub(r"\b\w+\.\w+\b", lambda found: found[0] if found[0][0].isdigit() else "", hide_moments(answer))
    return [abs(float(found)) for found in _NUMBERS.findall(parts)]


def count_said_values(prompt: str, said: Said) -> int:
    """Count the values of a right answer that a prompt may say: all but the numbers that are none of the prompt's."""
    stated = {float(found) for found in re.findall(r"\d+(?:\.\d+)?", prompt)}
    numbers = [number for key in PARAMETERS for number in _list_numbers(said.parameters.get(key, ""))]
    return sum(count_sizes(said.parameters).values()) - sum(number not in stated for number in numbers)
