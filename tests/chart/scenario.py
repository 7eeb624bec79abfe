"""Real exporter, webhook and Prometheus on this machine, and the page of a Mac as recorded (what only
a Mac has), with a story played on them: models are admitted, refused, launched and killed. For the
test of the dashboards and for the pictures of the documentation."""

import contextlib
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
import urllib.error
import urllib.parse
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from controlplane import free_ports  # noqa: E402
from daemons import ROOT, Daemon, eventually, make_certificate, program, script  # noqa: E402

DASHBOARDS = ROOT / "charts" / "headroom" / "files" / "dashboards"
HERE, RECORDED = "this-machine", "recorded-mac"

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  nodeName: demo
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""


def load():
    """The dashboards by file name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def panels(dashboard):
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


class RecordedPage(http.server.BaseHTTPRequestHandler):
    page = (ROOT / "tests" / "data" / "metrics" / "darwin.prom").read_bytes()

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
        self.end_headers()
        self.wfile.write(self.page)

    def log_message(self, *_):
        pass


class RecordedMac(http.server.ThreadingHTTPServer):
    def handle_error(self, *_):
        """Prometheus may hang up: on a busy machine a scrape can take longer than its second."""


class Scenario:
    """Everything from start() until stop(). `budget` is what models may take of this machine."""

    def __init__(self, budget):
        self.budget = budget
        self.stack = contextlib.ExitStack()
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-scenario-"))
        self.stack.callback(shutil.rmtree, self.directory, ignore_errors=True)
        self.manifests = self.directory / "manifests"
        self.model = self.directory / "models" / "small.gguf"

    def start(self):
        self.manifests.mkdir()
        self.model.parent.mkdir()
        subprocess.run([program("make-gguf"), "kvheavy", self.model], check=True)
        self._start_daemons()
        self._start_recorded_mac()
        self._start_prometheus()

    def stop(self):
        self.stack.close()

    def _start_daemons(self):
        token = self.directory / "token"
        token.write_text("secret\n")
        self.exporter = Daemon(
            "headroom-exporter",
            self.directory,
            "--listen=127.0.0.1:0",
            "--node-name=demo",
            f"--manifests={self.manifests}",
            f"--model-root={self.model.parent}",
            f"--llama-server={script('get-llama-server')}",
            f"--state-dir={self.directory}/state",
            f"--memory-budget={self.budget}",
            f"--node-token-file={token}",
            "--stop-models-on-exit",
        )
        self.stack.callback(self.exporter.stop)
        self.exporter.start()
        self.ca, certificate, key = make_certificate(self.directory, days=90)
        self.webhook = Daemon(
            "headroom-webhook",
            self.directory,
            "--listen=127.0.0.1:0",
            f"--tls-cert={certificate}",
            f"--tls-key={key}",
            f"--nodes={self.exporter.url}/v1/node",
            f"--manifests={self.manifests}",
            f"--node-token-file={token}",
            "--shutdown-delay=0s",
        )
        self.stack.callback(self.webhook.stop)
        self.webhook.start()
        eventually(lambda: self.webhook.get("/readyz", ca=self.ca)[0] == 200, "webhook is ready")

    def _start_recorded_mac(self):
        self.mac = RecordedMac(("127.0.0.1", 0), RecordedPage)
        threading.Thread(target=self.mac.serve_forever, daemon=True).start()
        self.stack.callback(self.mac.shutdown)

    def _start_prometheus(self):
        self.port = free_ports(1)[0]
        config = self.directory / "prometheus.yml"
        config.write_text(json.dumps(self._scrapes()))
        with open(self.directory / "prometheus.log", "wb") as log:
            process = subprocess.Popen(
                [
                    "prometheus",
                    f"--config.file={config}",
                    f"--web.listen-address=127.0.0.1:{self.port}",
                    f"--storage.tsdb.path={self.directory}/tsdb",
                ],
                stdout=log,
                stderr=log,
            )
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)
        eventually(lambda: len(self.query("up == 1")) == 3, "all targets are scraped", 60)

    def _scrapes(self):
        def target(url, **labels):
            return {"targets": [urllib.parse.urlsplit(url).netloc], "labels": labels}

        macs = [
            target(self.exporter.url, instance=HERE),
            target(f"http://127.0.0.1:{self.mac.server_address[1]}", instance=RECORDED),
        ]
        return {
            "global": {"scrape_interval": "1s"},
            "rule_files": [str(ROOT / "charts" / "headroom" / "files" / "alerts.yaml")],
            "scrape_configs": [
                {"job_name": "headroom-exporter", "static_configs": macs},
                {
                    "job_name": "headroom-webhook",
                    "scheme": "https",
                    "tls_config": {"ca_file": str(self.ca)},
                    "static_configs": [target(self.webhook.url)],
                },
            ],
        }

    # --- the story -------------------------------------------------------------------------------

    def manifest(self, name, context):
        return MODEL.format(name=name, path=self.model, context=context)

    def headroom(self, command, manifests, *flags):
        """The finished process of `headroom apply` or `headroom delete`."""
        where = [f"--manifests={self.manifests}"]
        if command == "apply":
            where += [f"--webhook={self.webhook.url}", f"--webhook-ca={self.ca}"]
        return subprocess.run(
            [program("headroom"), command, "-f", "-", *where, *flags],
            input=manifests,
            capture_output=True,
            text=True,
            check=False,
        )

    def admit(self, name, context):
        done = self.headroom("apply", self.manifest(name, context))
        assert done.returncode == 0, done.stderr
        eventually(lambda: self.pid(name), f"{name} is ready", 60)

    def refuse(self, name, context):
        done = self.headroom("apply", self.manifest(name, context))
        assert done.returncode == 1 and "HR-10" in done.stderr, done.stderr

    def pid(self, name):
        """Of the llama-server that answers for the model; None while there is none."""
        models = json.loads(self.exporter.get("/v1/models")[1])["models"]
        ready = (m["pid"] for m in models if m["name"] == name and m["state"] == "ready")
        return next(ready, None)

    def crash(self, name):
        first = self.pid(name)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: self.pid(name) not in (None, first), f"{name} is ready again", 60)

    # --- what Prometheus has ---------------------------------------------------------------------

    def ask(self, path, **parameters):
        """The `data` of the answer of Prometheus' API."""
        url = f"http://127.0.0.1:{self.port}/api/v1/{path}?" + urllib.parse.urlencode(parameters)
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.loads(response.read())["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression):
        return self.ask("query", query=expression)["result"]

    def await_scrapes(self, count):
        """Until this machine was scraped so many times more: rates need samples after the events."""

        def scrapes():
            return int(self.query(f'count_over_time(up{{instance="{HERE}"}}[1h])')[0]["value"][1])

        seen = scrapes()
        eventually(lambda: scrapes() >= seen + count, f"{count} more scrapes", 30 + count)
