"""Draws the report's plots, each from what `metrics.json` holds; one whose data is missing says so instead."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from verification.answers import CANNOT_TELL
from verification.report.judge import draw_faults, draw_judge_rates
from verification.report.parts import MissingDataError, Plot, get_value
from verification.report.run import draw_funnel, draw_losses, draw_stages
from verification.transfer.plot import draw_arms

Draw = Callable[[Mapping[str, Any]], Plot]


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a plot is drawn: the section it belongs to, its key and title, and the function that makes it.

    `draw` is given the metrics of the section's answer, and nothing is drawn where that question was not asked;
    with `of_run` it is given all that `metrics.json` holds.
    """

    section: str
    key: str
    title: str
    draw: Draw
    of_run: bool = False


ALWAYS = (
    Drawing("run", "funnel", "Funnel of candidates", draw_funnel, of_run=True),
    Drawing("run", "losses", "Losses by control", draw_losses, of_run=True),
    Drawing("run", "stages", "What each stage cost", draw_stages, of_run=True),
    Drawing("transfer", "arms", "What was read, and how well held-out gold was told", draw_arms),
    Drawing("judge", "faults", "Faults caught", draw_faults),
    Drawing("judge", "judge-rates", "Caught, and refused in error", draw_judge_rates),
)  # of every dataset


def draw_plots(metrics: Mapping[str, Any], drawings: Sequence[Drawing]) -> dict[str, list[Plot]]:
    """Draw all plots, by the section they belong to, in the order in which they are shown.

    Args:
        metrics: What `metrics.json` holds.
        drawings: Those that the questions bring; what is the same for every dataset comes after them.
    """
    answers = {
        answer.get("question"): answer for answer in get_value(metrics, "answers") or [] if isinstance(answer, Mapping)
    }
    drawn: dict[str, list[Plot]] = {}
    for each in sorted((*drawings, *ALWAYS), key=lambda drawing: not drawing.of_run):
        if each.of_run:
            drawn.setdefault(each.section, []).append(draw_or_tell(each.key, each.title, each.draw, metrics))
        elif each.section in answers:
            plot = draw_answer(each.key, each.title, each.draw, answers[each.section])
            drawn.setdefault(each.section, []).append(plot)
    return drawn


def draw_answer(key: str, title: str, draw: Draw, answer: Mapping[str, Any]) -> Plot:
    """Draw a plot of an answer; where nothing could be told, there is nothing to draw for the answer's own reason."""
    plot = draw_or_tell(key, title, draw, answer.get("metrics") or {})
    if plot.is_empty and answer.get("verdict") == CANNOT_TELL:
        return Plot(key, title, f"Left out: not measured. {answer.get('reason') or ''}".strip())
    return plot


def draw_or_tell(key: str, title: str, draw: Draw, metrics: Mapping[str, Any]) -> Plot:
    """Draw a plot, or tell why it is left out: its data is missing, or of another shape than it should be."""
    try:
        return draw(metrics)
    except MissingDataError as missing:
        return Plot(key, title, str(missing))
    except (TypeError, ValueError, KeyError, IndexError, AttributeError):
        return Plot(key, title, "Left out: its data has another shape than this report knows.")
