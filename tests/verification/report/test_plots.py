"""Each plot is drawn from its metrics, valid for Plotly, and left out with a sentence where they are missing."""

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import plotly.graph_objects as go
import pytest

from tests.verification.report.report_answers import make_answers, make_interval, make_score
from tests.verification.report.report_fixture import HOSTILE, make_metrics
from verification.answers import CANNOT_TELL
from verification.report.parts import (
    UNKNOWN,
    Plot,
    drop_minus_zero,
    escape_label,
    format_count,
    format_number,
    make_band,
    span_range,
)
from verification.report.plots import ALWAYS, draw_plots
from verification.report.run import draw_funnel
from verification.trades.plots.overview import draw_scale, find_scores
from verification.trades.plots.trades import name_worst
from verification.trades.questions import PLOTS

METRICS = make_metrics()
DRAWN = {plot.key: plot for plots in draw_plots(METRICS, PLOTS).values() for plot in plots}
KEYS = [each.key for each in (*ALWAYS, *PLOTS) if each.section != "transfer"]  # which has tests of its own


def list_plots(metrics: dict[str, Any]) -> dict[str, Plot]:
    return {plot.key: plot for plots in draw_plots(metrics, PLOTS).values() for plot in plots}


def find_texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from find_texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from find_texts(each)


def test_every_plot_is_drawn() -> None:
    assert [plot.sentence for plot in DRAWN.values() if plot.is_empty] == []


def test_every_plot_says_what_to_see() -> None:
    assert all(len(plot.sentence) > 40 and plot.sentence.endswith(".") for plot in DRAWN.values())


@pytest.mark.parametrize("key", KEYS)
def test_plotly_knows_every_attribute(key: str) -> None:
    for panel in DRAWN[key].panels:
        painted = [paint(trace) for trace in panel.data]
        assert go.Figure(painted, paint(panel.layout)).layout.height == panel.layout["height"]


def paint(value: Any) -> Any:
    """Put a colour that Plotly's own check knows in the place of the page's."""
    if isinstance(value, dict):
        return {name: paint(each) for name, each in value.items()}
    if isinstance(value, list):
        return [paint(each) for each in value]
    return "red" if isinstance(value, str) and value.startswith("@") else value


@pytest.mark.parametrize("gone", [None, {}, [], "text", 7, [None], {"x": None}])
def test_missing_data_leaves_plots_out_with_a_sentence(gone: Any) -> None:
    metrics = copy.deepcopy(METRICS)
    metrics["plots"] = gone
    for answer in metrics["answers"]:
        answer["metrics"] = gone
    for plot in list_plots(metrics).values():
        assert plot.is_empty
        assert plot.sentence.startswith("Left out: ")


@pytest.mark.parametrize("gone", [None, {}, [], "text", -1, [None], [[]], [{}], {"x": None}])
def test_any_value_may_be_missing(gone: Any) -> None:
    for answer in METRICS["answers"]:
        for name in answer["metrics"]:
            changed = [answer | {"metrics": answer["metrics"] | {name: gone}}]
            assert all(plot.sentence for plot in list_plots({"answers": changed}).values())


def test_no_plot_for_a_question_that_was_not_asked() -> None:
    assert set(draw_plots(METRICS | {"answers": []}, PLOTS)) == {"scale", "fidelity", "exits", "run"}


def test_scale_places_scores_best_first() -> None:
    scores = [make_score("low", 0.2), make_score("high", 0.9)]
    plot = draw_scale({"answers": [{"metrics": {"deep": {"er": scores}}}]})
    assert plot.panels[0].data[-1]["x"] == pytest.approx([0.9, 0.2])
    assert plot.panels[0].data[0]["x"][:2] == pytest.approx([-0.0375, 0.0375])  # noise: (0.9 - (0.9 +- 0.03)) / 0.8
    assert plot.panels[0].data[1]["x"][:2] == pytest.approx([0.925, 1.075])  # floor: (0.9 - (0.1 +- 0.06)) / 0.8
    assert "1 of 2 intervals reach" in plot.sentence


def test_scale_keeps_what_is_far_off_at_its_end() -> None:
    plot = draw_scale({"answers": [make_score("far", -40.0)]})
    low = plot.panels[0].layout["xaxis"]["range"][0]
    assert plot.panels[0].data[-1]["x"] == [low]
    assert plot.panels[0].data[-1]["marker"]["symbol"] == ["circle-open"]
    assert "place -40.00" in plot.panels[0].data[-1]["text"][0]


def test_scores_without_a_position_are_passed_over() -> None:
    known, unknown = make_score("known", 0.5), make_score("unknown", 0.5)
    unknown["position"] = {"value": None, "low": None, "high": None}
    assert [score["name"] for score in find_scores([unknown, {"a": known}])] == ["known"]


