"""`tradelogs ask`."""

import sys
from pathlib import Path

import click

from tradelogs.exits import BAD_INPUT, DONE, FAILED, explain_errors
from tradelogs.options import file_option, profile_option

SECTION = "Make rows"
STANDARD_INPUT = "-"
MOST_READ = 2**24  # bytes of standard input; far more than are asked


@click.command()
@click.argument("profile", type=profile_option)
@click.argument("questions", nargs=-1, metavar="QUESTION...")
@click.option("--bars", type=file_option, help="Bars that the question is about, in the place of the profile's.")
@click.option("--json", "as_json", is_flag=True, help="Print each reply as one line of JSON.")
@click.option("--health", is_flag=True, help="Ask every model of the profile for one short answer, and no question.")
@click.option("--log", type=file_option, help="Audit log to append to; by default runs/asked/PROFILE.jsonl.")
@click.option("--verbose", is_flag=True, help="Show Data Designer's own log.")
@explain_errors
def command(
    profile: str,
    questions: tuple[str, ...],
    bars: Path | None,
    log: Path | None,
    *,
    as_json: bool,
    health: bool,
    verbose: bool,
) -> int:
    """Ask PROFILE's models a QUESTION: through its prompt, checks, policy and refine passes, into an audit log.

    A question `-` is what standard input says. Ends with 0 where every question has a reply of the models, a refusal
    included; with 1 where one has the fallback.

    \b
    Example:
      tradelogs ask advisor_offline "Analyze BTCUSDT on 1m and provide a trading recommendation"
    """
    from tradelogs.asking import ask_profile, name_audit_log
    from tradelogs.asking_display import print_health, print_replies

    if health:
        return print_health(profile)
    if not questions:
        click.echo("error: a question is missing: write it in quotes, or - to read it from standard input", err=True)
        return BAD_INPUT
    asked = [_read_input() if question == STANDARD_INPUT else question for question in questions]
    replies = ask_profile(profile, asked, bars=bars, log=log, verbose=verbose)
    print_replies(replies, log or name_audit_log(Path(profile).stem), as_json=as_json)
    return FAILED if any(reply.is_fallback for reply in replies) else DONE


def _read_input() -> str:
    return sys.stdin.buffer.read(MOST_READ).decode(errors="replace").strip()
