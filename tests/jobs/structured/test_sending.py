"""A run's requests carry the row's own schema, where its provider holds one."""

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, ClassVar

import pytest

from offline_model.answer import answer_messages
from offline_model.options import Options
from tests.conftest import Cli, WriteProfile

CLEAN = Options(seed=3, fault_rate=0.0, malformed_rate=0.0)


class Decoder(BaseHTTPRequestHandler):
    """The offline model as a server that holds a schema: its answers to the probe are JSON where one is sent."""

    sent: ClassVar[list[dict[str, Any]]] = []
    takes: ClassVar[str] = "json_schema"
    lacks: ClassVar[str] = ""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if body["model"] == self.lacks:
            self.send_error(404)
            return
        self.sent.append(body)
        text = answer_messages(body["messages"], CLEAN).text
        form = body.get("response_format", {})
        if form.get("type") == self.takes and text == "hello.":
            schema = form["json_schema"]["schema"] if self.takes == "json_schema" else form.get("schema", {})
            text = json.dumps(dict.fromkeys(schema["required"], "x"))
        choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        answer = json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def serve() -> Iterator[Callable[..., str]]:
    """Give a function that starts the server and gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Decoder)
    Thread(target=server.serve_forever, daemon=True).start()

    def start(takes: str, lacks: str = "") -> str:
        Decoder.takes, Decoder.lacks, Decoder.sent = takes, lacks, []
        return f"http://127.0.0.1:{server.server_address[1]}/v1"

    yield start
    server.shutdown()
    server.server_close()


def run(cli: Cli, write_profile: WriteProfile, folder: Path, endpoint: str, **more: object) -> list[dict[str, Any]]:
    provider = {"name": "llama_cpp", "endpoint": endpoint}
    asked = {f"models.{role}.structured_output": "auto" for role in ("generator", "judge", "refiner")}
    changes = {"provider": provider, "run.accepted": 2, "run.max_candidates": 4, **asked, **more}
    result = cli("generate", write_profile(folder / "mine.yaml", changes), "--out", folder / "run", "--no-report")
    assert result.exit_code in (0, 3), result.output
    return [json.loads(line) for line in (folder / "run/events.jsonl").read_text().splitlines()]


def list_formats() -> list[dict[str, Any]]:
    return [body["response_format"] for body in Decoder.sent if "response_format" in body]


def test_the_rows_own_schema_is_sent(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, serve: Callable[..., str]
) -> None:
    events = run(cli, write_profile, tmp_path, serve("json_schema"))
    found = {event["role"]: event["mode"] for event in events if event["event"] == "structured_output"}
    assert found == dict.fromkeys(("generator", "judge", "refiner"), "json_schema")
    schemas = [form["json_schema"]["schema"]["properties"] for form in list_formats()]
    trades = [fields for fields in schemas if "const" in fields.get("ticker", {})]
    assert trades
    assert all("const" in fields["trade_type"] and "enum" in fields["entry_volatility_percent"] for fields in trades)
    judged = [fields["realism"]["properties"]["reasoning"] for fields in schemas if "realism" in fields]
    assert judged
    assert all(reasoning["maxLength"] == 200 for reasoning in judged)


def test_prompts_begin_alike_and_say_the_schema_once(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, serve: Callable[..., str]
) -> None:
    run(cli, write_profile, tmp_path, serve("nothing"))
    texts = [
        "\n".join(m["content"] if isinstance(m["content"], str) else m["content"][0]["text"] for m in body["messages"])
        for body in Decoder.sent
    ]
    drafts = [text for text in texts if "# Task: write one new trade" in text]
    assert {text.count("<response_schema>") for text in drafts} == {1}
    assert len({text[: text.index("Regular session:")] for text in drafts}) == 1
    assert drafts[0].index("Regular session:") > 0.5 * len(drafts[0])


def test_where_no_schema_is_held_the_prompt_alone_is_sent(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, serve: Callable[..., str]
) -> None:
    events = run(cli, write_profile, tmp_path, serve("nothing"))
    assert {event["mode"] for event in events if event["event"] == "structured_output"} == {"prompt"}
    assert len(list_formats()) == 6  # two questions to each role, and nothing after them


def test_a_profile_says_how_and_nobody_is_asked(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, serve: Callable[..., str]
) -> None:
    own = {f"models.{role}.structured_output": "prompt" for role in ("judge", "refiner")}
    events = run(
        cli, write_profile, tmp_path, serve("nothing"), **own, **{"models.generator.structured_output": "json_object"}
    )
    assert not [event for event in events if event["event"] == "structured_output"]
    assert {form["type"] for form in list_formats()} == {"json_object"}


def test_model_that_stands_in_is_asked_in_its_own_form(
    cli: Cli, write_profile: WriteProfile, tmp_path: Path, serve: Callable[..., str]
) -> None:
    own = {f"models.{role}.structured_output": "prompt" for role in ("judge", "refiner")}
    stand_in = {"models.generator.model": "gone", "models.generator.fallback": {"model": "spare"}}
    events = run(cli, write_profile, tmp_path, serve("json_schema", "gone"), **own, **stand_in)
    found = {event["role"]: event["mode"] for event in events if event["event"] == "structured_output"}
    assert found == {"generator": "prompt", "generator_fallback": "json_schema"}
    drafts = [body for body in Decoder.sent if body["model"] == "spare" and len(json.dumps(body["messages"])) > 2_000]
    assert drafts
    assert all(body["response_format"]["type"] == "json_schema" for body in drafts)
