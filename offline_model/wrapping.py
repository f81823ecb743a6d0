"""The form of an answer: JSON in a fence, now and then with prose around it, and answers that do not parse."""

import json
from random import Random

SHORTEST_CUT = 9  # characters: the fence's own line stays


def spoil_answer(answer: object, rng: Random) -> str:
    """Write an answer that no parser accepts: a field missing, text cut short, or prose without any JSON."""
    kind = int(rng.random() * 3)
    if not isinstance(answer, dict) or not answer:
        return f"Here is my answer: {answer}."
    names = list(answer)
    if kind == 0:
        missing = names[int(rng.random() * len(names))]
        return fence_json({name: value for name, value in answer.items() if name != missing})
    if kind == 1:
        text = fence_json(answer)
        return text[: max(SHORTEST_CUT, text.index(json.dumps(names[-1])) - int(rng.random() * 20) - 4)]
    return f"Here is my answer: {', '.join(f'{name} = {value}' for name, value in answer.items())}."


def wrap_answer(answer: object, rng: Random) -> str:
    """Write an answer as models do: mostly in a fence alone, now and then bare, or with prose around the fence."""
    draw = rng.random()
    if draw < 0.04:
        return json.dumps(answer)
    if draw < 0.12:
        return f"Here is the answer you asked for.\n\n{fence_json(answer)}\n\nEvery field follows the rules above."
    return fence_json(answer)


def fence_json(value: object) -> str:
    """Write a value as JSON within a Markdown fence."""
    return f"```json\n{json.dumps(value)}\n```"
