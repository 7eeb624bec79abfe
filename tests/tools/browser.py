"""A real Chromium that looks at one of our pages, and the rules that hold for all of them."""

import contextlib
import json
import pathlib
import re
import signal
import subprocess
import unittest

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

WAIT_SECONDS = 60

# Contrast of each text against what lies behind it (WCAG 2.1 relative luminance), worst first.
CONTRAST = """
const channel = (c) => (c /= 255) <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const colour = (text) => text.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = (e) => {
  for (; e; e = e.parentElement) {
    const c = colour(getComputedStyle(e).backgroundColor);
    if (c.length === 3 || c[3] === 1) return c;
  }
  return [255, 255, 255];
};
return [...document.querySelectorAll('body *')]
  .filter((e) => e.checkVisibility() && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
  .map((e) => {
    const [a, b] = [light(colour(getComputedStyle(e).color)), light(behind(e))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.tagName + ' ' + e.textContent.slice(0, 40)];
  })
  .sort((x, y) => x[0] - y[0]);
"""


def until(condition, process=None):
    """What `condition` gives once it is true; an error when `process` ends before."""
    def attempt(_):
        if process is not None and process.poll() is not None:
            raise AssertionError(f"{process.args[0]} ended: {process.returncode}")
        return condition()
    return WebDriverWait(None, WAIT_SECONDS, 0.05).until(attempt)


class BrowserTest(unittest.TestCase):
    """A subclass sets `url` and `settled`, a selector of what is there when the page is drawn."""

    url = settled = ""
    screenshots = None  # a folder

    @classmethod
    def setUpClass(cls):
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)

    @classmethod
    def serve(cls, command, log):
        """Runs a program of ours until the class ends; sets `url` from what it logs."""
        with log.open("w") as stderr:
            process = subprocess.Popen(command, stderr=stderr)
        cls.stack.callback(process.wait, 60)
        cls.stack.callback(process.send_signal, signal.SIGTERM)
        cls.url = until(lambda: re.search(r"url=(http://\S+)", log.read_text()), process)[1]
        return process

    @classmethod
    def start_browser(cls, profile):
        options = webdriver.ChromeOptions()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic",
                         "--no-first-run", "--disable-background-networking",
                         "--disable-component-update", "--disable-sync",
                         "--disable-dev-shm-usage", f"--user-data-dir={profile}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        cls.browser = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
        cls.stack.callback(cls.browser.quit)

    def wait(self, condition):
        return WebDriverWait(self.browser, WAIT_SECONDS, 0.05).until(lambda _: condition())

    def open(self, width=1280, height=1400, scheme="light"):
        self.browser.set_window_size(width, height)
        # Chromium keeps a window 500 pixels wide; a phone is narrower.
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", {
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
            "features": [{"name": "prefers-color-scheme", "value": scheme}]})
        self.browser.get(self.url)
        self.wait(lambda: self.find(self.settled))

    def find(self, css):
        return self.browser.find_elements(By.CSS_SELECTOR, css)

    def one(self, css):
        found = self.find(css)
        self.assertEqual(len(found), 1, css)
        return found[0]

    def bytes_of(self, css):
        # In one step: the page replaces its rows at any time.
        return int(self.browser.execute_script(
            "return document.querySelector(arguments[0]).dataset.bytes", css))

    def shoot(self, name):
        if self.screenshots:
            folder = pathlib.Path(self.screenshots)
            folder.mkdir(parents=True, exist_ok=True)
            self.browser.save_screenshot(str(folder / f"{name}.png"))

    def forget_logs(self):
        self.browser.get_log("performance")
        self.browser.get_log("browser")

    def assert_own_requests_only(self, expected):
        """Since forget_logs(): no console error, and nothing was asked of anybody else."""
        self.assertEqual(self.browser.get_log("browser"), [])
        events = [json.loads(e["message"])["message"] for e in self.browser.get_log("performance")]
        asked = {e["params"]["request"]["url"] for e in events
                 if e["method"] == "Network.requestWillBeSent"}
        self.assertIn(self.url + expected, asked)
        self.assertEqual([u for u in asked if not u.startswith((self.url, "data:"))], [])

    def assert_fits_a_phone(self, name):
        for scheme in ("light", "dark"):
            self.open(width=360, height=2200, scheme=scheme)
            self.shoot(f"{name}-{scheme}")
            wide = self.browser.execute_script(
                "return [document.documentElement.scrollWidth, innerWidth]")
            self.assertLessEqual(wide[0], wide[1])

    def assert_contrast(self, scheme):
        for ratio, what in self.browser.execute_script(CONTRAST):
            self.assertGreaterEqual(ratio, 4.5, f"{scheme}: {what}")

    def assert_keyboard_reaches(self, wanted):
        """By id, name or text; and everything that can be operated has a name."""
        reached = []
        for _ in range(40):
            ActionChains(self.browser).send_keys(Keys.TAB).perform()
            at = self.browser.switch_to.active_element
            name = at.get_attribute("id") or at.get_attribute("name") or at.text
            if reached and name == reached[0]:
                break
            reached.append(name)
        for one in wanted:
            self.assertIn(one, reached)
        unnamed = [e.get_attribute("outerHTML") for e in self.find("input, select, button, a")
                   if not e.accessible_name]
        self.assertEqual(unnamed, [])
        self.assertEqual(self.one("html").get_attribute("lang"), "en")
