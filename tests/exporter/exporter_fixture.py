"""An exporter with manifests in a folder, real model servers, and what tests ask them. A test file is
run as: FILE EXPORTER MAKE_GGUF LLAMA_SERVER
"""

import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request

EXPORTER, MAKE_GGUF, LLAMA_SERVER = sys.argv[1:4]
MODEL_PORTS = os.environ.get("HEADROOM_TEST_PORTS", "21900-21999")

MANIFEST = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: file://{path}
  hardware: {{accelerator: metal}}
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0{more}}}
"""


def eventually(condition, what, seconds=30):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"not within {seconds} s: {what}")


def fetch(url, token=None, data=None):
    """(status, body) of a request."""
    request = urllib.request.Request(url, data=data)
    if token:
        request.add_header("Authorization", "Bearer " + token)
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read(), dict(response.headers)
    except urllib.error.HTTPError as error:
        return error.code, error.read(), dict(error.headers)


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class ExporterTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)  # after everything else
        self.root = pathlib.Path(directory.name)
        self.manifests = self.root / "manifests"
        self.manifests.mkdir()
        self.models = self.root / "models"
        self.models.mkdir()
        self.gguf = self.models / "tiny.gguf"
        subprocess.run([MAKE_GGUF, "tiny", self.gguf], check=True)
        self.processes = []
        self.children = set()
        self.url = ""

    def tearDown(self):
        for process in self.processes:
            if process.poll() is None:
                process.kill()
            process.wait()
        for pid in self.children:
            if alive(pid):
                os.kill(pid, signal.SIGKILL)

    def start(self, *args, state="state", llama=LLAMA_SERVER):
        log = open(self.root / "log", "w+", encoding="utf-8")
        self.addCleanup(log.close)
        process = subprocess.Popen(
            [EXPORTER, "--listen", "127.0.0.1:0", "--manifests", self.manifests, "--state-dir",
             self.root / state, "--llama-server", llama, "--model-ports", MODEL_PORTS, *args],
            stderr=log)
        self.processes.append(process)

        def listening():
            self.assertIsNone(process.poll(), (self.root / "log").read_text())
            return re.search(r"url=(http://\S+)", (self.root / "log").read_text())

        self.url = eventually(listening, "the exporter listens")[1]
        return process

    def apply(self, name="tiny", context=512, more="", path=None):
        text = MANIFEST.format(name=name, path=path or self.gguf, context=context, more=more)
        (self.manifests / f"{name}.yaml").write_text(text)

    def model(self, name="tiny"):
        listed = json.loads(fetch(self.url + "/v1/models")[1])["models"]
        found = next((m for m in listed if m["name"] == name), None)
        if found and found["pid"]:
            self.children.add(found["pid"])
        return found

    def until(self, state, name="tiny", seconds=60, **fields):
        def reached():
            model = self.model(name)
            good = model and model["state"] == state
            return model if good and all(model[k] != v for k, v in fields.items()) else None

        return eventually(reached, f"{name} is {state}", seconds)