def test_curves_are_drawn_in_the_unit_of_the_exit() -> None:
    panels = {panel.title: panel for panel in DRAWN["curves-volatility"].panels}
    dots = panels["Worst exit, %"].data[-3]
    assert dots["x"] == pytest.approx([0.305, 0.465, 0.6, 0.795, 1.155])
    assert dots["y"][0] == pytest.approx(0.5 + 0.8 * 0.9 * (0.2 - 1.2 * 0.6))
    assert panels["Holding time, minutes"].data[-3]["y"][0] == pytest.approx(np.exp(dots["y"][0]))
    assert [panel.title for panel in DRAWN["curves-time-of-day"].panels][:2] == ["Worst exit", "Best exit"]


def test_a_question_that_could_not_be_answered_says_so_for_its_plots() -> None:
    answer: dict[str, Any] = {
        "question": "backtest",
        "verdict": CANNOT_TELL,
        "reason": "There are no bars.",
        "metrics": {},
    }
    assert list_plots({"answers": [answer]})["ranks"].sentence == "Left out: not measured. There are no bars."


def test_scores_have_plain_names_on_the_scale() -> None:
    plot = draw_scale({"answers": [make_score("rows lost to likeness", 0.5)]})
    assert plot.panels[0].layout["annotations"][0]["text"] == "Trades too alike to count twice"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("-0.0 [-0.8, 0.7]", "0 [-0.8, 0.7]"), ("-0.00%", "0%"), ("-0.05", "-0.05"), ("1-0.0", "1-0.0"), ("-0", "0")],
)
def test_minus_zero_is_zero(text: str, shown: str) -> None:
    assert drop_minus_zero(text) == shown


def test_funnel_names_the_greatest_loss() -> None:
    plot = draw_funnel({"plots": {"funnel": [["a", 100], ["b", 40], ["c", 70]]}})
    assert plot.sentence.startswith("70 of 100 candidates were accepted, 70%. Most, 60, were lost on the way to “b”.")
    assert plot.panels[0].data[0]["x"] == [100, 40, 70]


def test_no_label_from_data_is_markup() -> None:
    plots = draw_plots(make_metrics(HOSTILE), PLOTS)
    texts = list(
        find_texts([[panel.data, panel.layout] for each in plots.values() for plot in each for panel in plot.panels])
    )
    assert any("&lt;/script" in text for text in texts)
    assert not any("</script" in text or "<b onmouse" in text for text in texts)


def test_hostile_text_is_in_every_answer_that_can_hold_one() -> None:
    assert str(make_answers(np.random.default_rng(0), "HOSTILE")).count("HOSTILE") >= 5


@pytest.mark.parametrize(
    ("text", "label"),
    [("a<b>&", "a&lt;b&gt;&amp;"), ("two\n lines\u202e", "two lines"), ("x" * 50, "x" * 43 + "…"), (None, "None")],
)
def test_labels_are_short_plain_lines(text: object, label: str) -> None:
    assert escape_label(text) == label


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.12345, "0.123"), (-2.0, "-2"), (12345.6, "12,346"), (0.00001, "1.0e-05"), (None, UNKNOWN),
     (float("nan"), UNKNOWN),
     (True, UNKNOWN), (0, "0"), (-0.0, "0"), (-1e-17, "0")],
)  # fmt: skip
def test_numbers_have_few_digits(value: object, text: str) -> None:
    assert format_number(value) == text


@pytest.mark.parametrize(
    ("value", "text"), [(7, "7"), (999.6, "1.0k"), (12_345, "12k"), (3.4e6, "3.4M"), (None, UNKNOWN)]
)
def test_counts_are_short(value: object, text: str) -> None:
    assert format_count(value) == text


def test_a_band_skips_what_is_unknown() -> None:
    assert make_band([1, 2, 3], [0, None, 1], [2, 2, 3], "@gold")[0]["x"] == [1, 3, 3, 1]
    assert make_band([1, 2], [0, None], [2, 2], "@gold") == []


def test_ranges_hold_all_values() -> None:
    assert span_range([0.0, None, 10.0], 0.1) == [-1.0, 11.0]
    assert span_range([]) == [0.0, 1.0]
    assert span_range([5.0])[0] < 5.0 < span_range([5.0])[1]


def test_intervals_of_the_fixture_are_intervals() -> None:
    assert make_interval(1.0, 0.5) == {"value": 1.0, "low": 0.5, "high": 1.5}


def test_the_worst_pairs_are_named_where_there_is_room() -> None:
    dots = [(0.0, 0.9, "worst"), (0.05, 0.86, "hidden by it"), (0.8, 0.2, "low"), (0.5, 0.0, "third"), (0.3, 0.3, "on")]
    named = name_worst(dots, (-1.0, 1.0))
    assert [note["text"] for note in named] == ["worst", "low"]
    assert [note["xanchor"] for note in name_worst(dots, (0.0, 1.0))] == ["left", "right", "left"]
