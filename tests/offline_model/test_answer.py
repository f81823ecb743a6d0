"""Answers repeat by seed in any order, err at the set rates, and get better when corrected."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from offline_model.answer import CORRECTION_FAILURE_RATE, answer_messages
from offline_model.errors import OfflineModelError, PromptError
from offline_model.options import Options
from offline_model.tasks.trade_log.trades import FIELDS

WritePrompt = Callable[..., str]
Chat = list[dict[str, Any]]

FAULTLESS = Options(fault_rate=0, malformed_rate=0)


def ask(text: str) -> Chat:
    return [{"role": "system", "content": "You write trades."}, {"role": "user", "content": text}]


def answer_all(chats: list[Chat], options: Options) -> list[str]:
    return [answer_messages(chat, options).text for chat in chats]


def unwrap(text: str) -> dict[str, Any] | None:
    """Read the JSON of an answer, None where it is spoilt."""
    try:
        row = json.loads(text[text.index("{") : text.rindex("}") + 1])
    except ValueError:
        return None
    return row if set(row) == set(FIELDS) else None


@pytest.fixture(scope="module")
def chats(write_prompt: WritePrompt) -> list[Chat]:
    return [ask(write_prompt("generator", number)) for number in range(1500)]


def test_answers_do_not_depend_on_the_order_of_arrival(chats: list[Chat]) -> None:
    there = answer_all(chats[:200], Options(seed=3))
    back = answer_all(chats[:200][::-1], Options(seed=3))
    assert there == back[::-1]
    assert len(set(there)) == 200


def test_another_seed_gives_other_answers(chats: list[Chat]) -> None:
    pairs = zip(*(answer_all(chats[:50], Options(seed=seed)) for seed in (1, 2)), strict=True)
    assert all(one != other for one, other in pairs)


def test_shares_of_wrong_and_spoilt_rows_are_the_set_ones(chats: list[Chat]) -> None:
    honest = answer_all(chats, FAULTLESS)
    drawn = answer_all(chats, Options(fault_rate=0.28, malformed_rate=0.06))
    rows = [unwrap(text) for text in drawn]
    spoilt = rows.count(None)
    wrong = sum(row is not None and row != unwrap(text) for row, text in zip(rows, honest, strict=True))
    assert abs(spoilt / 1500 - 0.06) < 0.02
    assert abs(wrong / (1500 - spoilt) - 0.28) < 0.04


def test_rates_of_nought_give_sound_rows_only(chats: list[Chat]) -> None:
    assert all(unwrap(text) is not None for text in answer_all(chats[:300], FAULTLESS))


def test_correction_mostly_brings_the_same_row_in_a_form_that_parses(chats: list[Chat]) -> None:
    options, honest = Options(fault_rate=0, malformed_rate=1.0), answer_all(chats[:400], FAULTLESS)
    corrections = [
        [*chat, {"role": "assistant", "content": text}, {"role": "user", "content": "No parsable JSON found"}]
        for chat, text in zip(chats[:400], answer_all(chats[:400], options), strict=True)
    ]
    rows = [unwrap(text) for text in answer_all(corrections, options)]
    assert abs(rows.count(None) / 400 - CORRECTION_FAILURE_RATE) < 0.06
    assert all(row in (None, unwrap(text)) for row, text in zip(rows, honest, strict=True))


def test_message_in_parts_is_answered_like_a_plain_one(chats: list[Chat]) -> None:
    parts = [{"role": "user", "content": [{"type": "text", "text": chats[0][1]["content"]}]}]
    assert answer_messages(parts, FAULTLESS).text == answer_messages([chats[0][1]], FAULTLESS).text


def test_small_talk_gets_a_short_plain_answer() -> None:
    answer = answer_messages([{"role": "user", "content": "Hello!"}], Options())
    assert answer.role == "other"
    assert answer.text.startswith("This is the offline model")


@pytest.mark.parametrize("messages", [None, [], ["Hello!"], [{"role": "user"}], [{"content": "Hello!"}]])
def test_messages_that_are_no_chat_are_refused(messages: object) -> None:
    with pytest.raises(PromptError, match="`messages"):
        answer_messages(messages, Options())


def test_bad_options_are_all_named() -> None:
    with pytest.raises(
        OfflineModelError, match=r"latency .* found -1; fault_rate .* found 1\.5; malformed_rate .* nan"
    ):
        Options(latency=-1, fault_rate=1.5, malformed_rate=float("nan"))
