#!/usr/bin/env python3
"""The exporter's page in a real Chromium, on a real exporter with a real llama-server.
Usage: page_test.py EXPORTER MAKE_GGUF LLAMA_SERVER [SCREENSHOT_DIR]
"""

import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.request

from selenium.webdriver.common.keys import Keys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tools"))
from browser import BrowserTest, until  # noqa: E402

EXPORTER, MAKE_GGUF, LLAMA_SERVER = sys.argv[1:4]

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: file://{path}
  hardware: {{accelerator: metal}}
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""


class Page(BrowserTest):
    settled = "#models tr[data-model]"
    screenshots = sys.argv[4] if len(sys.argv) > 4 else None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        root = pathlib.Path(cls.stack.enter_context(tempfile.TemporaryDirectory()))
        cls.gguf = root / "kvheavy.gguf"
        subprocess.run([MAKE_GGUF, "kvheavy", cls.gguf], check=True)
        manifests = root / "manifests"
        manifests.mkdir()
        for name, context in (("small", 512), ("huge", 1 << 20)):
            text = MODEL.format(name=name, path=cls.gguf, context=context)
            (manifests / f"{name}.yaml").write_text(text)
        # Own folders and any free port, so that several runs do not meet.
        exporter = cls.serve(
            [EXPORTER, "--listen", "127.0.0.1:0", "--manifests", manifests, "--state-dir",
             root / "state", "--llama-server", LLAMA_SERVER, "--memory-budget", "2Gi",
             "--stop-models-on-exit"], root / "log")
        until(lambda: cls.states() == {"small": "ready", "huge": "waiting-for-memory"}, exporter)
        cls.start_browser(root / "profile")

    @classmethod
    def get(cls, path):
        with urllib.request.urlopen(cls.url + path, timeout=20) as response:
            return json.load(response)

    @classmethod
    def states(cls):
        return {m["name"]: m["state"] for m in cls.get("/v1/models")["models"]}

    def test_the_picture_is_what_memstats_says(self):
        self.open()
        self.shoot("light")
        # The page shows one sample as a whole: its parts add up to the total it shows.
        parts = self.browser.execute_script(
            "return [...document.querySelectorAll('#parts tr')].map("
            "(row) => [row.dataset.part, Number(row.querySelector('.number').dataset.bytes)])")
        total = self.bytes_of("#total")
        self.assertEqual(sum(size for _, size in parts), total)
        memory = self.get("/memstats")
        self.assertEqual(total, memory["total"])
        self.assertEqual({part for part, _ in parts}, set(memory["parts"]))
        for part in ("budget", "committed", "headroom"):
            shown = self.bytes_of(f"#promises tr[data-part={part}] .number")
            expected = memory["budget"]["bytes" if part == "budget" else part]
            self.assertEqual(shown, expected, part)
        widths = self.browser.execute_script(
            "return [...document.querySelectorAll('#bar > span')].map((s) => s.offsetWidth)")
        bar = self.one("#bar").size["width"]
        self.assertAlmostEqual(sum(widths), bar, delta=len(widths))
        self.assertEqual(self.one("#pressure").text, f"pressure {memory['pressure']}")

    def test_values_follow_the_stream(self):
        self.open()
        free = "#parts tr[data-part=free] td[data-bytes]"
        # Both show the same sample sooner or later: the exporter reads at most once a second.
        self.wait(lambda: self.bytes_of(free) == self.get("/memstats")["parts"]["free"])
        before = self.bytes_of(free)
        self.wait(lambda: self.bytes_of(free) != before)

    def test_models_with_state_and_reason(self):
        self.open()
        small = self.one("#models tr[data-model='default/small']").text
        self.assertIn("ready", small)
        self.assertIn("MiB", small)
        huge = "#models tr[data-model='default/huge']"
        self.assertIn("waiting-for-memory", self.one(huge).text)
        self.assertIn("[HR-101] Model default/huge needs", self.one(huge).text)
        self.assertNotIn("Would fit", self.one(huge).text)
        self.one(f"{huge} summary.reason").click()
        self.assertIn("Would fit", self.one(huge).text)
        # It stays open while the figures move on.
        free = "#parts tr[data-part=free] td[data-bytes]"
        before = self.bytes_of(free)
        self.wait(lambda: self.bytes_of(free) != before)
        self.assertIn("Would fit", self.one(huge).text)
        self.shoot("explained")
        self.assertNotIn("Loading", small)
        self.one("#models tr[data-model='default/small'] .events summary").click()
        happened = self.find("#models tr[data-model='default/small'] .events li")
        told = next(m for m in self.get("/v1/models")["models"] if m["name"] == "small")["events"]
        self.assertEqual([e["reason"] for e in told][-2:], ["Loading", "Ready"])
        self.assertEqual(len(happened), len(told))
        self.assertIn("Ready: serving on node", happened[0].text)
        self.assertIn("InsufficientMemory", self.one(f"{huge} .events summary").text)
        listed = {m["name"]: m for m in self.get("/v1/models")["models"]}
        self.assertIn(str(listed["small"]["restarts"]), small)

    def fit(self, context, file):
        self.one("#file").send_keys(str(file))
        field = self.one("[name=context]")
        field.clear()
        field.send_keys(str(context))
        self.one("[name=parallel]").clear()
        self.one("[name=parallel]").send_keys("1")
        self.one("[name=prompt_cache_mib]").clear()
        self.one("[name=prompt_cache_mib]").send_keys("0", Keys.ENTER)
        self.wait(lambda: self.find("#answer.yes, #answer.no"))
        return self.one("#answer").get_attribute("class").split()[1], self.one("#answer").text

    def test_will_it_fit(self):
        self.open()
        kind, text = self.fit(8192, self.gguf)
        self.assertEqual(kind, "yes", text)
        self.assertIn("Largest context with these options:", text)
        self.shoot("fits")
        self.open()
        kind, text = self.fit(1 << 20, self.gguf)
        self.assertEqual(kind, "no", text)
        self.assertIn("[HR-10", text)
        self.assertIn("Each of these would fit:", text)
        suggested = [e.text for e in self.find("#answer-suggested li")]
        self.assertTrue(any("context" in line for line in suggested), suggested)
        self.shoot("refused")
        self.open()
        other = self.gguf.with_name("text.gguf")
        other.write_text("not a model, but long enough to have a header")
        kind, text = self.fit(512, other)
        self.assertEqual(kind, "no")
        self.assertIn("text.gguf: this is no GGUF file", text)

    def test_what_is_dropped_gives_the_figures_of_the_file(self):
        # gguf.js sends a smaller header; the answer must be the whole file's.
        self.open()
        self.fit(8192, self.gguf)
        seen = self.browser.execute_async_script("""
          const done = arguments[0];
          import('/gguf.js').then(async ({smallHeader}) => {
            const text = new TextEncoder();
            const u64 = (n) => new Uint8Array(new BigUint64Array([BigInt(n)]).buffer);
            const u32 = (n) => new Uint8Array(new Uint32Array([n]).buffer);
            const string = (s) => [u64(s.length), text.encode(s)];
            const words = Array.from({length: 5000}, (_, i) => string('word' + i)).flat();
            const parts = [text.encode('GGUF'), u32(3), u64(0), u64(3),
              ...string('a'), u32(9), u32(8), u64(5000), ...words,
              ...string('b'), u32(4), u32(7),
              ...string('c'), u32(9), u32(4), u64(2), u32(1), u32(2)];
            const small = await smallHeader(new File(parts, 'x.gguf'));
            done(small.size);
          }).catch((error) => done(String(error)));""")
        head = 24
        a = 8 + 1 + 4 + 12 + 5000
        b = 8 + 1 + 4 + 4
        c = 8 + 1 + 4 + 12 + 8
        self.assertEqual(seen, head + a + b + c)

    def test_an_address_is_asked_of_the_exporter(self):
        self.open()
        self.one("#source").send_keys("https://example.invalid/model.gguf", Keys.ENTER)
        self.wait(lambda: self.find("#answer.no"))
        self.assertIn("example.invalid", self.one("#answer").text)

    def test_no_errors_and_nothing_from_elsewhere(self):
        self.forget_logs()
        self.open()
        self.fit(8192, self.gguf)
        self.assert_own_requests_only("/v1/live")

    def test_fits_a_phone(self):
        self.assert_fits_a_phone("phone")

    def test_contrast(self):
        for scheme in ("light", "dark"):
            self.open(scheme=scheme)
            self.fit(8192, self.gguf)
            for summary in self.find("#models summary"):
                summary.click()
            if scheme == "dark":
                self.shoot("dark")
            self.assert_contrast(scheme)

    def test_everything_is_reached_by_keyboard_and_named(self):
        self.open()
        self.assert_keyboard_reaches((
            "source", "file", "context", "parallel", "prompt_cache_mib", "cache_type_k",
            "cache_type_v", "Check", "metrics"))

    def test_headers_of_the_page(self):
        with urllib.request.urlopen(self.url + "/", timeout=20) as response:
            self.assertIn("default-src 'none'", response.headers["Content-Security-Policy"])
            self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "127.0.0.1"
    unittest.main(argv=sys.argv[:1], verbosity=2)
