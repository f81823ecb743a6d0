"""The endpoint over real HTTP: OpenAI's shapes, its errors, many connections at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from offline_model.answer import SMALL_TALK, answer_messages
from offline_model.options import Options
from offline_model.server import LARGEST_BODY

WritePrompt = Callable[..., str]


def post(client: httpx.Client, text: str, **more: object) -> httpx.Response:
    body = {"model": "any", "messages": [{"role": "user", "content": text}], **more}
    return client.post("chat/completions", json=body)


def read_error(response: httpx.Response) -> str:
    error: dict[str, Any] = response.json()["error"]
    assert error["type"] == "invalid_request_error"
    return str(error["message"])


def test_answer_has_the_shape_of_a_chat_completion(client: httpx.Client) -> None:
    answer = post(client, "Hello!", temperature=0.8, max_tokens=512).json()
    assert answer["object"] == "chat.completion"
    assert answer["model"] == "any"
    message = {"role": "assistant", "content": SMALL_TALK}
    assert answer["choices"] == [{"index": 0, "message": message, "finish_reason": "stop"}]
    assert answer["usage"]["completion_tokens"] == -(-len(SMALL_TALK) // 4)
    assert answer["usage"]["total_tokens"] == answer["usage"]["prompt_tokens"] + answer["usage"]["completion_tokens"]


def test_answer_is_the_one_of_the_seed(client: httpx.Client, write_prompt: WritePrompt) -> None:
    text = write_prompt("generator", "one")
    expected = answer_messages([{"role": "user", "content": text}], Options(seed=7)).text
    assert post(client, text).json()["choices"][0]["message"]["content"] == expected
    assert post(client, text, model="other").json()["choices"][0]["message"]["content"] == expected


def test_sixty_four_connections_at_once_get_their_own_answers(client: httpx.Client, write_prompt: WritePrompt) -> None:
    texts = [write_prompt("generator", number) for number in range(256)]
    limits = httpx.Limits(max_connections=64, max_keepalive_connections=64)
    with httpx.Client(base_url=client.base_url, trust_env=False, limits=limits) as wide, ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(lambda text: post(wide, text).json()["choices"][0]["message"]["content"], texts))
    assert answers == [answer_messages([{"role": "user", "content": t}], Options(seed=7)).text for t in texts]


def test_connection_is_kept_alive(client: httpx.Client) -> None:
    ports = set()
    for _ in range(3):
        stream = post(client, "Hello!").extensions["network_stream"]
        ports.add(stream.get_extra_info("client_addr"))
    assert len(ports) == 1


def test_answer_longer_than_max_tokens_is_cut(client: httpx.Client) -> None:
    (choice,) = post(client, "Hello!", max_tokens=5).json()["choices"]
    assert (choice["finish_reason"], choice["message"]["content"]) == ("length", SMALL_TALK[:20])


def test_health_counts_requests_by_role(client: httpx.Client, write_prompt: WritePrompt) -> None:
    health = str(client.base_url.join("/health"))
    before = client.get(health).json()["requests"]
    for role in ("generator", "judge", "judge", "refiner"):
        post(client, write_prompt(role, trade={}))
    after = client.get(health).json()["requests"]
    assert {role: after[role] - before[role] for role in after} == {
        "generator": 1,
        "judge": 2,
        "refiner": 1,
        "other": 0,
    }


def test_models_are_listed(client: httpx.Client) -> None:
    assert client.get("models").json()["data"][0]["id"] == "offline-model"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"no json", "the body is not JSON"),
        (b"[" * 100_000, "the body is not JSON"),
        (b"[]", "the body must be a JSON object with a `model`"),
        (b'{"messages": []}', "the body must be a JSON object with a `model`"),
        (b'{"model": "m"}', "`messages` must be a list"),
        (b'{"model": "\\ud800x", "messages": [{"role": "user", "content": "Hi"}]}', "half a character, '\\ud800'"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "\\udfff"}]}', "half a character, '\\udfff'"),
        (b'{"model": "m\xed\xa0\x80", "messages": [{"role": "user", "content": "Hi"}]}', "half a character"),
        (b'{"model": "m", "messages": [], "stream": true}', "does not stream"),
        (
            b'{"model": "m", "messages": [{"role": "user", "content": "# Task: write one new trade"}]}',
            "no usable trade",
        ),
    ],
)
def test_bad_request_is_told_why(client: httpx.Client, body: bytes, message: str) -> None:
    response = client.post("chat/completions", content=body)
    assert response.status_code == 400
    assert message in read_error(response)


def test_body_that_is_too_large_is_refused(client: httpx.Client) -> None:
    response = client.post("chat/completions", content=b" " * (LARGEST_BODY + 1))
    assert response.status_code == 413
    assert f"the limit is {LARGEST_BODY}" in read_error(response)


def test_unknown_path_and_method_are_openai_errors_too(client: httpx.Client) -> None:
    assert client.get("embeddings").json()["error"]["message"] == "Not Found"
    assert client.get("chat/completions").status_code == 405
