"""The first part of the lock is what a run needs, and nothing that only tests and checks do."""

import re
import tomllib
from importlib.metadata import PackageNotFoundError, requires

from packaging.requirements import Requirement

from tests.conftest import ROOT

MARK = "# for tests"
OF_PIP = {"pip", "setuptools", "wheel"}  # which `pip freeze` leaves out


def normalise(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def follow(needed: list[str]) -> set[str]:
    """Name all distributions that are installed and that requirements lead to, by way of the extras they ask for."""
    found, waiting = set[tuple[str, frozenset[str]]](), [Requirement(text) for text in needed]
    while waiting:
        one = waiting.pop()
        extras = frozenset(one.extras)
        if (normalise(one.name), extras) in found:
            continue
        try:
            further = [Requirement(text) for text in requires(one.name) or ()]
        except PackageNotFoundError:
            continue  # of another system or Python
        found.add((normalise(one.name), extras))
        waiting += [
            other
            for other in further
            if other.marker is None or any(other.marker.evaluate({"extra": extra}) for extra in ("", *extras))
        ]
    return {name for name, _ in found}


def test_the_first_part_is_what_a_run_needs() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    first, _, rest = (ROOT / "requirements.lock").read_text(encoding="utf-8").partition(MARK)
    run, tests = (
        {normalise(line.partition("==")[0]) for line in part} for part in (first.splitlines(), rest.splitlines()[1:])
    )
    assert follow(project["dependencies"]) - OF_PIP == run
    extras = project["optional-dependencies"]
    assert follow([*extras["dev"], *extras["serve"]]) - run - OF_PIP == tests
