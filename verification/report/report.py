"""Draws `report.html` from what `metrics.json` holds: one file that opens offline, on a phone, light and dark."""

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from files.hashes import write_recorded
from files.shown_text import clean_text
from verification.answers import CANNOT_TELL, COPIES, GOOD, HELPS, HURTS, LEAK, NOISE, UNDERFIT, to_json
from verification.report.parts import Plot, drop_minus_zero, get_value, is_number
from verification.report.plots import Drawing, draw_plots

HERE = Path(__file__).parent
FORMS = "What a form does to fidelity on the offline model"
STYLES = {
    **{GOOD: "good", UNDERFIT: "underfit", NOISE: "noise", COPIES: "copies", LEAK: "copies", CANNOT_TELL: "unknown"},
    **{HELPS: "good", HURTS: "underfit"},
}
MARKS = {
    "good": "M3 8.5l3.4 3.5L13 4.5",
    "underfit": "M8 3v10M3.8 8.8L8 13l4.2-4.2",
    "noise": "M4 4l8 8M12 4l-8 8",
    "copies": "M2.5 5.5h7v8h-7zM6.5 2.5h7v8",
    "unknown": "M5.5 6a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.2.8-1.2 1.7M8 13v.2",
}  # a verdict is told by a mark and a word as well as by a colour
MEANS: Mapping[object, str] = {("judge", UNDERFIT): "the judge misses too much"}


@dataclass(frozen=True)
class Chip:
    """A verdict as it is shown; `means` says below it what the word means where that is not plain."""

    word: str
    style: str
    means: str = ""

    @property
    def mark(self) -> str:
        """Outline of the icon, as a path of SVG."""
        return MARKS[self.style]


@dataclass(frozen=True)
class Section:
    """One part of the report; those without a verdict answer no question and stand on no first screen."""

    key: str
    title: str
    verdict: Chip | None
    reason: str
    numbers: list[tuple[str, str]]
    plots: list[Plot]
    needs: str = ""

    @property
    def short(self) -> str:
        """Name in the navigation."""
        return self.key.capitalize()

    @property
    def is_untold(self) -> bool:
        """Whether the question cannot be told; such are folded into one line."""
        return self.verdict is not None and self.verdict.style == STYLES[CANNOT_TELL]


def write_report(metrics: Mapping[str, Any], drawings: Sequence[Drawing], path: Path) -> None:
    """Write the report whole or not at all."""
    write_recorded(render_report(metrics, drawings).encode(), path, path.parent)


def render_report(metrics: Mapping[str, Any], drawings: Sequence[Drawing]) -> str:
    """Render the report as HTML.

    Nothing from `metrics` is markup: text is escaped, JSON for the plots is escaped for its script element, and a
    content security policy lets only the two scripts of the file run and no request leave it.

    Args:
        metrics: What `metrics.json` holds. A plot whose data is missing is left out, and the report says why.
        drawings: How the questions' plots are drawn.
    """
    sections = build_sections(metrics, drawings)
    scripts = [load_plotly(), load_text("report.js")]
    panels = {
        f"plot-{plot.key}-{place}": {"data": panel.data, "layout": panel.layout}
        for section in sections
        for plot in section.plots
        for place, panel in enumerate(plot.panels, start=1)
    }
    overall = get_value(metrics, "overall")
    return load_template().render(
        name=str(get_value(metrics, "run", "name") or "a run"),
        heading=say_heading(metrics),
        created=tell_time(get_value(metrics, "run", "created")),
        overall=make_chip(get_value(overall, "verdict"), get_value(overall, "text")),
        reason=drop_minus_zero(str(get_value(overall, "reason") or "")),
        counts=list_counts(metrics),
        summary=read_summary(metrics),
        notes=list_notes(metrics),
        sections=sections,
        style=Markup(load_text("report.css")),  # noqa: S704 our own file
        script_hashes=Markup(" ".join(hash_script(script) for script in scripts)),  # noqa: S704 base64
        plots_json=embed_json(panels),
        plotly=Markup(scripts[0]),  # noqa: S704 the library's own file
        script=Markup(scripts[1]),  # noqa: S704 our own file
    )


def build_sections(metrics: Mapping[str, Any], drawings: Sequence[Drawing]) -> list[Section]:
    """Build the report's sections: what leads, the scale, with plots of no question, one per answer, and the run."""
    answers = [answer for answer in get_value(metrics, "answers") or [] if isinstance(answer, Mapping)]
    plots = draw_plots(metrics, drawings)
    sections = [
        Section(
            key=str(answer.get("question")),
            title=str(answer.get("title") or answer.get("question")),
            verdict=make_chip(answer.get("verdict"), means=say_meaning(answer, get_value(metrics, "deciding"))),
            reason=drop_minus_zero(str(answer.get("reason") or "")),
            numbers=[(str(label), drop_minus_zero(str(text))) for label, text in answer.get("numbers") or []],
            plots=plots.pop(str(answer.get("question")), []),
            needs=str(answer.get("needs") or ""),
        )
        for answer in answers
    ]
    run, scale = plots.pop("run"), [plot for each in plots.values() for plot in each]
    leads = get_value(metrics, "summary", "leads")
    return [
        *(section for section in sections if section.key == leads),
        *([Section("scale", "Between noise and real", None, "", [], scale)] if scale else []),
        *(section for section in sections if section.key != leads),
        Section("run", "What the run took", None, "", [], run),
    ]


