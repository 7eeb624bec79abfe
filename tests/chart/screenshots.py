"""Pictures for the documentation, taken of the running product: the page of an exporter by Chromium,
and the dashboards drawn by board/ from their own JSON and what Prometheus answers to their queries.
Usage: screenshots.py OUT_DIR
"""

import pathlib
import subprocess
import sys
import tempfile
import time

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from scenario import HERE, Scenario, load, panels  # noqa: E402
from daemons import eventually  # noqa: E402

BOARD = pathlib.Path(__file__).resolve().parent / "board" / "board.html"
STEP = 2  # seconds between two points
MOST_BYTES = 150_000

# Which panels are shown. Those of "mac" that only macOS fills are left out.
SHOWN = {
    "fleet": ["Macs", "Memory", "Budget", "Committed", "Largest headroom", "Stale nodes",
              "Every Mac", "Headroom", "Committed share of the budget", "Pressure", "Models ready"],
    "mac": ["Where the memory is", "Models: footprint and estimate", "Budget, committed, headroom",
            "Model restarts", "Models ready"],
    "admission": ["Replicas", "Denied", "Unknown sizes", "Undecided", "p99", "Certificate ends in",
                  "Decisions", "Denials by rule", "Time for a decision", "Percentiles"],
}  # fmt: skip


def play(scenario):
    """Some minutes of a working day, quickened."""

    def ask(times):
        """People asking whether this or that would fit, some at once."""
        for number in range(times):
            contexts = [2 ** (12 + (number + at) % 10) for at in range(3 + number % 5)]
            asked = "---".join(scenario.manifest(f"what-if-{c}", c) for c in contexts)
            scenario.headroom("apply", asked, "--dry-run")
            scenario.await_scrapes(1)

    scenario.await_scrapes(20)
    scenario.admit("chat", 65536)
    ask(15)
    scenario.admit("code", 131072)
    scenario.refuse("too-much", 2**20)
    ask(20)
    scenario.crash("chat")
    ask(15)
    scenario.admit("draft", 16384)
    scenario.headroom("delete", scenario.manifest("code", 131072))
    ask(20)


def answers(scenario, panel, start, end):
    found = []
    for target in panel["targets"]:
        expression = target["expr"].replace("$__rate_interval", "15s").replace("$instance", HERE)
        if panel["type"] in ("stat", "table"):
            found.append(scenario.query(expression))
        else:
            data = scenario.ask("query_range", query=expression, start=start, end=end, step=STEP)
            found.append(data["result"])
    return found


def board(scenario, name, start, end):
    dashboard = load()[name]
    known = {panel["title"]: panel for panel in panels(dashboard)}
    shown = [known[title] for title in SHOWN[name]]
    return {
        "title": dashboard["title"],
        "range": [start, end],
        "panels": [{"panel": p, "answers": answers(scenario, p, start, end)} for p in shown],
    }


class Browser:
    def __init__(self, profile):
        options = webdriver.ChromeOptions()
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--hide-scrollbars",
            f"--user-data-dir={profile}",
        ):
            options.add_argument(argument)
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def open_page(self, url, model):
        """The page, with its answer about a model that is too big."""
        self.driver.get(url)
        self._find("#file").send_keys(str(model))
        for field, text in (("context", "524288"), ("parallel", "1"), ("prompt_cache_mib", "0")):
            self._find(f"[name={field}]").send_keys(text)
        self._find("[name=context]").send_keys(Keys.ENTER)
        eventually(lambda: self._find("#answer.no"), "the page answers")
        eventually(lambda: self._find("#models tr[data-model]"), "the page lists the models")

    def _find(self, css):
        found = self.driver.find_elements(By.CSS_SELECTOR, css)
        return found[0] if found else None

    def shoot(self, out, width):
        """The whole page as PNG of at most 256 colours."""
        size = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        size["height"] = self.driver.execute_script("return document.documentElement.scrollHeight")
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        time.sleep(1)  # charts follow the new size
        assert self.driver.save_screenshot(str(out))
        subprocess.run(["pngquant", "--force", "--strip", "--output", out, out], check=True)
        assert out.stat().st_size <= MOST_BYTES, f"{out}: {out.stat().st_size} bytes"
        print(f"{out}: {out.stat().st_size} bytes")


def main(out):
    out.mkdir(parents=True, exist_ok=True)
    scenario = Scenario(budget="6Gi")
    try:
        scenario.start()
        start = time.time()
        play(scenario)
        end = time.time()
        with tempfile.TemporaryDirectory() as profile:
            browser = Browser(profile)
            try:
                browser.open_page(scenario.exporter.url, scenario.model)
                browser.shoot(out / "page.png", 1280)
                for name in SHOWN:
                    browser.driver.get(BOARD.as_uri())
                    browser.driver.execute_script("draw(arguments[0])", board(scenario, name, start, end))
                    browser.shoot(out / f"dashboard-{name}.png", 1400)
            finally:
                browser.driver.quit()
    finally:
        scenario.stop()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
