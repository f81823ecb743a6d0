"""`tradelogs strategy`: one strategy executed on bars; the answers of a model evaluated."""

from pathlib import Path

import click

from tradelogs.exits import DONE, explain_errors
from tradelogs.options import file_option, market_option

SECTION = "Judge and compare"


@click.group("strategy")
def command() -> None:
    """Strategies: execute one on bars, evaluate the answers of a model."""


@command.command("run")
@click.argument("strategy", type=file_option)
@click.option("--bars", required=True, type=file_option, help="One-minute bars or longer ones, CSV or Parquet.")
@market_option
@explain_errors
def run(strategy: Path, bars: Path, market: tuple[str, ...]) -> int:
    """Execute the strategy of a JSON file: its trades, and a trader's numbers.

    \b
    Example:
      tradelogs strategy run my_strategy.json --bars my_bars.parquet
    """
    from gold_data.markets import read_options
    from indicators.strategy.run_file import run_strategy_file

    click.echo(run_strategy_file(strategy, bars, read_options(market)))
    return DONE


@command.command("eval")
@click.argument("answers", type=file_option)
@click.option("--test", required=True, type=file_option, help="JSON lines with prompt and completion.")
@click.option(
    "--dialect", default="json", show_default=True, type=click.Choice(["json", "tst"]), help="tst: Strategy(...)."
)
@click.option(
    "--shown", multiple=True, type=file_option, help="JSON lines whose prompts the model was shown; repeatable."
)
@explain_errors
def evaluate_answers(answers: Path, test: Path, dialect: str, shown: tuple[Path, ...]) -> int:
    """Evaluate ANSWERS (JSON lines, one a row of the test) with floors, a ceiling and 95% intervals.

    \b
    Examples:
      tradelogs strategy eval answers.jsonl --test runs/strategies/exports/test.jsonl
      tradelogs strategy eval answers.jsonl --test prompts.jsonl --dialect tst --shown examples.jsonl
    """
    from verification.strategies.evaluate import evaluate

    click.echo(evaluate(answers, test, dialect, shown))
    return DONE
