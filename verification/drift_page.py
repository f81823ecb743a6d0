"""Writes what was found about drift: `drift.json`, a page of both rules, and a key in a run's `metrics.json`."""

import json
from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from files.shown_text import clean_text
from files.whole_file import write_text
from verification.report.report import load_text

METRICS = "metrics.json"
KEY = "drift"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Drift: {verdict}</title>
<style>{style}</style>
</head>
<body>
<header>
<p class="eyebrow">Drift of {current} from {reference}</p>
<h1>{verdict}</h1>
<p class="lead">{counts}.</p>
</header>
<main>
<section>
<h2>Ours: {verdict}</h2>
<p>The rule to trust: a Kolmogorov-Smirnov test per column and a classifier, at 5% for all of them together.</p>
<table>
<thead><tr><th>column</th><th>test</th><th>statistic</th><th>p</th><th>fires</th></tr></thead>
<tbody>{tests}</tbody>
</table>
{silent}
</section>
<section>
<h2>Reference 001: {health}</h2>
<p>Kept for comparison: {moments}. It knows neither the number of rows nor the shape of a law. {why}</p>
</section>
</main>
</body>
</html>
"""


def write_drift(found: Mapping[str, Any], folder: Path) -> Path:
    """Write `drift.json` and `drift.html` into a folder; a metrics.json that is there gets the key `drift`."""
    write_text(json.dumps(found, indent=2) + "\n", folder / "drift.json")
    write_text(render_page(found), folder / "drift.html")
    metrics = folder / METRICS
    if metrics.is_file():
        known = json.loads(metrics.read_text(encoding="utf-8"))
        write_text(json.dumps(known | {KEY: found}, indent=2) + "\n", metrics)
    return folder / "drift.html"


def render_page(found: Mapping[str, Any]) -> str:
    """Render the page: the rule we trust with its tests, then reference 001's, each named."""
    ours, old, rows = found["ours"], found["reference_001"], found["rows"]
    tests = "".join(
        f"<tr><th scope=row>{escape(test['column'])}</th><td>{'AUC' if test['column'] == 'classifier' else 'KS'}</td>"
        f"<td>{test['statistic']:.3f}</td><td>{test['p']:.3g}</td><td>{'fires' if test['fires'] else 'no'}</td></tr>"
        for test in ours["tests"]
    )
    silent = f"<p>Cannot tell: {escape(', '.join(ours['cannot_tell']))}.</p>" if ours["cannot_tell"] else ""
    score, ratio = ("unknown" if old[name] is None else f"{old[name]:.3f}" for name in ("score", "volatility_ratio"))
    counts = f"{rows['reference']:,} reference rows, {rows['current']:,} current ones"
    names = tuple(escape(str(found.get(name, name))) for name in ("current", "reference"))
    page = PAGE.format(
        style=load_text("report.css"),
        current=names[0],
        reference=names[1],
        verdict=escape(ours["verdict"]),
        counts=f"{counts}, {len(found['columns'])} columns",
        tests=tests,
        silent=silent,
        health=escape(old["health"]),
        moments=f"mean shift {score} reference deviations, volatility ratio {ratio}",
        why=escape(old["why"] or ""),
    )
    return clean_text(page)
