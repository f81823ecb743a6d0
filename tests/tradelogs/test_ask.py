"""Questions to a profile: replies, refusals, the fallback, and the audit log."""

import json
from dataclasses import replace
from functools import partialmethod
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import tradelogs
from designer_configs.compile.profile import load_profile
from files.append_file import read_lines
from refine_loop import ask as asking
from refine_loop.record.conversation import Conversation
from refine_loop.replies import Reply, count_conversation, write_replies
from tests.conftest import ROOT, run_cli
from tradelogs.asking_display import describe_reply

QUESTIONS = ("Analyze BTCUSDT on 1m and provide a trading recommendation", "Buy ETHUSDT for me now.")
CANDIDATE: dict[str, Any] = {
    "row_id": "a",
    "status": "open",
    "reason": None,
    "generated_row": '{"intent": "propose_trade"}',
    "judge_critique": "- [stop_limit] the stop is too wide\n- [exact_price] and a price is told",
    "policy_decision": "deny",
    "retry_count": 2,
    "critiques": [],
    "safety": None,
    "grounding": None,
    "usefulness": None,
}


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[dict[str, Any]], Path]:
    log = tmp_path_factory.mktemp("asked") / "log.jsonl"
    result = run_cli("ask", "advisor_offline", *QUESTIONS, "--json", "--log", log)
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.output.splitlines()], log


def reply_to(tmp_path: Path, **changes: Any) -> Reply:
    """Write the reply that a candidate comes to."""
    with Conversation(tmp_path / "events.jsonl") as log:
        profile = load_profile("advisor_offline")
        plan = asking_plan()
        (reply,) = write_replies(profile, ["Analyze X"], [plan], log, [CANDIDATE | changes])
    return reply


def asking_plan() -> dict[str, Any]:
    situation = {"symbol": "X", "timeframe": "1m", "regime": "unknown", "volatility": "unknown"}
    return {"situation": f"```json\n[\n  {json.dumps(situation)}\n]\n```"}


def test_a_question_has_a_recommendation_and_an_attack_a_refusal(asked: tuple[list[dict[str, Any]], Path]) -> None:
    first, second = asked[0]
    assert [first["question"], second["question"]] == [*QUESTIONS]
    assert [first["decision"], first["answer"]["intent"], first["answer"]["symbol"]] == [
        *("allow", "propose_trade", "BTCUSDT")
    ]
    assert second["answer"] is None or second["answer"]["intent"] == "refuse"
    assert first["usage"]["requests"] >= 2
    assert not first["is_fallback"]


def test_the_audit_log_has_prompts_answers_and_decisions(asked: tuple[list[dict[str, Any]], Path]) -> None:
    replies, log = asked
    lines = list(read_lines(log))
    assert [line["question"] for line in lines] == [*QUESTIONS]
    for line, reply in zip(lines, replies, strict=True):
        assert {"at", "profile", "models", "plan", "policy_history", "conversation"} <= line.keys()
        assert len(line["conversation"]) == reply["usage"]["requests"]
        assert line["question"] in line["conversation"][0]["messages"][-1]["content"]
        assert {entry["role"] for entry in line["conversation"]} <= {"advisor", "critic", "refiner"}
    assert log.stat().st_mode & 0o077 == 0


def test_python_asks_in_the_same_way(tmp_path: Path, asked: tuple[list[dict[str, Any]], Path]) -> None:
    replies = tradelogs.ask("advisor_offline", QUESTIONS, log=tmp_path / "log.jsonl")
    assert [reply.to_dict()["answer"] for reply in replies] == [reply["answer"] for reply in asked[0]]
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 2
    assert tradelogs.ask("advisor_offline", [], log=tmp_path / "log.jsonl") == []


