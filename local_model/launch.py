"""Starts the server of a GGUF as a child process, in the Python that has llama.cpp, and stops it again."""

import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from local_model.serve import LISTENING
from offline_model.errors import OfflineModelError
from offline_model.launch import launch_server

ROOT = Path(__file__).resolve().parent.parent
PYTHON = ROOT / ".venv-model/bin/python"
START_SECONDS = 300  # a file of some gigabytes is read from a slow disk
ENGINE = "xllamacpp"


@contextmanager
def serve_gguf(gguf: str, *, slots: int, context: int, threads: int | None) -> Iterator[str]:
    """Serve a model file on a free port, yield its endpoint (`http://127.0.0.1:PORT/v1`) and stop it at the end.

    Args:
        gguf: Path of the file, or the name of a model that comes as a package.
        slots: Requests that are answered at once.
        context: Tokens that a prompt and its answer may have together.
        threads: Threads that compute; None = half of the cores.

    Raises:
        OfflineModelError: llama.cpp is not set up, or does not take the file.
    """
    command = [str(find_python()), str(Path(__file__).with_name("serve.py")), "--gguf", gguf]
    command += ["--slots", str(slots), "--context", str(context), "--threads", str(threads or 0)]
    with launch_server(command, f"the model {gguf}", LISTENING, seconds=START_SECONDS) as endpoint:
        yield endpoint


def find_python() -> Path:
    """Find the Python that has llama.cpp: that of `make model`, or this one.

    Raises:
        OfflineModelError: neither has.
    """
    if PYTHON.is_file():
        return PYTHON
    if importlib.util.find_spec(ENGINE) is not None:
        return Path(sys.executable)
    raise OfflineModelError(
        f"a gguf is served by llama.cpp, which is not set up: run `make model` ({PYTHON} is missing)"
    )
