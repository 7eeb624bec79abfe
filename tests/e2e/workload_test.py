"""Objects in, a node's answer back, on a real API server: every field has its effect or is reported, an
edit restarts a server only where it must, a Secret's token stays with its host, and the status says
what the process is and does. The steps build on each other and run in the order of their names."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import namespace  # noqa: E402
from daemons import eventually, program  # noqa: E402
from file_host import FileHost  # noqa: E402
from macs import Cluster, exporter  # noqa: E402
from stand_in import write_stand_in  # noqa: E402

NODE = "mac-1"
ADDRESS = "10.200.7.2"

FETCHED = """
apiVersion: v1
kind: Secret
metadata: {{name: hub, namespace: default}}
stringData: {{HF_TOKEN: hf_secret}}
---
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: weights, namespace: default}}
spec:
  source: {source}
  files: [tiny.gguf]
  sourceSecretRef: {{name: hub}}
  hardware: {{accelerator: metal}}
---
apiVersion: inference.llmkube.dev/v1alpha1
kind: InferenceService
metadata: {{name: chat, namespace: default}}
spec:
  modelRef: weights
  nodeName: {node}
  contextSize: 512
  parallelSlots: 1
  image: example/llama
  tolerations: [{{operator: Exists}}]
  extraArgs: [--cache-ram, "0"]
"""

# As an older version of LLMKube's agent left it.
LEGACY = """
apiVersion: v1
kind: Endpoints
metadata: {name: chat, namespace: default, labels: {llmkube.ai/managed-by: metal-agent}}
subsets: [{addresses: [{ip: 10.9.9.9}], ports: [{port: 1}]}]
"""

STAND_IN = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: other, namespace: default}}
spec:
  source: o/r
  format: safetensors
  nodeName: {node}
  hardware: {{accelerator: metal, memoryBudget: 4Mi}}
  serving: {{runtime: vllm-metal}}
"""


