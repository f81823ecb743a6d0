"""The service over a folder of runs, in the test's own process; its jobs are processes of their own."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra serve")
pytest.importorskip("limits", reason="needs the extra serve")

from starlette.testclient import TestClient

from service.app import build_app
from service.guards import Guard


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    return tmp_path / "runs"


@pytest.fixture
def client(runs: Path, tmp_path: Path) -> Any:
    """A client of a service whose scheduler does not run: nothing is started."""
    return TestClient(build_app(runs, tmp_path / "gold", guard=Guard(per_minute=1000), most_waiting=5))


@pytest.fixture
def working(runs: Path, tmp_path: Path) -> Iterator[Any]:
    """A client of a service that works on its jobs."""
    with TestClient(build_app(runs, tmp_path / "gold", guard=Guard(per_minute=10_000), workers=2)) as client:
        yield client
