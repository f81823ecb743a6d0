"""What the command line sets in its own environment before any library is imported."""

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path

from columns.types.quiet import silence_libraries

ASKS_FOR_TRACING = "TRADELOGS_LANGSMITH_TRACING"
TRACING = ("LANGSMITH_TRACING", "LANGSMITH_TRACING_V2", "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2")
HOME = "DATA_DESIGNER_HOME"
ASSETS = "DATA_DESIGNER_MANAGED_ASSETS_PATH"
PLOT_CACHE = "MPLCONFIGDIR"


def prepare_environment() -> None:
    """Turn telemetry off, and give Data Designer a temporary home, unless the environment has one for it.

    LangSmith is told nothing even where the environment says so: that was said for other programs. It takes
    `TRADELOGS_LANGSMITH_TRACING=true`.
    """
    silence_libraries()
    if os.environ.get(ASKS_FOR_TRACING, "").lower() not in ("1", "true", "yes"):
        os.environ.update(dict.fromkeys(TRACING, "false"))
    if HOME not in os.environ:
        _make_home()
    if sys.prefix != sys.base_prefix and os.access(sys.prefix, os.W_OK):
        # ffn imports matplotlib, which would list the machine's fonts in the user's home.
        os.environ.setdefault(PLOT_CACHE, str(Path(sys.prefix) / "var" / "matplotlib"))


def _make_home() -> None:
    """Make a home that goes with the process: Data Designer writes its examples of configurations into it.

    What a person has downloaded for its samplers into the usual one is found all the same.
    """
    os.environ[HOME] = home = tempfile.mkdtemp(prefix="tradelogs-home-")
    atexit.register(_remove_home, home, os.getpid())
    assets = Path("~/.data-designer/managed-assets").expanduser()
    if assets.is_dir():
        os.environ.setdefault(ASSETS, str(assets))


def _remove_home(home: str, owner: int) -> None:
    if os.getpid() == owner:  # not a child that was forked
        shutil.rmtree(home, ignore_errors=True)