class Workloads(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-e2e-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        gguf = cls.directory / "tiny.gguf"
        subprocess.run([program("make-gguf"), "tiny", gguf], check=True)
        cls.storage = FileHost(cls.directory, gguf.read_bytes())
        cls.hub = FileHost(cls.directory, b"")
        cls.hub.redirect_to = cls.storage.url
        cls.addClassCleanup(cls.hub.close)
        cls.addClassCleanup(cls.storage.close)
        cls.cluster = Cluster(cls.directory, ADDRESS)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.cluster.allow_macs(NODE)
        cls.cluster.kubectl("create", "role", "hub", "--verb=get", "--resource=secrets",
                            "--resource-name=hub")
        cls.cluster.kubectl("create", "rolebinding", "hub", "--role=hub",
                            f"--user=headroom:{NODE}")
        cls.exporter = exporter(
            cls.directory, NODE, ADDRESS, cls.cluster.user(f"headroom:{NODE}"),
            "--llama-server", os.environ["HEADROOM_E2E_LLAMA_SERVER"],
            "--server", f"vllm-metal={write_stand_in(cls.directory)}",
            "--source-ca", cls.hub.certificate, "--source-allow", f"127.0.0.1:{cls.hub.port}",
            "--source-allow", f"127.0.0.1:{cls.storage.port}",
            "--memory-watchdog-interval", "1s", "--stop-models-on-exit")
        cls.addClassCleanup(cls.exporter.stop, 60)
        cls.exporter.start()

    def patch(self, kind, name, text):
        self.cluster.kubectl("patch", kind, name, "--type=merge", "-p", text)

    def model(self, name):
        listed = json.loads(self.exporter.get("/v1/models")[1])["models"]
        return next((m for m in listed if m["name"] == name), None)

    def ready(self, name, pid=None):
        """The model, once it serves (as another process than `pid`)."""
        def served():
            model = self.model(name)
            good = model and model["state"] == "ready" and model["pid"] != pid
            return model if good else None

        try:
            return eventually(served, f"{name} is ready", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.exporter.log()}") from None

    def test_a_a_secrets_token_stays_with_its_host(self):
        self.cluster.kubectl("apply", "-f", "-", stdin=LEGACY)
        self.cluster.kubectl("apply", "-f", "-",
                             stdin=FETCHED.format(source=f"{self.hub.url}/o/r", node=NODE))
        self.ready("chat")
        self.assertEqual(set(self.hub.tokens), {"Bearer hf_secret"})
        self.assertEqual(set(self.storage.tokens), {None}, "not to where it was redirected")
        self.assertEqual(self.storage.ranges, [0])
        status = eventually(lambda: self.cluster.object("isvc", "chat")["status"], "status")
        self.assertEqual((status["phase"], status["readyReplicas"]), ("Ready", 1))
        self.assertTrue(status["endpoint"].startswith(f"http://{ADDRESS}:"))
        eventually(lambda: self.published() == ["service/chat",
                                                "endpointslice.discovery.k8s.io/chat"],
                   "the endpoint is published, and LLMKube's old one is gone")

    def published(self):
        """What leads to the service chat."""
        return self.cluster.kubectl("get", "service,endpointslice,endpoints", "chat", "-o", "name",
                                    "--ignore-not-found").stdout.split()

    def test_b_fields_without_effect_are_reported_once(self):
        ignored = self.cluster.condition("isvc", "chat", "FieldsIgnored")
        self.assertEqual(ignored["status"], "True")
        self.assertEqual([line.split(":")[0] for line in ignored["message"].splitlines()],
                         ["spec.image", "spec.tolerations"])
        events = eventually(lambda: self.cluster.events(reason="FieldsIgnored"), "the event")
        self.assertEqual([event["count"] for event in events], [1])
        self.assertIn("spec.image: a native process runs here", events[0]["message"])

    def test_c_an_edit_restarts_only_where_it_must(self):
        pid = self.model("chat")["pid"]
        for harmless in ('{"spec": {"priority": "high", "evictionProtection": true}}',
                         '{"metadata": {"labels": {"a": "b"}}}'):
            self.patch("isvc", "chat", harmless)
        self.patch("model", "weights", '{"spec": {"hardware": {"memoryBudget": "1Gi"}}}')
        self.patch("isvc", "chat", '{"spec": {"contextSize": 1024}}')
        restarted = self.ready("chat", pid)
        log = self.exporter.log_path.read_text()
        self.assertEqual(log.count('msg="llama-server started"'), 2, "one edit, one restart")
        self.assertEqual(restarted["restarts"], 1)

    def test_d_a_suspended_service_says_so(self):
        self.patch("isvc", "chat", '{"spec": {"suspend": true}}')
        eventually(lambda: self.cluster.object("isvc", "chat")["status"]["phase"] == "Suspended", "Suspended")
        available = self.cluster.condition("isvc", "chat", "Available")
        self.assertEqual((available["status"], available["reason"]), ("False", "Suspended"))
        self.assertIsNone(self.model("chat"))
        eventually(lambda: self.published() == [], "nothing leads there")
        self.patch("isvc", "chat", '{"spec": {"suspend": false, "replicas": 0}}')
        eventually(lambda: self.cluster.object("isvc", "chat")["spec"]["replicas"] == 0, "scaled to zero")
        self.patch("isvc", "chat", '{"spec": {"replicas": 1}}')
        self.ready("chat")
        eventually(lambda: len(self.published()) == 2, "it is published again")

    def test_e_the_status_says_what_the_process_uses(self):
        self.cluster.kubectl("apply", "-f", "-", stdin=STAND_IN.format(node=NODE))
        self.ready("other")
        status = eventually(lambda: self.cluster.condition("model", "other", "FootprintExceeded") and
                            self.cluster.object("model", "other")["status"], "the excess is reported", 30)
        serving = status["serving"]
        self.assertEqual(serving["footprintBytes"], 4 << 20)
        self.assertGreater(serving["process"]["footprintBytes"], 4 << 20)
        self.assertGreaterEqual(serving["process"]["residentBytes"],
                                serving["process"]["footprintBytes"] // 2)
        self.assertEqual(serving["node"], NODE)
        self.assertEqual(serving["restarts"], 0)
        self.assertRegex(serving["startedAt"], r"^\d{4}-\d\d-\d\dT[\d:]+Z$")
        events = eventually(lambda: self.cluster.events(reason="FootprintExceeded"), "the event")
        self.assertEqual([event["count"] for event in events], [1])
        self.assertIn("more than the 4.0 MiB it was admitted with", events[0]["message"])

    def test_f_an_idle_node_writes_no_status(self):
        def versions():
            return [self.cluster.object(kind, name)["metadata"]["resourceVersion"]
                    for kind, name in (("isvc", "chat"), ("model", "other"))]

        before = versions()
        samples = self.exporter.metrics()
        key = "headroom_watchdog_last_sample_timestamp_seconds"
        # Several readings of every process later.
        eventually(lambda: self.exporter.metrics()[key] > samples[key] + 4, "more readings")
        self.assertEqual(versions(), before)


if __name__ == "__main__":
    namespace.run(ADDRESS, llama_server=True)
