#!/usr/bin/env python3
"""The webhook's page in a real Chromium, on a real webhook that decides reviews.
Usage: page_test.py WEBHOOK MAKE_GGUF [SCREENSHOT_DIR]
"""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from browser import BrowserTest, until  # noqa: E402

WEBHOOK, MAKE_GGUF = sys.argv[1:3]
ROOT = pathlib.Path(__file__).resolve().parents[2]


class Page(BrowserTest):
    settled = "#decisions tr[data-object]"
    screenshots = sys.argv[3] if len(sys.argv) > 3 else None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        cls.gguf = root / "kvheavy.gguf"
        subprocess.run([MAKE_GGUF, "kvheavy", cls.gguf], check=True)
        nodes = root / "nodes.yaml"
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        nodes.write_text(re.sub(r'observed-at: ".*"', f'observed-at: "{now}"',
                                (ROOT / "tests/data/node/node.yaml").read_text()))
        webhook = cls.serve([WEBHOOK, "--listen", "127.0.0.1:0", "--nodes", nodes,
                             "--shutdown-delay", "0s"], root / "log")
        until(lambda: cls.status("/readyz") == 200, webhook)
        cls.decide("fits", "1Gi")
        cls.decide("too-big", "900Gi")
        cls.decide("tried", "900Gi", dryRun=True)
        cls.start_browser(root / "profile")

    @classmethod
    def status(cls, path):
        try:
            return cls.get(path).status
        except OSError as error:
            return getattr(error, "code", 0)

    @classmethod
    def get(cls, path, accept=None):
        request = urllib.request.Request(cls.url + path, headers={"Accept": accept or "*/*"})
        return urllib.request.urlopen(request, timeout=20)

    @classmethod
    def decide(cls, name, size, **more):
        # The declared size counts where nobody can read the header.
        model = {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "Model",
                 "metadata": {"name": name, "namespace": "team-a"},
                 "spec": {"source": "/models/secret-name.gguf", "nodeName": "mac-1",
                          "hardware": {"accelerator": "metal", "memoryBudget": size},
                          "serving": {"contextSize": 4096}}}
        review = {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
            "uid": name, "operation": "CREATE", "name": name, "namespace": "team-a",
            "kind": {"group": "inference.llmkube.dev", "version": "v1alpha1", "kind": "Model"},
            "resource": {"group": "inference.llmkube.dev", "version": "v1alpha1",
                         "resource": "models"},
            "userInfo": {"username": "secret-user"}, "object": model, **more}}
        request = urllib.request.Request(cls.url + "/validate", json.dumps(review).encode(),
                                         {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as response:
            return json.load(response)["response"]["allowed"]

    def rows(self):
        # In one step: the page replaces its rows at any time.
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map((row) => row.innerText)",
            self.settled)

    def test_shows_what_was_decided(self):
        self.open()
        self.shoot("webhook-light")
        with self.get("/v1/decisions") as response:
            state = json.load(response)
        decisions = state["decisions"]
        rows = self.rows()
        self.assertEqual(len(rows), len(decisions))
        self.assertGreaterEqual(len(decisions), 3)
        for row, one in zip(rows, decisions):
            self.assertIn(f"{one['operation']} {one['kind']} {one['namespace']}/{one['name']}", row)
            self.assertIn(one["decision"], row)
        shown = self.browser.execute_script(
            "return [...document.querySelectorAll('#decisions td[data-bytes]')]"
            ".map((cell) => cell.dataset.bytes)")
        self.assertEqual(shown, [str(one["footprintBytes"] or "") for one in decisions])
        self.assertIn("(dry run)", next(row for row in rows if "tried" in row))
        self.assertIn(f"{state['denied']} denied", self.one("#summary").text)

    def test_new_decisions_come_by_themselves(self):
        self.open()
        self.decide("late", "900Gi")
        self.wait(lambda: any("team-a/late" in row for row in self.rows()))
        self.one("#denied-only").click()
        self.wait(lambda: all("denied" in row for row in self.rows()))
        self.assertTrue(self.rows())

    def test_without_a_browser_it_is_text(self):
        with self.get("/") as response:
            self.assertIn("text/plain", response.headers["Content-Type"])
            text = response.read().decode()
        self.assertRegex(text, r"(?m)^20\S+Z +denied +HR-\d+ .* CREATE Model team-a/too-big$")
        self.assertIn("team-a/tried (dry run)", text)

    def test_tells_no_user_and_no_source(self):
        for path in ("/", "/v1/decisions"):
            with self.get(path) as response:
                self.assertNotIn("secret", response.read().decode())

    def test_no_errors_and_nothing_from_elsewhere(self):
        self.forget_logs()
        self.open()
        self.assert_own_requests_only("/v1/decisions")

    def test_fits_a_phone(self):
        self.assert_fits_a_phone("webhook-phone")

    def test_contrast(self):
        for scheme in ("light", "dark"):
            self.open(scheme=scheme)
            if scheme == "dark":
                self.shoot("webhook-dark")
            self.assert_contrast(scheme)

    def test_everything_is_reached_by_keyboard_and_named(self):
        self.open()
        self.assert_keyboard_reaches(("denied-only", "decisions", "metrics"))

    def test_headers_of_the_page(self):
        with self.get("/", accept="text/html") as response:
            self.assertIn("text/html", response.headers["Content-Type"])
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "127.0.0.1"
    unittest.main(argv=sys.argv[:1], verbosity=2)
