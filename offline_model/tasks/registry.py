"""Finds the tasks that datasets bring: each module or package beside this one may declare `TASKS`."""

from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from random import Random

from offline_model import tasks
from offline_model.errors import OfflineModelError
from offline_model.options import Options
from offline_model.prompt import Sections

Task = Callable[[Sections, Random, Options], object]  # gives text, or a value that is written as JSON


@cache
def find_tasks() -> Mapping[str, Task]:
    """Find the tasks by what their prompt's heading says after `# Task: `.

    Raises:
        OfflineModelError: Two modules declare a task of one heading.
    """
    names = sorted(module.name for module in iter_modules(tasks.__path__, f"{tasks.__name__}."))
    return join_tasks({name: getattr(import_module(name), "TASKS", {}) for name in names})


def join_tasks(declared: Mapping[str, Mapping[str, Task]]) -> dict[str, Task]:
    """Join the tasks that modules declare.

    Raises:
        OfflineModelError: Two of them declare a task of one heading.
    """
    found: dict[str, Task] = {}
    owners: dict[str, str] = {}
    for module, mine in declared.items():
        for heading, task in mine.items():
            if heading in found:
                raise OfflineModelError(
                    f"{owners[heading]} and {module} both declare the task {heading!r}; give one another heading"
                )
            found[heading], owners[heading] = task, module
    return found