def say_meaning(answer: Mapping[str, Any], deciding: object) -> str:
    """Say what a verdict means where its word does not say it, and where it decides nothing."""
    means = MEANS.get((answer.get("question"), answer.get("verdict")), "")
    is_shown_only = isinstance(deciding, list) and answer.get("question") not in deciding
    return ", ".join(filter(None, (means, "shown only" if is_shown_only else "")))


def make_chip(verdict: object, text: object = None, means: str = "") -> Chip:
    """Return how a verdict is shown; one that nobody knows looks like `cannot tell`, in its own words."""
    return Chip(str(text or verdict or CANNOT_TELL), STYLES.get(verdict, "unknown"), means)  # type: ignore[call-overload]


def say_heading(metrics: Mapping[str, Any]) -> str:
    """Say what was held against what."""
    against = " against gold" if get_value(metrics, "run", "gold_train") else ""
    return f"Synthetic {name_rows(metrics)}{against}"


def name_rows(metrics: Mapping[str, Any]) -> str:
    """Name the rows as the dataset's people do."""
    return str(get_value(metrics, "run", "nouns") or "rows")


def list_counts(metrics: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List what was held against what, leaving out what is unknown, and gold where there is none."""
    run, nouns = get_value(metrics, "run"), name_rows(metrics)
    gold = [(f"gold {nouns}", "gold_train"), ("held out", "gold_holdout")]
    counts = [
        (f"synthetic {nouns}", "synthetic"),
        *gold,
        ("profile", "profile"),
        ("form", "form"),
        ("seed", "seed"),
    ]
    found = [(label, key, get_value(run, key)) for label, key in counts]
    return [
        (label, f"{value:,}" if is_number(value) and key != "seed" else str(value))
        for label, key, value in found
        if value is not None and not (key.startswith("gold") and not get_value(run, "gold_train"))
    ]


def list_notes(metrics: Mapping[str, Any]) -> list[str]:
    """List what is noted on the run, and last what is known of the form that rows were asked for in."""
    notes, forms = (get_value(metrics, "run", name) for name in ("notes", "forms"))
    return [*(str(note).replace("`", "") for note in notes or []), *([f"{FORMS}: {forms}"] if forms else [])]


def read_summary(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Read what the report opens with; empty parts where there is none, or of another shape."""
    found = get_value(metrics, "summary")
    lists = {name: get_value(found, name) for name in ("head", "table", "graded")}
    rows = {
        name: [[str(cell) for cell in row] for row in value if isinstance(row, list | tuple)]
        for name, value in lists.items()
        if isinstance(value, list) and name != "head"
    }
    head = [str(cell) for cell in lists["head"]] if isinstance(lists["head"], list) else []
    texts = {name: drop_minus_zero(str(get_value(found, name) or "")) for name in ("sentence", "notice")}
    return {"head": head, "table": rows.get("table", []), "graded": rows.get("graded", []), **texts}


def tell_time(created: object) -> str:
    """Return an ISO time as people read it; as it stands where it is none."""
    try:
        return f"{datetime.fromisoformat(str(created)):%-d %B %Y, %H:%M %Z}".strip()
    except ValueError:
        return str(created or "")


def embed_json(value: Any) -> Markup:
    """Return JSON that cannot end the script element it stands in, whatever its texts say."""
    text = json.dumps(to_json(value), allow_nan=False, separators=(",", ":"))
    for letter in "<>&":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return Markup(text)  # noqa: S704 escaped above


def hash_script(script: str) -> str:
    """Return a script's source expression for a content security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


@cache
def load_template() -> Template:
    """Load the report's template."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        finalize=_clean_value,
    )
    return environment.get_template("report.html.j2")


def _clean_value(value: Any) -> Any:
    """Clean a text that the template shows; what is markup is ours."""
    return clean_text(value) if isinstance(value, str) and not isinstance(value, Markup) else value


@cache
def load_text(name: str) -> str:
    """Read a file that lies beside this one."""
    return (HERE / name).read_text(encoding="utf-8")


@cache
def load_plotly() -> str:
    """Read plotly.js from the installed package.

    Raises:
        RuntimeError: its text would end its script element early.
    """
    from plotly.offline import get_plotlyjs  # noqa: PLC0415 a report is the last thing a run writes

    script = str(get_plotlyjs()).replace("\r\n", "\n")
    if "</script" in script.lower() or "<!--" in script:
        raise RuntimeError("plotly.js of this version cannot stand inside a script element")
    return script
