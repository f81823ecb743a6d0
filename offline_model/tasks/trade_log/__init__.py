"""Rehearsal of trade_log: trades resampled from the examples of a prompt, with planted faults."""

from random import Random

from offline_model.options import Options
from offline_model.prompt import Sections
from offline_model.tasks.trade_log.faults import plant_fault
from offline_model.tasks.trade_log.generator import draft_trade
from offline_model.tasks.trade_log.judge import judge_trade
from offline_model.tasks.trade_log.parts import write_form
from offline_model.tasks.trade_log.refiner import refine_trade
from offline_model.tasks.trade_log.task import read_task
from offline_model.tasks.trade_log.trades import write_row


def _write(sections: Sections, rng: Random, options: Options) -> object:
    task = read_task(sections, with_row=False)
    trade = draft_trade(task, rng)
    row = write_row(plant_fault(task, trade, rng) if rng.random() < options.fault_rate else trade)
    return write_form(row, sections)


def _judge(sections: Sections, rng: Random, _options: Options) -> object:
    return judge_trade(read_task(sections, with_row=True), rng)


def _mend(sections: Sections, rng: Random, _options: Options) -> object:
    return write_form(refine_trade(read_task(sections, with_row=True), rng), sections)


TASKS = {
    "write one new trade": _write,
    "judge one synthetic trade": _judge,
    "mend one synthetic trade": _mend,
}
