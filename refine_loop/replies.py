"""What a person is told of a question, and what the audit log keeps of it."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from columns.dataset import find_function
from columns.declared import Declared
from columns.errors import HookError
from columns.hooks import call_hook
from designer_configs.compile.profile import Profile
from files.append_file import AppendFile
from files.secret_text import mask_secrets
from refine_loop.booking import Candidate
from refine_loop.policy import ALLOW, DENY, REVIEW
from refine_loop.record.conversation import Conversation

JUDGED = "judge"  # the rule of a refusal that no check gave: the judge's scores
UNUSABLE = "no_answer"  # the rule of a fallback

Decided = Literal["allow", "deny", "review"]


@dataclass(frozen=True)
class Reply:
    """The reply to one question.

    `decision` is allow with the `answer`; deny or review by `rule`, whose words are `why`, without one. Where
    `is_fallback`, the models gave nothing that could be used: the answer is the dataset's fallback, for review.
    `usage` has `requests`, `prompt_tokens`, `completion_tokens` (None where a provider did not say), `seconds` that
    requests took, and `errors` by their class. `record` is what the audit log keeps besides.
    """

    question: str
    decision: Decided
    answer: Any
    rule: str | None
    why: str | None
    scores: Mapping[str, int]
    refine_passes: int
    is_fallback: bool
    usage: Mapping[str, Any]
    record: Mapping[str, Any] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """Give the reply as plain data, without its record."""
        return {name: value for name, value in asdict(self).items() if name != "record"}


def write_replies(
    profile: Profile,
    questions: Sequence[str],
    plans: Sequence[Mapping[str, Any]],
    log: Conversation,
    candidates: Sequence[Candidate],
) -> list[Reply]:
    """Write the reply to each question from the candidate that was made for it."""
    together = zip(questions, plans, candidates, strict=True)
    return [_write_reply(profile, question, plan, log, candidate) for question, plan, candidate in together]


def _write_reply(
    profile: Profile, question: str, plan: Mapping[str, Any], log: Conversation, candidate: Candidate
) -> Reply:
    declared, conversation = profile.dataset, log.of[candidate["row_id"]]
    record = _record(profile, plan, conversation, candidate)
    usage = count_conversation(conversation)
    if candidate["status"] == "failed":
        return _fall_back(profile, question, str(candidate["reason"]), usage, record)
    decision, rule, why = _decide(candidate)
    return Reply(
        question=question,
        decision=decision,
        answer=read_answer(candidate, declared) if decision == ALLOW else None,
        rule=rule,
        why=why,
        scores={name: candidate[name] for name in declared.criteria if candidate[name] is not None},
        refine_passes=candidate["retry_count"],
        is_fallback=False,
        usage=usage,
        record=record,
    )


def _decide(candidate: Candidate) -> tuple[Decided, str | None, str | None]:
    """Tell what became of a candidate that was made: a row that is still open was refused to the last."""
    if candidate["status"] == "accepted":
        return ALLOW, None, None
    critique = candidate["judge_critique"] or f"- {candidate['reason'] or 'nothing was made'}"
    first = critique.split("\n")[0].removeprefix("- ")
    rule, _, why = first.removeprefix("[").partition("] ")
    is_review = candidate.get("policy_decision") == REVIEW
    named = rule.split(" ")[0] if first.startswith("[") and "/5" not in rule else JUDGED
    return REVIEW if is_review else DENY, named, why or first


def write_fallbacks(
    profile: Profile, questions: Sequence[str], plans: Sequence[Mapping[str, Any]], log: Conversation, why: str
) -> list[Reply]:
    """Write the fallback for every question: the models could not be asked."""
    said = [entry for entries in log.of.values() for entry in entries]
    usage, record = count_conversation(said), {"conversation": said}
    pairs = zip(questions, plans, strict=True)
    return [_fall_back(profile, question, why, usage, {"plan": dict(plan), **record}) for question, plan in pairs]


def _fall_back(profile: Profile, question: str, why: str, usage: Mapping[str, Any], record: Mapping[str, Any]) -> Reply:
    said, ask, answer = mask_secrets(why), profile.dataset.ask, None
    if ask is not None and ask.fallback is not None:
        try:
            answer = call_hook(ask.fallback, find_function(profile.dataset.folder, ask.fallback), record["plan"], said)
        except HookError as exc:
            said = f"{said} ({exc})"
    return Reply(question, REVIEW, answer, UNUSABLE, said, {}, 0, True, usage, record)


def read_answer(candidate: Candidate, declared: Declared) -> Any:
    """Read what a question is answered with: the row, or the column that the dataset names under `ask`."""
    named = declared.ask.answer if declared.ask is not None else None
    if named is None or named == declared.row:
        text = candidate["generated_row"]
        return text if declared.schema is None else json.loads(text)
    text = candidate[named]
    return None if text is None else json.loads(text)


def count_conversation(conversation: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Count what requests took, and their errors by class."""
    tokens = {
        name: None
        if any(entry[name] is None and entry["error"] is None for entry in conversation)
        else sum(entry[name] or 0 for entry in conversation)
        for name in ("prompt_tokens", "completion_tokens")
    }
    errors = Counter(entry["error"] for entry in conversation if entry["error"] is not None)
    seconds = round(sum(entry["seconds"] or 0.0 for entry in conversation), 3)
    return {"requests": len(conversation), **tokens, "seconds": seconds, "errors": dict(errors)}


def _record(
    profile: Profile, plan: Mapping[str, Any], conversation: Sequence[Mapping[str, Any]], candidate: Candidate
) -> dict[str, Any]:
    kept = ("generated_row", "critiques", "edits", "policy_history", *profile.dataset.keep)
    versions = {name: candidate[name] for name in kept if name in candidate}
    return {"plan": dict(plan), **versions, "conversation": list(conversation)}


def append_audit(replies: Sequence[Reply], profile: Profile, log: Path) -> None:
    """Append a line for every reply: when, by which models, what was asked, said, decided and by which rule.

    Raises:
        StorageError: the disk does not take it.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    models = {role: model.model for role, model in profile.models.items()}
    with AppendFile(log) as file:
        for reply in replies:
            at = datetime.now(UTC).isoformat(timespec="milliseconds")
            head = {"at": at, "profile": profile.name, "dataset": profile.dataset.name, "models": models}
            file.append(json.dumps({**head, **reply.to_dict(), **reply.record}, default=str))
