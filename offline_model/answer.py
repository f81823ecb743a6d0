"""From the messages of a chat to the answer's text. Every draw hangs on the seed and the messages alone."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from random import Random
from typing import Literal, NamedTuple

from offline_model.disguise import Chat, Disguise
from offline_model.errors import PromptError
from offline_model.options import REAL, Options
from offline_model.prompt import Sections, read_sections
from offline_model.replay import replay_answer
from offline_model.tasks.any_judge import read_scores
from offline_model.tasks.any_row import answer_any
from offline_model.tasks.registry import find_tasks
from offline_model.wrapping import spoil_answer, wrap_answer

CORRECTION_FAILURE_RATE = 0.2
ONE_WORD = "Answer with the one word "  # which it is asked when somebody wants to know whether it keeps to a schema
SHORTEST_PROMPT = 3  # words; fewer set no task, as the question whether the model is there
SMALL_TALK = (
    "This is the offline model, a rehearsal without a language model. It only answers the pipeline's own prompts: to "
    "write, judge or mend one synthetic row."
)

Role = Literal["generator", "judge", "refiner", "other"]


class Answer(NamedTuple):
    """An answer's text and the role that was played; `other` for a message that sets no task."""

    role: Role
    text: str


def answer_messages(messages: object, options: Options, disguise: Disguise | None = None) -> Answer:
    """Answer a chat, under a disguise as the one that it stands for.

    The row or verdict hangs on the task's own message, how it is wrapped or spoilt on all messages: a request to
    correct an answer brings the same row, this time mostly in a form that parses. A row that was drawn from its schema
    then comes without the fault it may have had, since that fault may be why it was sent back.

    Args:
        messages: The `messages` of a chat request; content as text or as a list of text parts.

    Raises:
        PromptError: The messages are no chat, or a task's prompt lacks what an answer needs.
    """
    texts = _read_texts(messages)
    if disguise is None:
        return _answer_texts(texts, options)
    chat = Chat(disguise)
    answer = _answer_texts([(role, chat.read(text)) for role, text in texts], options)
    return answer._replace(text=chat.say(answer.text))


def _answer_texts(texts: Sequence[tuple[str, str]], options: Options) -> Answer:
    text = next((text for role, text in texts if role == "user"), "")
    if len(text.split()) < SHORTEST_PROMPT:
        return Answer("other", SMALL_TALK)
    if text.startswith(ONE_WORD):
        return Answer("other", text.removeprefix(ONE_WORD))
    sections, asked_again = _read_prompt(texts, text), texts[-1][1] is not text
    task_rng, rng = make_rng(options.seed, [text]), make_rng(options.seed, [text for _, text in texts])
    task = find_tasks().get(sections.heading)
    if task is not None:
        answer = task(sections, task_rng, options)
    else:
        answer = answer_any(sections, task_rng, replace(options, fault_rate=0.0) if asked_again else options)
    role = read_role(sections)
    if isinstance(answer, str) and sections.schema is None:
        return Answer(role, answer)
    rate = options.malformed_rate
    if rate > 0 and asked_again:
        rate = CORRECTION_FAILURE_RATE
    if rng.random() >= rate:
        return Answer(role, wrap_answer(answer, rng))
    return Answer(role, replay_answer(role, rng) if options.style == REAL else spoil_answer(answer, rng))


def _read_prompt(texts: Sequence[tuple[str, str]], text: str) -> Sections:
    """Read the task, and the schema of its answer where it stands: below the task, or in the system's message."""
    sections = read_sections(text)
    schemas = (read_sections(said).schema for role, said in texts if role == "system")
    return sections if sections.schema is not None else replace(sections, schema=next(schemas, None))


def read_role(sections: Sections) -> Role:
    """Read from a prompt which role it asks for: a judge's schema, a critique to go by, or neither."""
    if read_scores(sections.schema):
        return "judge"
    return "generator" if sections.find("critique") is None else "refiner"


def make_rng(seed: int, texts: Sequence[str]) -> Random:
    """Make a random generator that depends on the seed and the texts, on every machine alike."""
    digest = blake2b(str(seed).encode(), digest_size=8)
    for text in texts:
        digest.update(b"\0" + text.encode("utf-8", "surrogatepass"))
    return Random(int.from_bytes(digest.digest()))  # noqa: S311 - repeatability is wanted, not secrecy


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
