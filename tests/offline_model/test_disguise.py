"""Under a disguise the offline model reads what it would read without, and says nothing that it must not."""

import json

import pytest

from offline_model.answer import answer_messages
from offline_model.disguise import Chat, Disguise
from offline_model.options import Options
from tests.offline_model.test_answer import WritePrompt, ask

MAPPING = {
    "fields": {"ticker": "ticker", "prices": ["entry_price", "exit_price"], "dates": ["session_date"]},
    "codes": {"NVDA": "TKR02", "TSLA": "TKR03", "BRK.B": "TKR01"},
    "hundredths": {"NVDA": 233, "TSLA": 151, "BRK.B": 719},
    "weeks": -60,
}
DISGUISE = Disguise(MAPPING)
PAIRS = [
    ("Session: 2024-03-05", "Session: 2023-01-10"),
    ("Its ticker is BRK.B.", "Its ticker is TKR01."),
    ("- Price of BRK.B: 45.095 to 75.905.", "- Price of TKR01: 324.2331 to 545.757."),
    ('{"ticker": "NVDA", "entry_price": 31.0, "exit_price": 31.52}',) * 2,
    ("entry_price 77.67 is not a price the gold knows of NVDA; limit: 3.695 to 6.725",) * 2,
]
LOOSE = [
    "NVDA: `exit_price` 75.0, a move of 3.2%, is far beyond the examples'; expected a move of -2 to 2%.",
    "NVDA: `entry_price` 123.457 is no price of NVDA; expected 45.095 to 75.905.",
    "NVDA: Here is my answer: entry_price = 60.04, exit_price = 59.9.",
    '```json\n{"ticker": "NVDA", "trade_type": "buy", "entry_price": 60.',
]


def hide(text: str) -> str:
    return Chat(DISGUISE).say(text)


def test_a_text_is_read_as_it_would_be_without() -> None:
    for real, shown in PAIRS[:3]:
        assert Chat(DISGUISE).read(shown) == real
    row = json.loads(hide(PAIRS[3][0]))
    assert row == {"ticker": "TKR02", "entry_price": 72.23, "exit_price": 73.4416}


@pytest.mark.parametrize("said", [*(real for real, _ in PAIRS[3:]), *LOOSE[:3]])
def test_what_is_said_is_read_again_as_it_was(said: str) -> None:
    assert Chat(DISGUISE).read(hide(said)) == said


@pytest.mark.parametrize("said", LOOSE)
def test_what_is_said_names_neither_ticker_nor_price(said: str) -> None:
    hidden = hide(said)
    assert "NVDA" not in hidden
    assert not any(price in hidden for price in ("75.0", "123.457", "60.04", "59.9", '"entry_price": 60.'))


def test_percents_and_other_numbers_stay() -> None:
    text = "100 x (exit_price / entry_price - 1); volatility 0.692; worst_exit_percent -1.2 to 3."
    assert hide(text) == text


def test_an_answer_is_the_one_without_the_disguise_in_its_clothes(write_prompt: WritePrompt) -> None:
    for number in range(30):
        text = write_prompt("generator", number)
        plain = answer_messages(ask(text), Options(seed=3)).text
        hidden = answer_messages(ask(hide(text)), Options(seed=3), DISGUISE).text
        assert hidden != plain
        assert Chat(DISGUISE).read(hidden) == plain
