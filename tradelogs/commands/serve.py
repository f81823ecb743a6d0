"""`tradelogs serve`."""

import ipaddress
import os
from pathlib import Path

import click

from tradelogs.exits import BAD_INPUT, explain_errors
from tradelogs.options import file_option

SECTION = "Make rows"


@click.command()
@click.option("--runs", type=file_option, default=Path("runs"), show_default=True, help="Folder of runs.")
@click.option("--gold", type=file_option, default=Path("gold"), show_default=True, help="Folder of golds.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address; any but loopback needs a token.")
@click.option("--port", type=click.IntRange(0, 65535), default=8600, show_default=True, help="Port.")
@click.option("--token-env", help="Environment variable that holds the token.")
@click.option("--workers", type=click.IntRange(1, 4), default=1, show_default=True, help="Runs at a time.")
@click.option("--per-minute", type=click.IntRange(min=1), default=100, show_default=True, help="Requests per client.")
@explain_errors
def command(
    runs: Path, gold: Path, *, host: str, port: int, token_env: str | None, workers: int, per_minute: int
) -> int:
    """Serve runs over HTTP, with pages for people: submit, watch, cancel, resume, fetch. Needs the extra `serve`.

    \b
    Example:
      tradelogs serve --workers 2
    """
    try:
        from service.app import build_app
        from service.guards import Guard
        from tradelogs.listening import listen
    except ModuleNotFoundError as exc:
        click.echo(f"error: {exc.name} is not installed: pip install 'synthetic-trade-logs[serve]'", err=True)
        return BAD_INPUT
    if token_env is not None and not os.environ.get(token_env):
        click.echo(f"error: --token-env: the environment variable {token_env} is not set", err=True)
        return BAD_INPUT
    if token_env is None and not _is_loopback(host):
        click.echo(f"error: --host {host} is no loopback address: name a token's variable with --token-env", err=True)
        return BAD_INPUT
    app = build_app(runs.resolve(), gold.resolve(), guard=Guard(token_env, per_minute), workers=workers)
    return listen(app, host, port)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
