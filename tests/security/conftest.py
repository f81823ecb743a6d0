"""Commands in a process and an environment of their own, which say whom they connect to."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests import process

ROOT = Path(__file__).parents[2]
QUICK = {"tries": 2, "retry_seconds": 0.02, "patience_minutes": 0.02}
SECONDS = 150
TRACED_SECONDS = 600  # of a process that is traced, on a machine that has much else to do
AUDIT = """\
import os, sys
def _note(event, args):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto"):
        with open(os.environ["CONNECTIONS"], "a") as file:
            print(event, args[1:] if event != "socket.getaddrinfo" else args[:2], file=file)
sys.addaudithook(_note)
"""


@dataclass(frozen=True)
class Place:
    """Folders of one process: all that it can write to lies below `folder`."""

    folder: Path

    @property
    def run(self) -> Path:
        return self.folder / "run"

    @property
    def home(self) -> Path:
        return self.folder / "home"

    @property
    def connections(self) -> list[str]:
        """Each connection that was opened, and each name that was looked up."""
        notes = self.folder / "notes" / "connections"
        return notes.read_text(encoding="utf-8").splitlines() if notes.exists() else []

    def execute(self, *arguments: object, **variables: str) -> int:
        """Run `tradelogs` with arguments, and with variables beside the few that any process has; give its exit code.

        What it says goes to `notes/said`; its connections are noted, but for those of imports.
        """
        code, environment = AUDIT + process.TRADELOGS, self._make_environment(variables)
        done = process.run(code, *arguments, env=environment, cwd=self.folder / "cwd", timeout=SECONDS)
        self._note(done.stdout.encode() + done.stderr.encode())
        return done.returncode

    def execute_cold(
        self, *arguments: object, under: Sequence[object] = (), **variables: str
    ) -> "subprocess.CompletedProcess[bytes]":
        """Run Python, started anew, with arguments; what it says goes to `notes/said`, its connections are noted.

        `under` is the command that starts it, such as one that traces it.
        """
        command = [*map(str, under), sys.executable, *map(str, arguments)]
        environment = self._make_environment(variables)
        longest = TRACED_SECONDS if under else SECONDS
        done = subprocess.run(
            command, env=environment, cwd=self.folder / "cwd", capture_output=True, timeout=longest, check=False
        )
        self._note(done.stdout + done.stderr)
        return done

    def _note(self, said: bytes) -> None:
        with (self.folder / "notes" / "said").open("ab") as file:
            file.write(said)

    def _make_environment(self, variables: Mapping[str, str]) -> dict[str, str]:
        """Make the folders of a process, and name them in an environment that holds next to nothing else."""
        for name in ("home", "cwd", "tmp", "notes", "site"):
            (self.folder / name).mkdir(exist_ok=True)
        (self.folder / "site" / "sitecustomize.py").write_text(AUDIT, encoding="utf-8")
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.home),
            "TMPDIR": str(self.folder / "tmp"),
            "CONNECTIONS": str(self.folder / "notes" / "connections"),
            "PYTHONPATH": f"{self.folder / 'site'}:{ROOT}",
            "OMP_NUM_THREADS": "1",
            **variables,
        }


WriteShipped = Callable[..., Path]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Give the folders of one process."""
    return Place(tmp_path)


@pytest.fixture
def write_shipped(tmp_path: Path) -> WriteShipped:
    """Give a function that writes a shipped profile with other keys, quick to give up."""

    def write(name: str, changes: Mapping[str, Any]) -> Path:
        document = yaml.safe_load((ROOT / f"designer_configs/{name}.yaml").read_text(encoding="utf-8"))
        document = {**document, **changes, "run": {**document["run"], **QUICK, **changes.get("run", {})}}
        path = tmp_path / f"{name}.yaml"
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    return write
