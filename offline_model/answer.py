"""From the messages of a chat to the answer's text. Every draw hangs on the seed and the messages alone."""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from random import Random
from typing import Literal, NamedTuple

from offline_model.errors import PromptError
from offline_model.options import Options
from offline_model.tasks.trade_log.faults import plant_fault, spoil_answer, wrap_answer
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import judge_trade
from offline_model.tasks.trade_log.refiner import refine_trade
from offline_model.tasks.trade_log.task import Role, Task, read_task
from offline_model.tasks.trade_log.trades import write_row

CORRECTION_FAILURE_RATE = 0.2
SMALL_TALK = (
    "This is the offline model, a rehearsal without a language model. It only answers the pipeline's own tasks: to "
    "write, judge or mend one synthetic trade."
)


class Answer(NamedTuple):
    """An answer's text and the role that was played; `other` for a message that sets no known task."""

    role: Role | Literal["other"]
    text: str


def answer_messages(messages: object, options: Options) -> Answer:
    """Answer a chat.

    The row or verdict hangs on the task's own message, how it is wrapped or spoilt on all messages: a request to
    correct an answer brings the same row, this time mostly in a form that parses.

    Args:
        messages: The `messages` of a chat request; content as text or as a list of text parts.

    Raises:
        PromptError: The messages are no chat, or a task's prompt lacks what an answer needs.
    """
    texts = _read_texts(messages)
    found = next(((text, task) for role, text in texts if role == "user" and (task := read_task(text))), None)
    if found is None:
        return Answer("other", SMALL_TALK)
    text, task = found
    answer = _do_task(task, make_rng(options.seed, [text]), options.fault_rate)
    rng = make_rng(options.seed, [text for _, text in texts])
    rate = options.malformed_rate
    if rate > 0 and texts[-1][1] is not text:
        rate = CORRECTION_FAILURE_RATE
    return Answer(task.role, spoil_answer(answer, rng) if rng.random() < rate else wrap_answer(answer, rng))


def make_rng(seed: int, texts: Sequence[str]) -> Random:
    """Make a random generator that depends on the seed and the texts, on every machine alike."""
    digest = blake2b(str(seed).encode(), digest_size=8)
    for text in texts:
        digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return Random(int.from_bytes(digest.digest()))  # noqa: S311 - repeatability is wanted, not secrecy


def _do_task(task: Task, rng: Random, fault_rate: float) -> dict[str, object]:
    if task.role == "judge":
        return judge_trade(task, rng)
    if task.role == "refiner":
        return refine_trade(task, rng)
    trade = draft_trade(task, rng)
    return write_row(plant_fault(task, trade, rng) if rng.random() < fault_rate else trade)


def _read_texts(messages: object) -> list[tuple[str, str]]:
    if not isinstance(messages, list) or not messages:
        raise PromptError("`messages` must be a list of at least one message")
    return [_read_message(index, message) for index, message in enumerate(messages)]


def _read_message(index: int, message: object) -> tuple[str, str]:
    if isinstance(message, Mapping):
        role, content = message.get("role"), message.get("content")
        if isinstance(content, list):
            content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
        if isinstance(role, str) and isinstance(content, str):
            return role, content
    raise PromptError(f"`messages[{index}]` must be an object with a `role` and a text `content`")
