"""`tradelogs offline-model`."""

from typing import Any

import click

from tradelogs.exits import DONE, explain_errors


@click.command("offline-model")
@click.option("--port", default=8377, show_default=True, help="Port on 127.0.0.1; 0 takes a free one.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other answers.")
@click.option("--latency", default=0.0, show_default=True, help="Seconds added to every answer.")
@click.option("--fault-rate", default=0.28, show_default=True, help="Share of rows that are wrong somehow.")
@click.option("--malformed-rate", default=0.03, show_default=True, help="Share of answers that do not parse.")
@click.option("--style", default="planted", show_default=True, help="What those are: planted, or real (a model's own).")
@explain_errors
def command(port: int, **options: Any) -> int:
    """Serve the offline model until stopped. It rehearses the pipeline; it is no language model.

    \b
    Example:
      tradelogs offline-model --latency 0.3
    """
    from offline_model.options import Options
    from offline_model.serving import serve

    serve(Options(**options), port=port)
    return DONE
