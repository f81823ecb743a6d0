"""The fault style `real`: saved answers of language models in the place of spoilt ones."""

from random import Random

import pytest

from offline_model.answer import answer_messages
from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.replay import load_answers, replay_answer
from tests.offline_model.conftest import WritePrompt


@pytest.mark.parametrize("role", ["generator", "judge", "refiner"])
def test_every_role_has_saved_answers(role: str) -> None:
    assert len(load_answers()[role]) >= 10
    assert replay_answer(role, Random(1)) == replay_answer(role, Random(1)) in load_answers()[role]


def test_a_malformed_answer_is_a_saved_one(write_prompt: WritePrompt) -> None:
    messages = [{"role": "user", "content": write_prompt("generator")}]
    said = answer_messages(messages, Options(malformed_rate=1.0, style="real")).text
    assert said in load_answers()["generator"]
    assert answer_messages(messages, Options(malformed_rate=0.0, style="real")).text not in load_answers()["generator"]


def test_a_style_that_is_none_is_refused() -> None:
    with pytest.raises(OfflineModelError, match="style must be one of planted, real, found odd"):
        Options(style="odd")
