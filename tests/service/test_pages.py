"""The pages in a real browser: a run with its rows, and blind review by keys alone."""

import shutil
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from service.app import build_app
from service.guards import Guard
from tests.service.test_review import deck  # noqa: F401 - a fixture
from verification.review import read_reviews

PATIENCE = 60
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage")

pytestmark = pytest.mark.slow


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[webdriver.Chrome]:
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("needs chromium and chromedriver")
    options = Options()
    options.binary_location = binary
    for flag in (*FLAGS, f"--user-data-dir={tmp_path / 'profile'}"):
        options.add_argument(flag)
    opened = webdriver.Chrome(options=options, service=Service(driver))
    yield opened
    opened.quit()


@pytest.fixture
def address(deck: Path) -> Iterator[str]:  # noqa: F811
    app = build_app(deck.parent, deck.parent, guard=Guard(per_minute=10_000), workers=0)
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    app.state.stopping.set()  # as the command does: else the list that a page follows holds the server
    server.should_exit = True
    thread.join()


def find(browser: Any, css: str) -> Any:
    return WebDriverWait(browser, PATIENCE).until(lambda _: browser.find_elements(By.CSS_SELECTOR, css))[0]


def wait_for_other(browser: Any, script: str, before: str) -> None:
    WebDriverWait(browser, PATIENCE).until(lambda _: browser.execute_script(script) != before)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_run_is_shown_with_its_rows_on_a_phone(browser: Any, address: str, scheme: str) -> None:
    size = {"width": 375, "height": 812, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
    browser.get(f"{address}/#run/mine")
    find(browser, "details[data-row] summary").click()
    find(browser, "svg.candles rect")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375
    back = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (back == "rgb(20, 22, 26)") is (scheme == "dark")
    browser.get(f"{address}/#")
    assert find(browser, "tr[data-open] td.wide:last-child").is_displayed()  # the cost, on a phone too
    assert browser.execute_script("return document.documentElement.scrollWidth") <= 375


def test_twenty_rows_are_judged_by_keys_alone(browser: Any, address: str, deck: Path) -> None:  # noqa: F811
    browser.get(f"{address}/")
    browser.execute_script("localStorage.setItem('reviewer', 'me')")
    browser.get(f"{address}/#review/mine")
    browser.refresh()
    shown, count = "return (document.querySelector('#item') || {dataset: {}}).dataset.item || ''", 0
    find(browser, "#item")
    while count < 20 and (item := browser.execute_script(shown)):
        browser.find_element(By.TAG_NAME, "body").send_keys("ars"[count % 3])
        wait_for_other(browser, shown, item)
        count += 1
    assert len(read_reviews(deck)) == count >= 10


def test_the_list_is_walked_by_keys(browser: Any, address: str) -> None:
    browser.get(f"{address}/")
    find(browser, "tr[data-open]")
    body = browser.find_element(By.TAG_NAME, "body")
    body.send_keys("j")
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert "mine" in find(browser, "h2").text


def test_the_list_is_live_and_a_trade_is_drawn_on_its_candles(browser: Any, address: str, deck: Path) -> None:  # noqa: F811
    browser.get(f"{address}/")
    find(browser, "tr[data-open]")
    (deck.parent / "later").mkdir()
    (deck.parent / "later/profile.yaml").write_text("", encoding="utf-8")
    find(browser, "tr[data-open='#run/later']")
    browser.get(f"{address}/#run/mine")
    find(browser, "details[data-row]:has(b.accepted) summary").click()
    assert len(find(browser, "svg.candles").find_elements(By.CSS_SELECTOR, "line.trade, line.entry, line.exit")) == 3
