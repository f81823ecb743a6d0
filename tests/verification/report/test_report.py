"""The report is one whole file that says what the metrics say, and nothing in them is markup."""

import copy
import json
import re
import time
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.verification.report.report_fixture import HOSTILE, make_metrics
from verification.report import report
from verification.report.report import embed_json, hash_script, render_report, write_report
from verification.trades.questions import PLOTS

METRICS = make_metrics()
PLOTLY = report.load_plotly()


def draw_report(metrics: Mapping[str, Any]) -> str:
    return render_report(metrics, PLOTS)


PAGE = draw_report(METRICS)


class Elements(HTMLParser):
    """Collects tags with their attributes, and the text of scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.text = ""
        self.within = ""
        self.feed(page.replace(PLOTLY, "PLOTLY"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.within = tag
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.within = "" if tag else self.within

    def handle_data(self, data: str) -> None:
        if self.within == "script":
            self.scripts[-1] += data
        else:
            self.text += data


def count_elements(page: str) -> list[tuple[str, list[str]]]:
    return sorted((tag, sorted(attributes)) for tag, attributes in Elements(page).tags)


def test_first_screen_has_every_verdict_with_three_numbers() -> None:
    board = read_board(PAGE)
    assert board.count("<li>") == len(METRICS["answers"])
    assert board.count("<dd>") == 3 * len(METRICS["answers"])
    verdicts = [answer["verdict"] for answer in METRICS["answers"]]
    assert re.findall(r'<span class="chip is-\w+">.*?</svg>(.*?)</span>', board) == sorted(
        verdicts, key=lambda verdict: verdict == "cannot tell"
    )


def read_board(page: str) -> str:
    return page[page.index('<ol class="board">') : page.index("<nav ")]


def test_what_cannot_be_told_is_folded_into_one_line() -> None:
    answers = [answer | {"verdict": "good"} for answer in METRICS["answers"]]
    for place, needs in ((1, "72 accepted trades"), (3, "")):
        answers[place] |= {"verdict": "cannot tell", "needs": needs}
    page = draw_report(METRICS | {"answers": answers})
    told, untold = read_board(page).split('<details class="untold">')
    names = ", ".join(answers[place]["question"] for place in (1, 3))
    assert told.count("<li>") == len(answers) - 2
    assert untold.startswith(f"<summary>2 questions cannot be told: {names}</summary>")
    assert untold.count('<p class="needs">It takes 72 accepted trades.</p>') == untold.count('<p class="needs">') == 1
    assert page.count("folded is-untold") == sum(
        f'<section id="{answers[place]["question"]}">' in page for place in (1, 3)
    )


def test_the_page_opens_in_a_traders_words_and_their_plots_come_first() -> None:
    summary: dict[str, Any] = {"sentence": "One sentence.", "notice": "A rehearsal.", "leads": "numbers"}
    summary |= {
        "head": ["", "gold", "synthetic"],
        "table": [["win rate", "48%", "49%"]],
        "graded": [["copies", "none"]],
    }
    page = draw_report(METRICS | {"summary": summary})
    untold = [answer | {"verdict": "cannot tell"} for answer in METRICS["answers"]]
    led = draw_report(METRICS | {"summary": summary, "answers": untold})
    leading = led[led.index('<section id="numbers">') : led.index('<section id="scale">')]
    assert ("is-untold" in leading, "folded" in leading, "is-untold" in led) == (False, True, True)
    order = ("One sentence.", "A rehearsal.", "win rate", "<dt>copies</dt>", '<p class="lead">', '<ol class="board">')
    assert [page.index(text) for text in order] == sorted(page.index(text) for text in order)
    assert (
        page.index('<section id="numbers">')
        < page.index('<section id="scale">')
        < page.index('<section id="validity">')
    )


def test_what_decides_nothing_and_what_a_control_set_is_marked() -> None:
    metrics = make_metrics() | {"deciding": ["validity", "numbers"]}
    metrics["run"] |= {"controlled": ["entry_minute"]}
    page = render_report(metrics, PLOTS)
    board = read_board(page)
    assert board.count("shown only") == len(metrics["answers"]) - 2
    assert page.count("set by a control</small>") == page.count("panel is-set") == 1
    assert "shown only" not in PAGE


def test_overall_verdict_counts_and_notes_stand_on_top() -> None:
    top = Elements(PAGE[: PAGE.index('<ol class="board">')]).text
    for text in ("underfit", METRICS["overall"]["reason"], "9,842", "480", "113", "21 November 2026", "3 accepted"):
        assert text in top


def test_texts_of_a_report_are_clean() -> None:
    hostile = "\x1b]0;title\x07\u202eback\x9b"
    page = render_report({"run": {"name": hostile, "nouns": hostile, "notes": [hostile]}, "answers": []}, ())
    shown = (
        page.replace(PLOTLY, "").replace(report.load_text("report.css"), "").replace(report.load_text("report.js"), "")
    )
    assert shown.count("\\x1b]0;title\\x07\\u202eback\\x9b") >= 3
    assert not {"\x1b", "\x07", "\u202e", "\x9b"} & set(shown)


def test_rows_are_called_what_the_dataset_calls_them() -> None:
    for gold, heading in ((0, "Synthetic notes</h1>"), (9, "Synthetic notes against gold</h1>")):
        page = render_report({"run": {"nouns": "notes", "synthetic": 5, "gold_train": gold, "gold_holdout": 0}}, ())
        assert heading in page
        assert ("<dt>gold notes</dt>" in page) == bool(gold)


def test_every_link_leads_somewhere() -> None:
    tags = Elements(PAGE).tags
    ids = {attributes.get("id") for _, attributes in tags}
    links = [str(attributes["href"]) for tag, attributes in tags if tag == "a"]
    assert len(links) > 10
    assert all(link.startswith("#") and link[1:] in ids for link in links)


def test_every_panel_has_its_figure() -> None:
    elements = Elements(PAGE)
    places = [attributes["id"] for _, attributes in elements.tags if attributes.get("class") == "plot"]
    assert list(json.loads(elements.scripts[0])) == places


def test_policy_allows_the_two_scripts_and_no_request() -> None:
    elements = Elements(PAGE)
    policy = next(str(each["content"]) for tag, each in elements.tags if tag == "meta" and "http-equiv" in each)
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert elements.scripts[1] == "PLOTLY"
    assert [hash_script(script) in policy for script in (elements.scripts[0], PLOTLY, elements.scripts[2])] == [
        False,
        True,
        True,
    ]
    assert not re.search(r"https?:|\*", policy)


def test_nothing_is_loaded_from_elsewhere() -> None:
    for _, attributes in Elements(PAGE).tags:
        assert "src" not in attributes
        assert str(attributes.get("href") or "#").startswith(("#", "data:,"))


def test_hostile_texts_add_no_element() -> None:
    hostile = draw_report(make_metrics(HOSTILE))
    assert count_elements(hostile) == count_elements(PAGE)
    assert HOSTILE not in hostile


def test_hostile_texts_are_shown_as_they_are() -> None:
    metrics = make_metrics()
    metrics["overall"] = {"verdict": HOSTILE, "reason": HOSTILE, "text": HOSTILE}
    metrics["run"] |= {"name": HOSTILE, "profile": HOSTILE, "created": HOSTILE, "notes": [HOSTILE]}
    for answer in metrics["answers"]:
        answer |= {"title": HOSTILE, "reason": HOSTILE, "verdict": HOSTILE, "numbers": [[HOSTILE, HOSTILE]] * 3}
    elements = Elements(draw_report(metrics))
    assert elements.text.count(HOSTILE) > 40
    assert {tag for tag, _ in elements.tags} == {tag for tag, _ in Elements(PAGE).tags}
    assert len(elements.scripts) == 3


def test_a_judge_that_misses_says_so_below_the_word() -> None:
    answer = {"question": "judge", "verdict": "underfit", "numbers": [["faults", "-0.0"]] * 3, "metrics": {}}
    page = draw_report({"answers": [answer, answer | {"question": "fidelity"}]})
    assert page.count('<small class="means">the judge misses too much</small>') == 2  # on the board, and in its section
    assert "<dd>0</dd>" in page


def test_embedded_json_holds_no_markup() -> None:
    text = embed_json({"a": "</script><!-- & \u2028", "b": float("nan")})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!-- & \u2028", "b": None}


@pytest.mark.parametrize("gone", ["plots", "answers", "overall", "run"])
@pytest.mark.parametrize("value", [None, {}, []])
def test_parts_of_the_metrics_may_be_missing(gone: str, value: Any) -> None:
    assert "Left out" in draw_report(METRICS | {gone: value, "plots": None})


def test_what_is_left_out_is_said_and_has_no_plot() -> None:
    metrics = copy.deepcopy(METRICS)
    metrics["plots"]["funnel"] = []
    page = draw_report(metrics)
    assert "<b>Funnel of candidates.</b> Left out: the metrics hold no plots funnel." in page
    assert "plot-funnel-1" not in page


def test_same_metrics_same_report() -> None:
    assert draw_report(METRICS) == PAGE


def test_file_is_small_and_quick() -> None:
    started = time.process_time()
    size = len(draw_report(METRICS).encode())
    assert time.process_time() - started < 3.0
    assert size < len(report.load_plotly().encode()) + 400_000


def test_report_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    write_report(METRICS, PLOTS, path)
    assert path.read_text(encoding="utf-8") == PAGE
    monkeypatch.setattr(report, "render_report", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        write_report(METRICS, PLOTS, path)
    assert path.read_text(encoding="utf-8") == PAGE
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
