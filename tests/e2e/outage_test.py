#!/usr/bin/env python3
"""A node of a real cluster that loses what it relies on: the API server, its credentials, its Node
object, its exporter. Two models run on it, one bound to it by name and one that any node may run: the
second must never run when another node could have taken it over. The llama-server is a stand-in. The
steps build on each other and run in the order of their names."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from controlplane import ControlPlane  # noqa: E402
from daemons import ROOT, Daemon, eventually, program, script  # noqa: E402

NODE, ADDRESS = "mac-1", "10.200.7.4"
LEASE_SECONDS = 10

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  {target}
  serving: {{contextSize: 512, parallelSlots: 1, promptCacheMiB: 0}}
"""


class Outage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-outage-")).resolve()
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.model_file = cls.directory / "tiny.gguf"
        subprocess.run([program("make-gguf"), "tiny", cls.model_file], check=True)
        cls.cluster = ControlPlane(os.environ["HEADROOM_E2E_CONTROLPLANE"],
                                   cls.directory / "cluster",
                                   apiserver_args=[f"--advertise-address={ADDRESS}"])
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        crds = ROOT / "charts" / "headroom" / "files" / "crds"
        cls.cluster.kubectl("apply", "--server-side", "-f", crds)
        eventually(lambda: cls.cluster.kubectl("get", "models", check=False).returncode == 0,
                   "CRDs are served")
        cls.make_account()
        cls.exporter = Daemon(
            "headroom-exporter", cls.directory, "--listen", f"{ADDRESS}:0", "--node-name", NODE,
            "--advertise-address", ADDRESS, "--model-host", ADDRESS, "--model-ports", "23000-23099",
            "--kubeconfig", cls.directory / "kubeconfig", "--state-dir", cls.directory / "state",
            "--llama-server", program("stand-in-server"), "--lease-duration", f"{LEASE_SECONDS}s")
        cls.addClassCleanup(cls.kill_everything)
        cls.exporter.start()
        cls.started = time.monotonic()

    @classmethod
    def make_account(cls):
        """A service account with the rights of mac-rbac.yaml, so that its token can become invalid."""
        cls.cluster.kubectl("create", "serviceaccount", NODE)
        user = '{apiGroup: rbac.authorization.k8s.io, kind: User, name: "headroom:mac-1"}'
        rbac = (ROOT / "docs" / "examples" / "mac-rbac.yaml").read_text()
        assert user in rbac
        cls.cluster.kubectl("apply", "-f", "-", stdin=rbac.replace(
            user, f"{{kind: ServiceAccount, name: {NODE}, namespace: default}}"))
        cls.token = cls.directory / "token"
        cls.token.write_text(cls.cluster.kubectl("create", "token", NODE).stdout)
        (cls.directory / "kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {
                "server": cls.cluster.url, "certificate-authority": str(cls.cluster.ca)}}],
            "users": [{"name": "test", "user": {"tokenFile": str(cls.token)}}]}))

    @classmethod
    def servers(cls):
        """{workload: [pid]} of the servers that live."""
        found = {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if not entry.name.isdigit():
                    continue
                environment = (entry / "environ").read_bytes().split(b"\0")
                command = (entry / "cmdline").read_bytes().split(b"\0")[0]
            except OSError:
                continue
            values = dict(one.partition(b"=")[::2] for one in environment)
            ours = values.get(b"HEADROOM_CHILD_OF", b"").decode() == str(cls.directory / "state")
            if ours and command.endswith(b"stand-in-server"):
                found.setdefault(values[b"HEADROOM_WORKLOAD"].decode(), []).append(int(entry.name))
        return found

    @classmethod
    def kill_everything(cls):
        cls.exporter.kill()
        for pids in cls.servers().values():
            for pid in pids:
                os.kill(pid, signal.SIGKILL)

    def pid(self, name):
        pids = self.servers().get(f"Model/default/{name}", [])
        self.assertLessEqual(len(pids), 1, f"{name} runs twice")
        return pids[0] if pids else 0

    def phase(self, name):
        model = json.loads(self.cluster.kubectl("get", "model", name, "-o", "json").stdout)
        return model.get("status", {}).get("serving", {}).get("phase")

    def both_ready(self, seconds=40):
        def ready():
            return all(self.pid(name) and self.phase(name) == "Ready" for name in ("bound", "free"))

        try:
            eventually(ready, "both models are ready", seconds, 0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.exporter.log()}") from None
        return self.pid("bound"), self.pid("free")

    def free_stops_in_time(self, bound):
        """Before its Lease can have ended for anybody else; what is bound runs on."""
        begun = time.monotonic()
        eventually(lambda: self.pid("free") == 0, "free is stopped", LEASE_SECONDS, 0.05)
        print(f"free stopped after {time.monotonic() - begun:.1f} s of {LEASE_SECONDS} s", flush=True)
        self.assertEqual(self.pid("bound"), bound)

    def test_a_both_are_served(self):
        for name, target in (("bound", f"nodeName: {NODE}"),
                             ("free", 'nodeSelector: {headroom.dev/registered: "true"}')):
            self.cluster.kubectl("apply", "-f", "-", stdin=MODEL.format(
                name=name, path=self.model_file, target=target))
        self.both_ready()

    def test_b_the_api_server_is_away(self):
        bound = self.pid("bound")
        self.cluster.stop_component("kube-apiserver")
        self.free_stops_in_time(bound)
        os.kill(bound, signal.SIGKILL)
        again = eventually(lambda: self.pid("bound") not in (0, bound) and self.pid("bound"),
                           "what is bound is started again without the API server")
        time.sleep(3)
        self.assertEqual((self.pid("bound"), self.pid("free")), (again, 0))
        self.cluster.start_apiserver()
        self.assertEqual(self.both_ready()[0], again)

    def test_c_the_token_is_no_longer_valid(self):
        bound = self.pid("bound")
        valid = self.token.read_text()
        self.token.write_text("expired")
        self.free_stops_in_time(bound)
        self.token.write_text(valid)
        self.assertEqual(self.both_ready()[0], bound)

    def test_d_the_node_object_is_deleted(self):
        before = self.both_ready()
        uid = self.cluster.kubectl("get", "node", NODE, "-o", "jsonpath={.metadata.uid}").stdout
        self.cluster.kubectl("delete", "node", NODE)

        def registered():
            done = self.cluster.kubectl("get", "node", NODE, "-o", "jsonpath={.metadata.uid}",
                                        check=False)
            return done.returncode == 0 and done.stdout != uid

        # The exporter sees it with the next thing it has to write: that a model more is committed.
        self.cluster.kubectl("apply", "-f", "-", stdin=MODEL.format(
            name="more", path=self.model_file, target=f"nodeName: {NODE}"))
        eventually(registered, "the Node is registered again", 90, 0.5)
        lease = json.loads(self.cluster.kubectl("get", "lease", NODE, "-n", "kube-node-lease", "-o",
                                                "json").stdout)
        self.assertEqual(lease["spec"]["leaseDurationSeconds"], LEASE_SECONDS)
        self.assertEqual(self.both_ready(), before)

    def test_e_the_exporter_is_killed_and_stays_away(self):
        bound, _ = self.both_ready()
        self.exporter.kill()
        self.free_stops_in_time(bound)
        self.exporter.start()
        self.assertEqual(self.both_ready()[0], bound)

    def test_f_no_flood_of_events(self):
        minutes = (time.monotonic() - self.started) / 60
        events = json.loads(self.cluster.kubectl("get", "events", "-o", "json").stdout)["items"]
        for name in ("bound", "free"):
            written = sum(event.get("count") or 1 for event in events
                          if event["involvedObject"]["name"] == name)
            self.assertLessEqual(written, 10 * (minutes + 1), name)


def enter_namespace():
    os.environ["HEADROOM_E2E_CONTROLPLANE"] = script("get-controlplane")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", "--net", *as_root, sys.executable, *sys.argv])


if __name__ == "__main__":
    if "HEADROOM_E2E_CONTROLPLANE" not in os.environ:
        enter_namespace()
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"], check=True)
    unittest.main(verbosity=2, failfast=True)
