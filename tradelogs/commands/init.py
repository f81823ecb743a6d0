"""`tradelogs init`."""

import sys
from pathlib import Path
from typing import Any

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option

QUESTIONS: dict[str, tuple[str, Any]] = {
    "gold_rows": ("File of your trades (CSV or Parquet)", None),
    "gold_bars": ("File of their minute bars (empty: none)", ""),
    "provider": ("Provider: offline, nvidia, or a name of your own", "offline"),
    "endpoint": ("Address of its API, such as http://localhost:11434/v1 (empty: known by its name)", ""),
    "api_key_env": ("Name of the variable that holds its key (empty: none)", ""),
    "model": ("Model that writes and mends", "rehearsal-generator"),
    "judge_model": ("Model that judges", "rehearsal-judge"),
}

SECTION = "Begin"


@click.command()
@click.option("--dataset", default="trade_log", show_default=True, help="What a row is.")
@click.option("--gold-rows", "--gold-trades", "gold_rows", help="Your rows, CSV or Parquet.")
@click.option("--gold-bars", help="Minute bars of your rows' tickers.")
@click.option("--provider", help="offline, nvidia, or a name of your own.")
@click.option("--endpoint", help="Address of the provider's API.")
@click.option("--api-key-env", help="Name of the environment variable that holds its key.")
@click.option("--model", help="Model that writes and mends.")
@click.option("--judge-model", help="Model that judges.")
@click.option("--price", type=float, nargs=2, help="Price of a million tokens of prompts, and of answers.")
@click.option("--currency", default="USD", show_default=True, help="Currency of the prices.")
@click.option("--num", type=click.IntRange(1), default=200, show_default=True, help="Rows wanted.")
@click.option("--max-cost", type=float, help="Cap on money; needs --price.")
@click.option("--max-minutes", type=float, default=60, show_default=True, help="Cap on time.")
@click.option("--out", type=file_option, default=Path("my_profile.yaml"), show_default=True)
@explain_errors
def command(dataset: str, num: int, max_cost: float | None, max_minutes: float, out: Path, **given: Any) -> int:
    """Write a profile for your own gold and models; asks for what is not given, in a terminal.

    \b
    Example:
      tradelogs init --gold-trades my.csv --provider ollama --endpoint http://localhost:11434/v1 --model qwen3:8b
    """
    from designer_configs.compile.check import check_profile
    from designer_configs.errors import ConfigError
    from files.shown_text import show_path, write_command
    from tradelogs.profile_writer import Answers, write_profile

    said = {key: ask(key, given.get(key)) for key in QUESTIONS}
    files = {"trades" if dataset == "trade_log" else "rows": said["gold_rows"], "bars": said["gold_bars"]}
    answers = Answers(
        dataset=dataset,
        files={key: Path(path) for key, path in files.items() if path},
        provider=said["provider"],
        endpoint=said["endpoint"] or None,
        api_key_env=said["api_key_env"] or None,
        models={"generator": said["model"], "refiner": said["model"], "judge": said["judge_model"]},
        prices=given["price"] or None,
        currency=given["currency"],
        accepted=num,
        max_cost=max_cost,
        max_minutes=max_minutes,
    )
    notes = write_profile(answers, out)
    for note in notes:
        click.echo(f"note: {note}")
    if problems := check_profile(out):
        out.unlink()  # the next try shall not find it in its way
        raise ConfigError(problems)
    begin = write_command("tradelogs", "preview", out), write_command("tradelogs", "generate", out, "--estimate")
    click.echo(f"{show_path(out)}: written; next: {'; '.join(begin)}")
    return DONE


def ask(key: str, given: Any) -> str:
    """Give what a flag said, or ask in a terminal, or take the default."""
    question, default = QUESTIONS[key]
    if given is not None:
        return str(given)
    if sys.stdin.isatty():
        return str(click.prompt(question, default=default, show_default=bool(default)))
    return "" if default is None else str(default)
