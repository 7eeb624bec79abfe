"""Every query of every panel of the dashboards, against a real Prometheus that scrapes the real
exporter and webhook while models are admitted, refused, launched and killed, and the page of a Mac
as recorded (what only a Mac has). A panel that stays empty fails the test."""

import http.server
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import unittest
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from controlplane import free_ports  # noqa: E402
from daemons import ROOT, Daemon, eventually, make_certificate, program, script  # noqa: E402

DASHBOARDS = ROOT / "charts" / "headroom" / "files" / "dashboards"
HERE, RECORDED = "this-machine", "recorded-mac"
# What a machine without macOS has no figures for.
ONLY_ON_A_MAC = {"GPU working set", "GPU memory", "Kernel pressure"}
# Series of the API server, which does not run here; tests/e2e/newcomer_test.py sees them.
NOT_OURS = {"Passed unchecked"}

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  nodeName: demo
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def load():
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


class Form(unittest.TestCase):
    def test_every_panel_says_what_it_shows(self):
        for name, dashboard in load().items():
            for panel in panels(dashboard):
                with self.subTest(dashboard=name, panel=panel["title"]):
                    self.assertTrue(panel["title"])
                    self.assertGreater(len(panel["description"]), 20)
                    self.assertTrue(panel["fieldConfig"]["defaults"]["unit"])
                    self.assertTrue(panel["targets"])
                    for one in (panel, *panel["targets"]):
                        self.assertEqual(one["datasource"]["uid"], "${datasource}")

    def test_identities_are_stable_and_unique(self):
        dashboards = load()
        self.assertEqual(
            {name: one["uid"] for name, one in dashboards.items()},
            {name: f"headroom-{name}" for name in ("admission", "fleet", "mac")},
        )
        for dashboard in dashboards.values():
            ids = [panel["id"] for panel in dashboard["panels"]]
            self.assertEqual(len(ids), len(set(ids)))
            titles = [panel["title"] for panel in dashboard["panels"]]
            self.assertEqual(len(titles), len(set(titles)))
            self.assertIn("datasource", [one["type"] for one in dashboard["templating"]["list"]])

    def test_panels_do_not_overlap(self):
        for name, dashboard in load().items():
            taken = set()
            for panel in dashboard["panels"]:
                at = panel["gridPos"]
                cells = {
                    (x, y)
                    for x in range(at["x"], at["x"] + at["w"])
                    for y in range(at["y"], at["y"] + at["h"])
                }
                self.assertFalse(cells & taken, f"{name}: {panel['title']}")
                self.assertLessEqual(at["x"] + at["w"], 24)
                taken |= cells


class RecordedPage(http.server.BaseHTTPRequestHandler):
    page = (ROOT / "tests" / "data" / "metrics" / "darwin.prom").read_bytes()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


