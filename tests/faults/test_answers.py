"""What a job comes to when the provider answers, but not with what was asked for."""

import json

import pytest

from offline_model.answer import answer_messages

from .conftest import ROWS, RunJob
from .endpoint import FAULTLESS, Asked, Endpoint, Reply, Script, say

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")  # the library leaves its connections open

WRONG_SCHEMA = json.dumps({"ticker": "SIM1", "side": "buy"})


def write_answer(asked: Asked) -> str:
    return answer_messages(asked.messages, FAULTLESS).text


def break_row(row: int, reply: Reply, *, once: bool = False) -> Script:
    """Give the generator's answers to a row, or only its first one, another form."""

    def script(asked: Asked) -> Reply | None:
        corrected = any(message["role"] == "assistant" for message in asked.messages)
        hit = (asked.role, asked.row) == ("generator", row) and not (once and corrected)
        return reply if hit else None

    return script


@pytest.mark.parametrize("text", ['```json\n{"ticker": "SIM1", "trade_type": "bu', WRONG_SCHEMA, ""])
def test_answer_that_does_not_parse_is_corrected(endpoint: Endpoint, run_job: RunJob, text: str) -> None:
    endpoint.script = break_row(1, say(text), once=True)
    job = run_job()
    assert (job.height, job.losses) == (ROWS, [])
    assert endpoint.count(role="generator") == ROWS + 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('```json\n{"ticker": "SIM1", "trade_type": "bu', "The JSON object is not closed"),
        (WRONG_SCHEMA, "The answer holds no JSON object of the schema"),
        ("", "The answer is empty"),
    ],
    ids=["truncated", "wrong_schema", "empty"],
)
def test_answer_that_never_parses_costs_its_row(endpoint: Endpoint, run_job: RunJob, text: str, said: str) -> None:
    endpoint.script = break_row(1, say(text))
    job = run_job()
    assert (job.height, job.halted) == (ROWS - 1, "")
    assert said in job.losses[0]
    assert endpoint.count(role="generator", row=1) == 2


def test_refusal_in_words_costs_its_row_at_once(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = break_row(1, say("I cannot do that."))
    job = run_job()
    assert (job.height, job.losses) == (ROWS - 1, ["The model will not answer: I cannot do that."])
    assert endpoint.count(role="generator", row=1) == 1  # to ask again would be refused again


def test_json_between_prose_is_read(endpoint: Endpoint, run_job: RunJob) -> None:
    def chat(asked: Asked) -> Reply | None:
        text = write_answer(asked)
        fenced = f"```json\n{text[text.index('{') : text.rindex('}') + 1]}\n```"
        return say(f"Sure! Here it is.\n\n{fenced}\n\nShall I write another?") if asked.role == "generator" else None

    endpoint.script = chat
    assert run_job().height == ROWS
    assert endpoint.count(role="generator") == ROWS


def test_answer_that_was_cut_at_max_tokens_says_so(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = break_row(1, say('```json\n{"ticker": "SIM1"', finish="length"))
    (loss,) = run_job().losses
    assert "it reached max_tokens" in loss
    assert "Increase inference_parameters.max_tokens" in loss


def test_answer_that_the_content_filter_stopped_costs_its_row(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = break_row(1, say("", finish="content_filter"))
    job = run_job()
    assert job.losses == ["the provider's content filter stopped the answer (finish_reason: content_filter)"]
    assert endpoint.count(role="generator", row=0) == 1  # asking to correct it would only be filtered again


def test_refusal_costs_its_row(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = break_row(1, say(None, refusal="I will not make up trades."))
    job = run_job()
    assert (job.height, job.losses) == (ROWS - 1, ["the model refused: I will not make up trades."])


def test_cap_on_tokens_within_a_job_leaves_the_rest_unfinished(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: say(write_answer(asked), usage=(900, 100))
    job = run_job({"run.max_tokens": 5_000, "models.generator.inference_parameters": {"max_parallel_requests": 1}})
    assert job.halted == ""
    assert job.height + len(job.losses) == ROWS
    assert set(job.losses) == {"not finished: the cap run.max_tokens was reached"}
    assert 5 <= len(endpoint.asked) <= 5 + 16  # those under way were awaited


def test_tokens_that_the_provider_does_not_say_are_assumed(endpoint: Endpoint, run_job: RunJob) -> None:
    endpoint.script = lambda asked: say(write_answer(asked), usage=None)
    job = run_job({"run.max_tokens": 4_000})
    assert "not finished: the cap run.max_tokens was reached" in job.losses
    assert (job.usage["prompt_tokens"], job.usage["completion_tokens"]) == (None, None)


@pytest.mark.parametrize("usage", [(-5, -7), ("many", "few"), (None, True)])
def test_tokens_that_are_no_counts_are_not_said(endpoint: Endpoint, run_job: RunJob, usage: object) -> None:
    endpoint.script = lambda asked: say(write_answer(asked), usage=usage)  # type: ignore[arg-type]
    job = run_job({"run.max_tokens": 4_000})
    assert "not finished: the cap run.max_tokens was reached" in job.losses
    assert (job.usage["prompt_tokens"], job.usage["completion_tokens"]) == (None, None)
