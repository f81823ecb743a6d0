"""Reads the prompts of these tests as the tasks themselves do."""

from offline_model.prompt import read_sections
from offline_model.tasks.trade_log.task import Task, read_task


def read(text: str) -> Task:
    """Read a prompt's task, with the trade where the prompt shows one."""
    sections = read_sections(text)
    return read_task(sections, with_row="The synthetic trade" in sections.bodies)
