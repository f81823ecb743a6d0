"""Which texts a secret is masked in, and which are left alone."""

import base64
import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest

from files import secret_text
from files.secret_text import mask_secrets, mask_values, remember_secrets

KEY = 'nv/api+7f3a 9d"=\u00e9'


@pytest.fixture(autouse=True)
def remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remember one key for the time of a test."""
    monkeypatch.setattr(secret_text, "_names", {})
    monkeypatch.setenv("A_KEY", KEY)
    remember_secrets(["A_KEY", "NOT_SET"])


@pytest.mark.parametrize(
    "form",
    [
        KEY,
        quote(KEY, safe=""),
        quote_plus(KEY),
        json.dumps(KEY)[1:-1],
        repr(KEY.encode())[2:-1],
        KEY.encode().hex(),
        KEY.encode().hex().upper(),
        quote(KEY, safe="").lower(),
        json.dumps(KEY)[1:-1].replace("/", r"\/").replace("+", r"\u002B").replace("\\u00e9", r"\u00E9"),
        json.dumps(json.dumps(KEY)[1:-1].replace("+", r"\u002b"))[1:-1],
        KEY.replace("=", r"\u003d").replace("/", "%2f"),
        base64.b64encode(KEY.encode()).decode(),
        base64.urlsafe_b64encode(KEY.encode()).decode(),
    ],
)
def test_every_form_is_masked(form: str) -> None:
    assert mask_secrets(f"no: <{form}> again {form}").count("[A_KEY]") == 2
    assert form not in mask_secrets(f"no: <{form}>")


@pytest.mark.parametrize("sign", list("+&<>'/="))
@pytest.mark.parametrize("spell", [lambda n: f"\\u{n:04x}", lambda n: f"\\u{n:04X}", lambda n: f"%{n:02x}"])
def test_signs_that_are_escaped_in_a_body_are_found(
    monkeypatch: pytest.MonkeyPatch, sign: str, spell: Callable[[int], str]
) -> None:
    monkeypatch.setenv("A_KEY", f"nvapi-12{sign}3456")
    assert mask_secrets(f'no JSON: "nvapi-12{spell(ord(sign))}3456"') == 'no JSON: "[A_KEY]"'


@pytest.mark.parametrize("before", ["", "B", "Be", "Bearer ", "user:"])
def test_base64_of_a_text_with_a_key_in_it_is_masked(before: str) -> None:
    encoded = base64.b64encode(f"{before}{KEY} and more".encode()).decode()
    assert "[A_KEY]" in mask_secrets(encoded)


def test_a_key_with_blanks_around_it_is_masked_without_them_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", " nvapi-123456\n")
    assert mask_secrets("Bearer nvapi-123456;") == "Bearer [A_KEY];"


@pytest.mark.parametrize("value", ["", "none", "EMPTY", "ollama"])
def test_a_short_value_is_no_secret(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("A_KEY", value)
    assert mask_secrets("none of it is EMPTY in ollama") == "none of it is EMPTY in ollama"


def test_of_an_address_only_who_asks_is_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_KEY", "https://someone:pass-word@service.test:8080/v1")
    said = mask_secrets("service.test:8080 refuses someone:pass-word")
    assert said == "service.test:8080 refuses someone:[A_KEY]"


@pytest.mark.parametrize(
    "address", ["https://me:pass%2Fw%C3%B6rd@service.test", "https://pass%2Fw%C3%B6rd@service.test"]
)
@pytest.mark.parametrize("form", ["pass%2Fw%C3%B6rd", "pass/w\u00f6rd"])
def test_what_an_address_is_asked_with_is_a_secret(monkeypatch: pytest.MonkeyPatch, address: str, form: str) -> None:
    monkeypatch.setenv("A_KEY", address)
    assert mask_secrets(f"it was {form}, it says") == "it was [A_KEY], it says"


@pytest.mark.parametrize(
    ("asks", "pair"), [("me:s%2Frt", "me:s/rt"), ("tok%2Ben01:", "tok+en01:"), ("a-token", "a-token:")]
)
def test_the_header_that_an_address_becomes_is_a_secret(monkeypatch: pytest.MonkeyPatch, asks: str, pair: str) -> None:
    monkeypatch.setenv("A_KEY", f"https://{asks}@service.test")
    encoded = base64.b64encode(pair.encode()).decode()
    assert mask_secrets(f"Basic {encoded}").rstrip("=") == "Basic [A_KEY]"


def test_plain_data_is_masked_to_its_leaves_and_keys() -> None:
    data = {"a": [KEY, 1, None, {KEY: f"x{KEY}"}], "b": True}
    assert mask_values(data) == {"a": ["[A_KEY]", 1, None, {"[A_KEY]": "x[A_KEY]"}], "b": True}


def test_nothing_is_changed_where_no_secret_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secret_text, "_names", {})
    data = {"a": KEY}
    assert mask_values(data) is data
