"""What an extra brings is imported where it is used, and by no module of the core."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import ROOT

EXTRAS = {"fastapi", "limits", "mlflow", "torch", "datasets", "feast", "ray"}
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


def test_no_module_of_the_core_imports_an_extra() -> None:
    modules = [path for room in (*ROOMS, *MORE_ROOMS) for path in (ROOT / room).rglob("*.py")]
    optional = ("jobs/cluster.py", "cluster_workers.py", "transfer/network.py")  # for `engine: ray`, and --transfer
    core = [path for path in modules if not str(path).endswith(optional)]
    found = {str(path): names for path in core if (names := (EXTRAS | {"service"}) & {*list_imports(path)})}
    assert len(modules) > 100
    assert found == {}