class Live(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-dashboards-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        for folder in ("models", "manifests"):
            (cls.directory / folder).mkdir()
        cls.model = cls.directory / "models" / "small.gguf"
        subprocess.run([program("make-gguf"), "kvheavy", cls.model], check=True)
        cls.start_daemons()
        cls.start_recorded_mac()
        cls.start_prometheus()
        cls.play()

    @classmethod
    def start_daemons(cls):
        token = cls.directory / "token"
        token.write_text("secret\n")
        cls.exporter = Daemon(
            "headroom-exporter",
            cls.directory,
            "--listen",
            "127.0.0.1:0",
            "--node-name",
            "demo",
            "--manifests",
            cls.directory / "manifests",
            "--model-root",
            cls.directory / "models",
            "--llama-server",
            script("get-llama-server"),
            "--state-dir",
            cls.directory / "state",
            "--memory-budget",
            "1536Mi",
            "--node-token-file",
            token,
            "--stop-models-on-exit",
        )
        cls.addClassCleanup(cls.exporter.stop)
        cls.exporter.start()
        cls.ca, certificate, key = make_certificate(cls.directory)
        cls.webhook = Daemon(
            "headroom-webhook",
            cls.directory,
            "--listen",
            "127.0.0.1:0",
            "--tls-cert",
            certificate,
            "--tls-key",
            key,
            "--nodes",
            cls.exporter.url + "/v1/node",
            "--manifests",
            cls.directory / "manifests",
            "--node-token-file",
            token,
            "--shutdown-delay",
            "0s",
        )
        cls.addClassCleanup(cls.webhook.stop)
        cls.webhook.start()
        eventually(lambda: cls.webhook.get("/readyz", ca=cls.ca)[0] == 200, "webhook is ready")

    @classmethod
    def start_recorded_mac(cls):
        cls.mac = http.server.ThreadingHTTPServer(("127.0.0.1", 0), RecordedPage)
        threading.Thread(target=cls.mac.serve_forever, daemon=True).start()
        cls.addClassCleanup(cls.mac.shutdown)

    @classmethod
    def start_prometheus(cls):
        cls.port = free_ports(1)[0]
        netloc = lambda url: urllib.parse.urlsplit(url).netloc  # noqa: E731
        config = cls.directory / "prometheus.yml"
        config.write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "1s"},
                    "rule_files": [str(ROOT / "charts" / "headroom" / "files" / "alerts.yaml")],
                    "scrape_configs": [
                        {
                            "job_name": "headroom-exporter",
                            "static_configs": [
                                {
                                    "targets": [netloc(cls.exporter.url)],
                                    "labels": {"instance": HERE},
                                },
                                {
                                    "targets": [f"127.0.0.1:{cls.mac.server_address[1]}"],
                                    "labels": {"instance": RECORDED},
                                },
                            ],
                        },
                        {
                            "job_name": "headroom-webhook",
                            "scheme": "https",
                            "tls_config": {"ca_file": str(cls.ca)},
                            "static_configs": [{"targets": [netloc(cls.webhook.url)]}],
                        },
                    ],
                }
            )
        )
        with open(cls.directory / "prometheus.log", "wb") as log:
            process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--web.listen-address=127.0.0.1:{cls.port}",
                    f"--storage.tsdb.path={cls.directory}/tsdb",
                ],
                stdout=log,
                stderr=log,
            )
        cls.addClassCleanup(process.wait)
        cls.addClassCleanup(process.kill)
        eventually(lambda: len(cls.query("up == 1")) == 3, "all targets are scraped", 60)

    @classmethod
    def play(cls):
        """One model is admitted, launched, killed and started again; another is refused."""
        assert cls.apply("fits", 16384).returncode == 0

        def pid():
            models = json.loads(cls.exporter.get("/v1/models")[1])["models"]
            return next(m["pid"] for m in models if m["state"] == "ready")

        first = eventually(pid_or_none(pid), "the model is ready", 60)
        os.kill(first, signal.SIGKILL)
        refused = cls.apply("too-much", 1048576)
        assert refused.returncode == 1 and "HR-10" in refused.stderr, refused.stderr
        eventually(lambda: pid_or_none(pid)() not in (None, first), "the model is ready again", 60)
        # Rates need two scrapes after the events.
        seen = cls.scrapes()
        eventually(lambda: cls.scrapes() >= seen + 3, "three more scrapes")

    @classmethod
    def apply(cls, name, context):
        return subprocess.run(
            [
                program("headroom"),
                "apply",
                "-f",
                "-",
                "--manifests",
                cls.directory / "manifests",
                "--webhook",
                cls.webhook.url,
                "--webhook-ca",
                cls.ca,
            ],
            input=MODEL.format(name=name, path=cls.model, context=context),
            capture_output=True,
            text=True,
            check=False,
        )

    @classmethod
    def query(cls, expression):
        url = f"http://127.0.0.1:{cls.port}/api/v1/query?" + urllib.parse.urlencode(
            {"query": expression}
        )
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.loads(response.read())["data"]["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{expression}: {error.read().decode()}") from None

    @classmethod
    def scrapes(cls):
        return int(cls.query(f'count_over_time(up{{instance="{HERE}"}}[1h])')[0]["value"][1])

    def values(self, target, instance):
        expression = target["expr"].replace("$__rate_interval", "1m").replace("$instance", instance)
        return self.query(expression)

    # --- the tests -------------------------------------------------------------------------------

    def check(self, name, instance, may_be_empty):
        dashboard, live = load()[name], 0
        for panel in panels(dashboard):
            for target in panel["targets"]:
                with self.subTest(dashboard=name, panel=panel["title"], query=target["expr"]):
                    found = self.values(target, instance)
                    if panel["title"] in may_be_empty:
                        continue
                    self.assertTrue(found, "the panel is empty")
                    self.assertNotIn("NaN", [one["value"][1] for one in found])
            live += panel["title"] not in may_be_empty
        print(f"{name} ({instance}): {live} of {len(panels(dashboard))} panels with live data")

    def test_fleet_has_data(self):
        self.check("fleet", HERE, set())

    def test_mac_has_data_here(self):
        compressed = not self.query(f'headroom_memory_compressions_total{{instance="{HERE}"}}')
        self.check("mac", HERE, ONLY_ON_A_MAC | ({"Compression"} if compressed else set()))

    def test_mac_has_data_on_a_mac(self):
        self.check("mac", RECORDED, set())

    def test_admission_has_data(self):
        self.check("admission", HERE, NOT_OURS)

    def test_classes_of_memory_add_up(self):
        panel = next(p for p in panels(load()["mac"]) if p["title"] == "Where the memory is")
        for instance in (HERE, RECORDED):
            # One instant for all, so that they are parts of one sample.
            at = self.query(f'timestamp(headroom_memory_total_bytes{{instance="{instance}"}})')[0][
                "value"
            ][1]
            total = float(
                self.query(f'headroom_memory_total_bytes{{instance="{instance}"}} @ {at}')[0][
                    "value"
                ][1]
            )
            sum_of_parts = 0.0
            for target in panel["targets"]:
                expression = target["expr"].replace("$instance", instance)
                part = float(
                    self.query(f"last_over_time(({expression})[1s:1s] @ {at})")[0]["value"][1]
                )
                self.assertGreaterEqual(part, 0, target["legendFormat"])
                sum_of_parts += part
            self.assertEqual(sum_of_parts, total, instance)

    def test_prometheus_takes_the_alerts(self):
        with urllib.request.urlopen(
            f"http://127.0.0.1:{self.port}/api/v1/rules", timeout=10
        ) as response:
            groups = json.loads(response.read())["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        self.assertTrue(rules)
        self.assertEqual([rule["name"] for rule in rules if rule["health"] == "err"], [])


def pid_or_none(pid):
    def ask():
        try:
            return pid()
        except StopIteration:
            return None

    return ask


if __name__ == "__main__":
    unittest.main(verbosity=2)
