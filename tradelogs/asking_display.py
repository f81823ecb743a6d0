"""Shows replies to questions, as lines for people or as JSON, and whether models answer."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from files.shown_text import show_path
from refine_loop.replies import Reply
from tradelogs.exits import DONE

WORDS = {"allow": "allowed", "deny": "denied", "review": "for review"}


def print_replies(replies: Sequence[Reply], log: Path, *, as_json: bool) -> None:
    """Print every reply; for people also where the audit log is."""
    for reply in replies:
        if as_json:
            click.echo(json.dumps(reply.to_dict()))
        else:
            click.echo("\n".join(describe_reply(reply)))
    if not as_json:
        click.echo(f"audit log: {show_path(log)}")


def describe_reply(reply: Reply) -> Iterator[str]:
    """Describe a reply in lines: the question, what was decided and why, the answer, and what it took."""
    yield f"> {reply.question}"
    rule = f" by {reply.rule}" if reply.rule else ""
    yield f"{WORDS[reply.decision]}{rule}{': ' + reply.why if reply.why else ''}"
    if reply.is_fallback:
        yield "the fallback, no answer of a model:"
    yield from (f"  {f'{name:<38} ' if name else ''}{value}".rstrip() for name, value in flatten(reply.answer))
    if reply.scores:
        yield "scores: " + ", ".join(f"{name} {score}" for name, score in reply.scores.items())
    yield describe_usage(reply)


def describe_usage(reply: Reply) -> str:
    """Describe what a reply took."""
    usage = reply.usage
    tokens = [usage[name] for name in ("prompt_tokens", "completion_tokens")]
    counted = "unknown" if None in tokens else f"{tokens[0]:,} in, {tokens[1]:,} out"
    errors = ", ".join(f"{count} x {name}" for name, count in usage["errors"].items())
    took = f"{usage['requests']} requests, tokens {counted}, {usage['seconds']:.2f} s of requests"
    return f"{took}, {reply.refine_passes} refine passes{'; errors: ' + errors if errors else ''}"


def flatten(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """List the parts of an answer with dotted names; a text that is an answer by itself has none."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from flatten(part, f"{name}.{key}" if name else str(key))
    elif value is not None:
        yield name, value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def print_health(profile: str) -> int:
    """Print that every model of a profile answers.

    Raises:
        BackendError: one does not.
    """
    from designer_configs.compile.profile import load_profile  # noqa: PLC0415
    from refine_loop.ask import check_health  # noqa: PLC0415
    from tradelogs.offline import open_endpoint  # noqa: PLC0415

    loaded = load_profile(profile)
    started = time.monotonic()
    with open_endpoint(loaded) as endpoint:
        check_health(loaded, endpoint)
    seconds = time.monotonic() - started
    for role, model in loaded.models.items():
        click.echo(f"{role:<12} {model.model} answers")
    click.echo(f"all models of {loaded.name} answer, asked in {seconds:.1f} s")
    return DONE
