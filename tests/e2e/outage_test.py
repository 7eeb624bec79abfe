#!/usr/bin/env python3
"""A node of a real cluster that loses what it relies on: the API server, its credentials, the history of
its watches, its Node object, its clock, its exporter, and the race for a write. Two models run on it, one bound to it by name and one that any node may run: the
second must never run when another node could have taken it over. The llama-server is a stand-in. The
steps build on each other and run in the order of their names."""

import json
import os
import pathlib
import re
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import namespace  # noqa: E402
from daemons import Clock, eventually, program  # noqa: E402
from macs import EXAMPLES, exporter, kill_servers, servers, set_up  # noqa: E402

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


class Meddler(threading.Thread):
    """Writes an annotation of a model as often as it can."""

    def __init__(self, cluster, model):
        super().__init__()
        self.cluster = cluster
        self.path = f"/apis/inference.llmkube.dev/v1alpha1/namespaces/default/models/{model}"
        self.ended = threading.Event()

    def __enter__(self):
        self.start()

    def __exit__(self, *_):
        self.ended.set()
        self.join()

    def run(self):
        connection = self.cluster.connection()
        count = 0
        while not self.ended.is_set():
            count += 1
            connection.request("PATCH", self.path, json.dumps(
                {"metadata": {"annotations": {"meddler": str(count)}}}),
                               {"Content-Type": "application/merge-patch+json"})
            connection.getresponse().read()
        connection.close()


class Outage(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        set_up(cls, "tiny", ADDRESS)
        cls.make_account()
        cls.clock = Clock(cls.directory / "clock")
        cls.exporter = exporter(
            cls.directory, NODE, ADDRESS, cls.directory / "kubeconfig",
            "--llama-server", program("stand-in-server"), "--lease-duration", f"{LEASE_SECONDS}s",
            env=cls.clock.env)
        cls.addClassCleanup(cls.kill_everything)
        cls.exporter.start()
        cls.started = time.monotonic()

    @classmethod
    def make_account(cls):
        """A service account with the rights of mac-rbac.yaml, so that its token can become invalid."""
        cls.cluster.kubectl("create", "serviceaccount", NODE)
        user = '{apiGroup: rbac.authorization.k8s.io, kind: User, name: "headroom:mac-1"}'
        rbac = (EXAMPLES / "mac-rbac.yaml").read_text()
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
    def kill_everything(cls):
        cls.exporter.kill()
        kill_servers(cls.directory / "state")

    def pid(self, name):
        pids = servers(self.directory / "state").get(f"Model/default/{name}", [])
        self.assertLessEqual(len(pids), 1, f"{name} runs twice")
        return pids[0] if pids else 0

    def phase(self, name):
        model = self.cluster.object("model", name)
        return model.get("status", {}).get("serving", {}).get("phase")

    def lease(self):
        return self.cluster.object("lease", NODE, "-n", "kube-node-lease")["spec"]

    def soon(self, condition, what, seconds=60):
        """eventually(), with the exporter's log where it does not come true."""
        try:
            return eventually(condition, what, seconds, 0.3)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.exporter.log()}") from None

    def both_ready(self, seconds=40):
        def ready():
            return all(self.pid(name) and self.phase(name) == "Ready" for name in ("bound", "free"))

        self.soon(ready, "both models are ready", seconds)
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
        self.bind("more")
        eventually(registered, "the Node is registered again", 90, 0.5)
        # The old Lease goes with the old Node; the next renewal makes a new one.
        self.soon(lambda: self.lease()["leaseDurationSeconds"] == LEASE_SECONDS, "its Lease is back")
        self.assertEqual(self.both_ready(), before)

    def bind(self, name):
        self.cluster.kubectl("apply", "-f", "-", stdin=MODEL.format(
            name=name, path=self.model_file, target=f"nodeName: {NODE}"))

    def test_e_what_its_watch_would_tell_is_forgotten(self):
        """Stopped, it misses a deletion; the API server, started anew, has no version so old (410)."""
        bound, _ = self.both_ready()
        relists = 'headroom_feed_relists_total{kind="Model"}'
        before = self.exporter.metrics()[relists]
        self.exporter.process.send_signal(signal.SIGSTOP)
        self.cluster.stop_component("kube-apiserver")
        self.cluster.start_apiserver()
        self.cluster.kubectl("delete", "model", "more")
        self.bind("later")
        self.exporter.process.send_signal(signal.SIGCONT)
        self.soon(lambda: self.pid("later") and not self.pid("more"), "it knows what it missed")
        self.assertGreater(self.exporter.metrics()[relists], before)
        self.assertEqual(self.both_ready()[0], bound)

    def conflicts(self):
        _, page = self.cluster.get("/metrics")
        found = re.findall(r'apiserver_request_total\{code="409",[^}]*resource="models",[^}]*'
                           r'verb="PATCH",[^}]*\} (\d+)', page)
        return sum(map(int, found))

    def test_f_its_claim_meets_another_writer(self):
        """Who writes the object all the time, so that a claim is decided on what is old by then (409)."""
        before = self.conflicts()
        self.bind("contended")
        with Meddler(self.cluster, "contended"):
            self.soon(lambda: self.conflicts() > before, "a write of the exporter's was refused")
        self.soon(lambda: self.phase("contended") == "Ready", "it is served in the end")
        self.assertTrue(self.pid("contended"))
        annotations = self.cluster.object("model", "contended")["metadata"]["annotations"]
        self.assertEqual(annotations["headroom.dev/claimed-by"], NODE)
        self.assertIn("meddler", annotations)

    def test_g_its_clock_jumps(self):
        """By a day, and back: nobody compares it with another, so nothing stops and models start."""
        before = self.both_ready()
        for offset, name in (("+1d", "tomorrow"), ("+0", "today")):
            self.clock.set(offset)
            last = self.lease()["renewTime"]
            self.bind(name)
            self.soon(lambda: self.phase(name) == "Ready", f"{name} is served")
            eventually(lambda: self.lease()["renewTime"] != last, "the Lease is renewed", LEASE_SECONDS)
            time.sleep(0.7 * LEASE_SECONDS)  # longer than it would take to be stopped
            self.assertEqual(self.both_ready(), before)

    def test_h_the_exporter_is_killed_and_stays_away(self):
        bound, _ = self.both_ready()
        self.exporter.kill()
        self.free_stops_in_time(bound)
        self.exporter.start()
        self.assertEqual(self.both_ready()[0], bound)

    def test_z_no_flood_of_events(self):
        minutes = (time.monotonic() - self.started) / 60
        for name in ("bound", "free", "contended"):
            written = sum(event.get("count") or 1 for event in self.cluster.events(name))
            self.assertLessEqual(written, 10 * (minutes + 1), name)


if __name__ == "__main__":
    namespace.run(ADDRESS)
