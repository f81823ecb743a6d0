"""For any text, what is read is what a closed object of it says; a strict reading is the oracle."""

import json
import re
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from jobs.reading.answer import Answer, Read
from jobs.reading.judgement import read_judgement
from jobs.reading.mendings import ALL
from jobs.reading.refinement import read_refinement
from jobs.reading.row import read_object
from jobs.reading.syntax import find_objects, load_strictly
from tests.jobs.reading.rows import CONTEXT, ROW, SCHEMA, TRADE, read
from tests.jobs.reading.test_row import READ, REFUSED

TEXTS = [text for text, _ in (*READ.values(), *REFUSED.values())]
JSON_LIKE = st.text(
    st.sampled_from("{}[]\",:'0123456789.-+eE \n`~<>/\\#abtrufalsn\u201c\u201d\u2212\u200b"), max_size=80
)
OPTIONS = {"realism": {1: "", 2: "", 3: ""}}
LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20)
)
NODE = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4)
)


def list_closed(text: str) -> list[Any]:
    """List every object that a strict reading finds between any two braces of a text."""
    closed = []
    for start in (at for at, sign in enumerate(text) if sign == "{"):
        for end in (at + 1 for at, sign in enumerate(text) if sign == "}" and at > start):
            try:
                closed.append(load_strictly(text[start:end]))
            except ValueError:
                continue
    return closed


@st.composite
def spoiled(draw: st.DrawFn) -> str:
    """Draw an answer with pieces cut out of it, put elsewhere, or written over."""
    text = draw(st.sampled_from(TEXTS))
    for _ in range(draw(st.integers(1, 3))):
        start, end = sorted((draw(st.integers(0, len(text))), draw(st.integers(0, len(text)))))
        into = draw(st.integers(0, len(text)))
        text = draw(
            st.sampled_from(
                [
                    text[:start],
                    text[start:],
                    text[:start] + text[start + 1 :],
                    text[:into] + text[start:end] + text[into:],
                ]
            )
            | JSON_LIKE.map(lambda some, text=text, into=into: text[:into] + some[:4] + text[into:])  # type: ignore[misc]
        )
    return text


@given(spoiled())
def test_without_mendings_a_spoiled_answer_is_refused_or_says_what_a_closed_object_says(text: str) -> None:
    answer = read_object(Answer(text), SCHEMA, context=CONTEXT, mendings=ALL & {"no_fence", "fence", "thinking"})
    if isinstance(answer, Read):
        assert answer.value in list_closed(text)


@given(spoiled())
def test_every_number_that_is_read_of_a_spoiled_answer_stands_in_it_as_a_whole(text: str) -> None:
    answer = read(text)
    if isinstance(answer, Read):
        said = [float(number) for number in re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\d.])", text)]
        pointed = [float(f"0{number}") for number in re.findall(r"(?<![\d.])\.\d+(?![\d.])", text)]
        numbers = [value for value in answer.value.values() if isinstance(value, (int, float))]
        assert {abs(number) for number in numbers} <= {*said, *pointed}


@given(JSON_LIKE | st.text(max_size=60))
def test_any_text_is_read_or_refused_by_each_reader(text: str) -> None:
    answers = (
        read(f"{ROW[:40]}{text}"),
        read_judgement(Answer(text, text), OPTIONS),
        read_refinement(Answer(f'{{"ticker": {text}}}'), SCHEMA, TRADE, context=CONTEXT),
        read_object(Answer(text, text, arguments=(text,)), SCHEMA, context=CONTEXT),
    )
    assert not any(isinstance(answer, Read) and answer.value is None for answer in answers)


@given(NODE.filter(lambda node: isinstance(node, (dict, list))), st.sampled_from([None, 2]))
def test_json_is_read_as_a_strict_reading_reads_it(node: Any, indent: int | None) -> None:
    text = json.dumps(node, indent=indent)
    found, broken = find_objects(text)
    assert [one.node for one in found] == [json.loads(text)]
    assert not broken


def write_number(draw: st.DrawFn, number: float, *, percent: bool) -> str:
    """Write a number in a form that loses nothing of it."""
    sign, digits = ("-" if number < 0 else ""), repr(abs(number))
    forms: list[Callable[[], str]] = [
        lambda: f"{sign}{digits}",
        lambda: f'"{sign}{digits}"',
        lambda: f'"{sign or "+"}{digits}"',
        lambda: f'"{sign and chr(0x2212)}{digits}"',
        lambda: f'"{sign}{abs(number):,}"',
        (lambda: f'"{sign}{digits}%"') if percent else (lambda: f'"{sign}${abs(number):,}"'),
    ]
    return draw(st.sampled_from(forms))()


def write_time(draw: st.DrawFn, hour: int, minute: int) -> str:
    """Write a time of day on the minute in a form that loses nothing of it."""
    half = f"{(hour - 1) % 12 + 1}:{minute:02} {'AM' if hour < 12 else 'PM'}"
    clock = f"{hour:02}:{minute:02}"
    forms = [
        f"{clock}:00",
        clock,
        f"{hour}:{minute:02}:00",
        half,
        f"{clock}:00.000",
        f"2024-10-22T{clock}:00",
        f"{clock} ET",
    ]
    return f'"{draw(st.sampled_from(forms))}"'


@st.composite
def written(draw: st.DrawFn) -> tuple[dict[str, Any], str]:
    """Draw a trade, and an answer that says it in some lossless form."""
    trade: dict[str, Any] = {"ticker": "SIM4", "trade_type": draw(st.sampled_from(["buy", "short"]))}
    words = {"buy": ["buy", "Buy", "LONG"], "short": ["short", "SHORT", "sell short"]}[trade["trade_type"]]
    texts = {"ticker": f'"{draw(st.sampled_from(["SIM4", "sim4", "$SIM4"]))}"'}
    texts["trade_type"] = f'"{draw(st.sampled_from(words))}"'
    for name in list(TRADE)[2:]:
        if name.endswith("_time"):
            hour, minute = draw(st.integers(0, 23)), draw(st.integers(0, 59))
            trade[name], texts[name] = f"{hour:02}:{minute:02}:00", write_time(draw, hour, minute)
        else:
            trade[name] = draw(st.integers(-9_999_999, 9_999_999)) / 1000 + 0.0005
            texts[name] = write_number(draw, trade[name], percent=name.endswith("percent"))
    keys = [draw(st.sampled_from([name, name.upper(), name.title().replace("_", "")])) for name in trade]
    items = ", ".join(f'"{key}": {texts[name]}' for key, name in zip(keys, trade, strict=True))
    around = [
        "{{{}}}",
        "```json\n{{{}}}\n```",
        "<think>{{{{}}}}</think>{{{}}}",
        '[{{"trade": {{{},}}}}]',
        "So: {{{}}} </s>",
    ]
    return trade, draw(st.sampled_from(around)).format(items)


@given(written())
def test_any_lossless_form_of_any_trade_is_read_as_that_trade(case: tuple[dict[str, Any], str]) -> None:
    trade, text = case
    answer = read(text)
    assert isinstance(answer, Read)
    assert answer.value == trade


@given(written(), st.data())
def test_prefix_of_any_form_is_refused(case: tuple[dict[str, Any], str], data: st.DataObject) -> None:
    trade, text = case
    last = text.rindex("}")
    prefix = text[: data.draw(st.integers(0, last))]
    answer = read(prefix, finish_reason="length")
    assert not isinstance(answer, Read) or (answer.value == trade and "}" in prefix)
    assert not isinstance(answer, Read) or prefix.count("{") == prefix.count("}")
