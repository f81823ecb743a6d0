"""The provider that the command line itself starts."""

import contextlib
from collections.abc import Iterator
from typing import Any

import click

OFFLINE = "offline"
PROVES = "smollm2 has 135 million parameters: its rows prove the pipeline, not the data"


@contextlib.contextmanager
def open_endpoint(profile: Any) -> Iterator[str | None]:
    """Start the model that a profile has served by the run itself, offline or a GGUF, and stop it afterwards."""
    if profile.provider.name == OFFLINE:
        from offline_model.launch import launch  # noqa: PLC0415 - a command that starts none need not import it
        from offline_model.options import Options  # noqa: PLC0415

        with launch(Options(seed=profile.run.seed)) as endpoint:
            yield endpoint
    elif profile.provider.gguf is not None:
        from designer_configs.compile.profile import PACKAGED_MODEL, count_parallel  # noqa: PLC0415
        from local_model.launch import serve_gguf  # noqa: PLC0415

        provider = profile.provider
        if provider.gguf == PACKAGED_MODEL:
            click.echo(PROVES, err=True)
        slots = sum(count_parallel((m.model, m.inference_parameters) for m in profile.models.values()).values())
        with serve_gguf(provider.gguf, slots=slots, context=provider.context, threads=provider.threads) as endpoint:
            yield endpoint
    else:
        yield None
