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
from controlplane import ControlPlane  # noqa: E402
from daemons import ROOT, Daemon, eventually, program, script  # noqa: E402
from file_host import FileHost  # noqa: E402
from stand_in import write_stand_in  # noqa: E402

NODE = "mac-1"
ADDRESS = "10.200.7.2"  # see main_job_test.py

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
        cls.cluster = ControlPlane(os.environ["HEADROOM_E2E_CONTROLPLANE"],
                                   cls.directory / "cluster",
                                   apiserver_args=[f"--advertise-address={ADDRESS}"])
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        crds = ROOT / "charts" / "headroom" / "files" / "crds"
        cls.cluster.kubectl("apply", "--server-side", "-f", crds)
        eventually(lambda: cls.cluster.kubectl("get", "models,inferenceservices",
                                               check=False).returncode == 0, "CRDs are served")
        cls.cluster.kubectl("apply", "-f", ROOT / "docs" / "examples" / "mac-rbac.yaml")
        cls.cluster.kubectl("create", "role", "hub", "--verb=get", "--resource=secrets",
                            "--resource-name=hub")
        cls.cluster.kubectl("create", "rolebinding", "hub", "--role=hub",
                            f"--user=headroom:{NODE}")
        cls.exporter = Daemon(
            "headroom-exporter", cls.directory, "--listen", f"{ADDRESS}:0", "--node-name", NODE,
            "--advertise-address", ADDRESS, "--model-host", ADDRESS,
            "--kubeconfig", cls.cluster.user(f"headroom:{NODE}"),
            "--state-dir", cls.directory / "state",
            "--llama-server", os.environ["HEADROOM_E2E_LLAMA_SERVER"],
            "--server", f"vllm-metal={write_stand_in(cls.directory)}",
            "--source-ca", cls.hub.certificate, "--source-allow", f"127.0.0.1:{cls.hub.port}",
            "--source-allow", f"127.0.0.1:{cls.storage.port}",
            "--memory-watchdog-interval", "1s", "--stop-models-on-exit")
        cls.addClassCleanup(cls.exporter.stop, 60)
        cls.exporter.start()

    def get(self, kind, name):
        return json.loads(self.cluster.kubectl("get", kind, name, "-o", "json").stdout)

    def condition(self, kind, name, wanted):
        found = self.get(kind, name).get("status", {}).get("conditions", [])
        return next((c for c in found if c["type"] == wanted), None)

    def events(self, reason):
        listed = json.loads(self.cluster.kubectl("get", "events", "-o", "json").stdout)["items"]
        return [event for event in listed if event["reason"] == reason]

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
        self.cluster.kubectl("apply", "-f", "-",
                             stdin=FETCHED.format(source=f"{self.hub.url}/o/r", node=NODE))
        self.ready("chat")
        self.assertEqual(set(self.hub.tokens), {"Bearer hf_secret"})
        self.assertEqual(set(self.storage.tokens), {None}, "not to where it was redirected")
        self.assertEqual(self.storage.ranges, [0])
        status = eventually(lambda: self.get("isvc", "chat")["status"], "status")
        self.assertEqual((status["phase"], status["readyReplicas"]), ("Ready", 1))
        self.assertTrue(status["endpoint"].startswith(f"http://{ADDRESS}:"))

    def test_b_fields_without_effect_are_reported_once(self):
        ignored = self.condition("isvc", "chat", "FieldsIgnored")
        self.assertEqual(ignored["status"], "True")
        self.assertEqual([line.split(":")[0] for line in ignored["message"].splitlines()],
                         ["spec.image", "spec.tolerations"])
        events = eventually(lambda: self.events("FieldsIgnored"), "the event")
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
        eventually(lambda: self.get("isvc", "chat")["status"]["phase"] == "Suspended", "Suspended")
        available = self.condition("isvc", "chat", "Available")
        self.assertEqual((available["status"], available["reason"]), ("False", "Suspended"))
        self.assertIsNone(self.model("chat"))
        self.patch("isvc", "chat", '{"spec": {"suspend": false, "replicas": 0}}')
        eventually(lambda: self.get("isvc", "chat")["spec"]["replicas"] == 0, "scaled to zero")
        self.patch("isvc", "chat", '{"spec": {"replicas": 1}}')
        self.ready("chat")

    def test_e_the_status_says_what_the_process_uses(self):
        self.cluster.kubectl("apply", "-f", "-", stdin=STAND_IN.format(node=NODE))
        self.ready("other")
        status = eventually(lambda: self.condition("model", "other", "FootprintExceeded") and
                            self.get("model", "other")["status"], "the excess is reported", 30)
        serving = status["serving"]
        self.assertEqual(serving["footprintBytes"], 4 << 20)
        self.assertGreater(serving["process"]["footprintBytes"], 4 << 20)
        self.assertGreaterEqual(serving["process"]["residentBytes"],
                                serving["process"]["footprintBytes"] // 2)
        self.assertEqual(serving["node"], NODE)
        self.assertEqual(serving["restarts"], 0)
        self.assertRegex(serving["startedAt"], r"^\d{4}-\d\d-\d\dT[\d:]+Z$")
        events = eventually(lambda: self.events("FootprintExceeded"), "the event")
        self.assertEqual([event["count"] for event in events], [1])
        self.assertIn("more than the 4.0 MiB it was admitted with", events[0]["message"])

    def test_f_an_idle_node_writes_no_status(self):
        def versions():
            return [self.get(kind, name)["metadata"]["resourceVersion"]
                    for kind, name in (("isvc", "chat"), ("model", "other"))]

        before = versions()
        samples = self.exporter.metrics()
        key = "headroom_watchdog_last_sample_timestamp_seconds"
        # Several readings of every process later.
        eventually(lambda: self.exporter.metrics()[key] > samples[key] + 4, "more readings")
        self.assertEqual(versions(), before)


def enter_namespace():
    """Obtains what needs the network, then starts this program again in a namespace of its own."""
    os.environ["HEADROOM_E2E_LLAMA_SERVER"] = script("get-llama-server")
    os.environ["HEADROOM_E2E_CONTROLPLANE"] = script("get-controlplane")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", *as_root, sys.executable, *sys.argv])


if __name__ == "__main__":
    if "HEADROOM_E2E_CONTROLPLANE" not in os.environ:
        enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)
    unittest.main(verbosity=2, failfast=True)