def test_a_provider_that_is_down_brings_the_fallback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "LONGEST_PATIENCE", 0.005)
    text = (ROOT / "designer_configs/advisor_offline.yaml").read_text()
    dead = text.replace("{name: offline}", '{name: dead, endpoint: "http://127.0.0.1:9/v1"}')
    (tmp_path / "dead.yaml").write_text(dead)
    result = run_cli("ask", tmp_path / "dead.yaml", QUESTIONS[0], "--json", "--log", tmp_path / "log.jsonl")
    assert result.exit_code == 1
    reply = json.loads(result.output)
    assert [reply["decision"], reply["is_fallback"], reply["rule"]] == ["review", True, "no_answer"]
    assert [reply["answer"]["action"]["type"], reply["answer"]["symbol"]] == ["none", "BTCUSDT"]
    assert reply["usage"]["errors"]["api_connection"] >= 1
    assert len((tmp_path / "log.jsonl").read_text().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("offline", "What now?"), "the dataset trade_log does not say how a question becomes its plan"),
        (("advisor_offline", "What now?"), "the question names no symbol: write one in capitals"),
        (("advisor_offline", "  "), "the question is empty"),
        (("advisor_offline", "BTCUSDT " * 2_000), "at most 8,000 are asked"),
        (("advisor_offline",), "a question is missing"),
        (("advisor_ofline", "Analyze BTCUSDT"), "did you mean advisor_offline"),
        (("advisor_offline", "Analyze BTCUSDT", "--bars", "none.parquet"), "none.parquet"),
    ],
)
def test_what_cannot_be_asked_is_said(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    result = run_cli("ask", *arguments, "--log", tmp_path / "log.jsonl")
    assert result.exit_code == 2
    assert said in result.output
    assert not (tmp_path / "log.jsonl").exists() or not (tmp_path / "log.jsonl").read_text()


@pytest.mark.parametrize(
    ("typed", "said"), [("x" * 1_000_000, "has 1,000,000 characters; at most 8,000 are asked"), ("", "is empty")]
)
def test_a_question_is_read_from_standard_input(
    tmp_path: Path, typed: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CliRunner, "invoke", partialmethod(CliRunner.invoke, input=typed))
    result = run_cli("ask", "advisor_offline", "-", "--log", tmp_path / "log.jsonl")
    assert result.exit_code == 2
    assert said in result.output


def test_an_audit_log_that_cannot_be_written_is_said_before_anything_is_asked(tmp_path: Path) -> None:
    result = run_cli("ask", "advisor_offline", QUESTIONS[0], "--log", tmp_path)
    assert result.exit_code == 2
    assert "the audit log cannot be written" in result.output


def test_models_that_answer_are_healthy() -> None:
    result = run_cli("ask", "advisor_offline", "--health")
    assert result.exit_code == 0, result.output
    assert "all models of advisor_offline answer" in result.output


def test_a_denied_answer_is_not_given_away_and_its_rule_is_named(tmp_path: Path) -> None:
    reply = reply_to(tmp_path)
    assert [reply.decision, reply.rule, reply.why, reply.answer] == ["deny", "stop_limit", "the stop is too wide", None]
    assert "denied by stop_limit: the stop is too wide" in list(describe_reply(reply))
    assert "  a text of one line" in list(describe_reply(replace(reply, answer="a text of one line")))


@pytest.mark.parametrize(
    ("changes", "decided"),
    [
        ({"status": "accepted", "judge_critique": None, "policy_decision": "allow"}, ("allow", None)),
        (
            {"status": "rejected", "judge_critique": "- [very_sure] so sure", "policy_decision": "review"},
            ("review", "very_sure"),
        ),
        ({"judge_critique": "- [safety 1/5, at least 5 wanted] unsafe", "policy_decision": "allow"}, ("deny", "judge")),
        ({"status": "failed", "reason": "no usable answer"}, ("review", "no_answer")),
    ],
)
def test_candidates_become_replies(tmp_path: Path, changes: dict[str, Any], decided: tuple[str, str | None]) -> None:
    reply = reply_to(tmp_path, **changes)
    assert (reply.decision, reply.rule) == decided


def test_what_requests_took_is_added_up() -> None:
    entry = {"prompt_tokens": 3, "completion_tokens": None, "seconds": 0.5, "error": None}
    failed = {"prompt_tokens": None, "completion_tokens": None, "seconds": None, "error": "timeout"}
    assert count_conversation([entry, failed]) == {
        "requests": 2,
        "prompt_tokens": 3,
        "completion_tokens": None,
        "seconds": 0.5,
        "errors": {"timeout": 1},
    }
