"""The report in a real browser: every plot is drawn, light and dark, wide and narrow, and nothing is asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from tests.verification.report.report_fixture import HOSTILE, make_metrics
from verification.report.report import write_report
from verification.trades.questions import PLOTS

BROWSERS, DRIVERS = ("chromium", "chromium-browser", "google-chrome"), ("chromedriver",)
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--hide-scrollbars",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
)  # fmt: skip
WIDTHS = {"desktop": (1280, 900), "phone": (375, 812)}
PATIENCE = 30  # seconds; on a busy machine a browser takes its time

COUNT_DRAWN = """
return [...document.querySelectorAll(".plot")].map(plot => [plot.id, plot.querySelectorAll(".main-svg").length,
  plot.getBoundingClientRect().right,
  [...plot.querySelectorAll("text")].filter(text => text.textContent.trim()).length]);
"""
READ_COLOURS = """
return [getComputedStyle(document.body).backgroundColor,
  getComputedStyle(document.querySelector("#plot-funnel-1 .annotation text")).fill];
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    binary, driver = (next(filter(None, map(shutil.which, names)), None) for names in (BROWSERS, DRIVERS))
    if binary is None or driver is None:
        pytest.skip(f"needs {' or '.join(BROWSERS)}, and {DRIVERS[0]}: {binary or driver or 'neither'} found")
    options = Options()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


def open_report(browser: webdriver.Chrome, path: Path, *, width: str, scheme: str) -> None:
    wide, high = WIDTHS[width]
    size = {"width": wide, "height": high, "deviceScaleFactor": 1, "mobile": width == "phone"}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    )
    for log in ("browser", "performance"):
        browser.get_log(log)  # type: ignore[no-untyped-call]
    browser.get(path.as_uri())
    WebDriverWait(browser, PATIENCE).until(
        lambda _: browser.execute_script("return document.documentElement.dataset.drawn")
    )


def find_requests(browser: webdriver.Chrome) -> list[str]:
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]  # type: ignore[no-untyped-call]
    return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("report") / "report.html"
    write_report(make_metrics(HOSTILE), PLOTS, written)
    return written


@pytest.mark.parametrize(("width", "scheme"), [("desktop", "light"), ("phone", "dark")])
def test_report_opens_whole_and_asks_for_nothing(
    browser: webdriver.Chrome, path: Path, width: str, scheme: str
) -> None:
    open_report(browser, path, width=width, scheme=scheme)
    drawn = browser.execute_script(COUNT_DRAWN)
    requests = find_requests(browser)
    assert [entry["message"] for entry in browser.get_log("browser")] == []  # type: ignore[no-untyped-call]
    assert requests
    assert [url[:40] for url in requests if not url.startswith(("file:", "data:"))] == []
    assert len(drawn) > 30
    assert [name for name, layers, _, texts in drawn if not layers or not texts] == []
    assert [name for name, _, right, _ in drawn if right > WIDTHS[width][0]] == []
    assert browser.execute_script("return document.documentElement.scrollWidth") == WIDTHS[width][0]
    assert "verification of offline-2026" in browser.title


def test_hostile_texts_run_no_script_and_draw_no_markup(browser: webdriver.Chrome, path: Path) -> None:
    open_report(browser, path, width="phone", scheme="light")
    assert browser.execute_script("return document.querySelectorAll('[onmouseover], .plot a').length") == 0
    assert browser.execute_script("return document.scripts.length") == 3
    labels = browser.execute_script(
        "return [...document.querySelectorAll('#plot-faults-1 text')].map(e => e.textContent)"
    )
    assert any(label.startswith("</script><script>") for label in labels)


def test_plots_follow_the_scheme_as_it_changes(browser: webdriver.Chrome, path: Path) -> None:
    open_report(browser, path, width="desktop", scheme="light")
    light = browser.execute_script(READ_COLOURS)
    browser.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    WebDriverWait(browser, PATIENCE).until(lambda _: browser.execute_script(READ_COLOURS)[1] != light[1])
    assert light == ["rgb(251, 250, 247)", "rgb(29, 33, 41)"]
    assert browser.execute_script(READ_COLOURS) == ["rgb(20, 22, 26)", "rgb(232, 230, 225)"]


def test_a_finger_on_a_plot_scrolls_the_page(browser: webdriver.Chrome, path: Path) -> None:
    open_report(browser, path, width="phone", scheme="light")
    browser.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": True})
    browser.execute_script(
        "document.querySelector('#plot-scale-1').scrollIntoView({block: 'center', behavior: 'instant'})"
    )
    before = browser.execute_script("return window.scrollY")
    for y in (400, *range(380, 180, -20)):
        kind = "touchStart" if y == 400 else "touchMove"
        browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": 190, "y": y}]})
    browser.execute_cdp_cmd("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    WebDriverWait(browser, PATIENCE).until(lambda _: browser.execute_script("return window.scrollY") > before + 100)
