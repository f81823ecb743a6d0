"""What an extra brings is imported where it is used, and by no module of the core."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

EXTRAS = {"fastapi", "limits", "mlflow", "torch", "datasets", "feast", "ray"}
OPTIONAL = ("jobs/cluster.py", "cluster_workers.py", "transfer/network.py")  # for `engine: ray`, and --transfer
IMPORT_ALL = """
import importlib, sys
extras, *modules = sys.argv[1:]

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in extras.split(","):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
for module in modules:
    importlib.import_module(module)
"""
ROOMS = ("columns", "designer_configs", "exports", "files", "gold_data", "indicators", "jobs", "offline_model")
MORE_ROOMS = ("refine_loop", "tradelogs", "verification")


def list_imports(path: Path) -> Iterator[str]:
    """List what a module imports as it is imported itself."""
    left: list[ast.stmt] = [*ast.parse(path.read_text(encoding="utf-8")).body]
    while left:
        statement = left.pop()
        if isinstance(statement, ast.Import):
            yield from (name.name.split(".")[0] for name in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module.split(".")[0]
        elif isinstance(statement, ast.If | ast.Try | ast.With):
            left += [part for part in ast.iter_child_nodes(statement) if isinstance(part, ast.stmt)]


def list_core() -> list[Path]:
    """List the modules of the core."""
    modules = [path for room in (*ROOMS, *MORE_ROOMS) for path in sorted((ROOT / room).rglob("*.py"))]
    return [path for path in modules if not str(path).endswith(OPTIONAL)]


def test_no_module_of_the_core_imports_an_extra() -> None:
    core = list_core()
    found = {str(path): names for path in core if (names := (EXTRAS | {"service"}) & {*list_imports(path)})}
    assert len(core) > 100
    assert found == {}


@pytest.mark.slow
def test_every_module_of_the_core_is_imported_without_the_extras() -> None:
    """The test above reads what is written; this one sees what a library of the core imports in its turn."""
    core = [path for path in list_core() if not str(path).endswith(("__main__.py", "transfer/measure.py"))]
    modules = [".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__") for path in core]
    command = [sys.executable, "-c", IMPORT_ALL, ",".join(sorted(EXTRAS)), *modules]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
