"""The command line against a real API server: a Mac joins with headroom join, headroom-exporter runs
under the identity it was given, and what it must not touch is refused; then the commands that look at
a fleet, also as a plugin of the real kubectl. The steps build on each other, in the order of their
names."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from controlplane import ControlPlane  # noqa: E402
from daemons import ROOT, Daemon, eventually, program, script  # noqa: E402

NODE = "mac-1"

# kvheavy has 16 KiB of KV cache a token: 1,048,576 tokens are 16 GiB, 4,096 are 64 MiB.
MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  nodeName: {node}
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""


class CommandLine(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-cli-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.model_file = cls.directory / "models" / "kvheavy.gguf"
        cls.model_file.parent.mkdir()
        subprocess.run([program("make-gguf"), "kvheavy", cls.model_file], check=True)
        binaries = os.environ.get("HEADROOM_E2E_CONTROLPLANE") or script("get-controlplane")
        pki = cls.directory / "cluster" / "pki"
        cls.cluster = ControlPlane(binaries, cls.directory / "cluster", manager_args=[
            "--controllers=certificatesigningrequest-signing-controller",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key"])
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start()
        cls.cluster.kubectl("apply", "--server-side", "-f",
                            ROOT / "charts" / "headroom" / "files" / "crds")
        eventually(lambda: cls.cluster.kubectl("get", "models,inferenceservices",
                                               check=False).returncode == 0, "CRDs are served")

    # --- helpers ---------------------------------------------------------------------------------

    def headroom(self, *args, code=0, stdin=None):
        done = subprocess.run([program("headroom"), *map(str, args)], input=stdin, text=True,
                              capture_output=True, cwd=self.directory, timeout=60, check=False,
                              env={**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig)})
        self.assertEqual(done.returncode, code, f"{args}\n{done.stdout}{done.stderr}")
        return done

    def as_mac(self, *args, mac=NODE):
        """kubectl under the identity that the Mac was given."""
        return self.cluster.kubectl(*args, kubeconfig=self.directory / mac / "kubeconfig",
                                    check=False)

    def assert_refused(self, *args):
        done = self.as_mac(*args)
        self.assertNotEqual(done.returncode, 0, f"{args} was not refused")
        self.assertIn("orbidden", done.stderr)

    def manifest(self, name, context):
        return MODEL.format(name=name, path=self.model_file, node=NODE, context=context)

    # --- the steps -------------------------------------------------------------------------------

    def test_a_a_mac_joins(self):
        done = self.headroom("join", NODE, "--duration", "1h")
        self.assertIn("clusterrole headroom-exporter-mac-1 created", done.stderr)
        self.assertIn("certificate good until", done.stdout)
        folder = self.directory / NODE
        self.assertEqual({one.name for one in folder.iterdir()},
                         {"kubeconfig", "client.pem", "ca.crt"})
        self.assertEqual((folder / "client.pem").stat().st_mode & 0o777, 0o600)
        who = json.loads(self.as_mac("auth", "whoami", "-o", "json").stdout)
        self.assertEqual(who["status"]["userInfo"]["username"], "headroom:mac-1")
        self.assertNotIn("system:masters", who["status"]["userInfo"]["groups"])

    def test_b_the_identity_is_enough_for_the_exporter(self):
        cls = type(self)
        cls.exporter = Daemon(
            "headroom-exporter", self.directory, "--listen", "127.0.0.1:0", "--node-name", NODE, "--stop-models-on-exit",
            "--advertise-address", "127.0.0.1", "--kubeconfig", self.directory / NODE / "kubeconfig",
            "--memory-budget", "1Gi", "--state-dir", self.directory / "state",
            "--llama-server",
            os.environ.get("HEADROOM_E2E_LLAMA_SERVER") or script("get-llama-server"))
        self.addClassCleanup(cls.exporter.kill)
        # Its models end with it.
        self.addClassCleanup(cls.exporter.stop)
        cls.exporter.start()

        def listed():
            nodes = json.loads(self.headroom("nodes", "-o", "json").stdout)
            return [one for one in nodes if one["name"] == NODE and one["status"] == "Ready"]

        node, = eventually(listed, "headroom nodes lists the Mac as Ready")
        self.assertEqual(node["budget"], 1 << 30)
        lease = self.as_mac("get", "lease", NODE, "-n", "kube-node-lease", "-o", "json")
        self.assertEqual(json.loads(lease.stdout)["spec"]["holderIdentity"], NODE)

    def test_c_another_node_is_out_of_reach(self):
        self.cluster.kubectl("apply", "-f", "-", stdin="""
apiVersion: v1
kind: Node
metadata: {name: mac-2}
---
apiVersion: coordination.k8s.io/v1
kind: Lease
metadata: {name: mac-2, namespace: kube-node-lease}
spec: {holderIdentity: mac-2}
""")
        own = self.as_mac("annotate", "node", NODE, "headroom.dev/probe=1")
        self.assertEqual(own.returncode, 0, own.stderr)
        taint = '{"spec": {"unschedulable": true}}'
        self.assert_refused("patch", "node", "mac-2", "--type=merge", "-p", taint)
        self.assert_refused("patch", "node", "mac-2", "--subresource=status", "--type=merge", "-p",
                            '{"status": {"capacity": {"memory": "1Ti"}}}')
        self.assert_refused("patch", "lease", "mac-2", "-n", "kube-node-lease", "--type=merge", "-p",
                            '{"spec": {"holderIdentity": "mac-1"}}')
        self.assert_refused("delete", "node", "mac-2")
        self.assert_refused("delete", "node", NODE)
        self.assert_refused("get", "secrets", "-A")
        self.assert_refused("get", "pods", "-A")
        self.assert_refused("create", "clusterrolebinding", "more", "--clusterrole=cluster-admin",
                            "--user=headroom:mac-1")
        self.assert_refused("get", "certificatesigningrequests")

    def test_d_joining_again_renews(self):
        before = (self.directory / NODE / "client.pem").read_text()
        done = self.headroom("join", NODE, "--duration", "1h")
        self.assertIn("clusterrole headroom-exporter-mac-1 configured", done.stderr)
        self.assertNotEqual((self.directory / NODE / "client.pem").read_text(), before)
        self.assertEqual(self.as_mac("get", "node", NODE).returncode, 0)

    def test_e_a_token_does_as_well(self):
        self.cluster.kubectl("create", "namespace", "headroom-system")
        self.headroom("join", "mac-2", "--credential", "token", "--duration", "1h")
        who = json.loads(self.as_mac("auth", "whoami", "-o", "json", mac="mac-2").stdout)
        self.assertEqual(who["status"]["userInfo"]["username"],
                         "system:serviceaccount:headroom-system:headroom-mac-mac-2")
        self.assertEqual(self.as_mac("annotate", "node", "mac-2", "headroom.dev/probe=1",
                                     mac="mac-2").returncode, 0)
        refused = self.as_mac("annotate", "node", NODE, "headroom.dev/probe=2", "--overwrite",
                              mac="mac-2")
        self.assertIn("orbidden", refused.stderr)

    def test_f_check_against_the_cluster(self):
        done = self.headroom("check", "-f", "-", stdin=self.manifest("small", 4096))
        self.assertIn("Model default/small: allowed", done.stdout)
        done = self.headroom("check", "-f", "-", stdin=self.manifest("huge", 1048576), code=1)
        self.assertIn("[HR-102] Model default/huge needs", done.stdout)

    def test_g_status_events_and_why(self):
        # No webhook is installed, so the object comes in and the node itself refuses to run it.
        self.cluster.kubectl("apply", "-f", "-", stdin=self.manifest("huge", 1048576))

        def told():
            events = self.headroom("events").stdout
            return events if "InsufficientMemory" in events else None

        try:
            events = eventually(told, "headroom events tells that the model does not fit", 45)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.exporter.log()}") from None
        self.assertIn("Model default/huge", events)
        status = json.loads(self.headroom("status", "huge", "-o", "json").stdout)
        self.assertEqual(status[0]["phase"], "WaitingForMemory")
        self.assertIn("Model default/huge needs", self.headroom("status", "huge").stdout)
        why = self.headroom("why", "huge", code=1)
        self.assertIn("would be denied", why.stdout)
        self.assertIn("Would fit", why.stdout)
        top = json.loads(self.headroom("top", "-o", "json").stdout)
        mac = next(one for one in top if one["node"] == NODE)
        self.assertEqual(sum(mac["parts"].values()), mac["total"])

    def test_h_deploy_makes_what_fits_and_refuses_the_rest(self):
        self.cluster.kubectl("delete", "model", "huge")
        wishes = ("--cache-ram", 0, "--parallel", 1, "--node", NODE)
        done = self.headroom("deploy", "chat", self.model_file, "--context", 4096, *wishes)
        self.assertEqual(done.stdout, "model chat created\ninferenceservice chat created\n")
        service = json.loads(self.cluster.kubectl("get", "inferenceservice", "chat", "-o",
                                                  "json").stdout)
        self.assertEqual(service["spec"]["contextSize"], 4096)
        done = self.headroom("deploy", "more", self.model_file, "--context", 1048576, *wishes, code=1)
        self.assertIn("Error: insufficient memory for more", done.stderr)
        self.assertIn("Available budget:", done.stderr)
        self.assertNotEqual(self.cluster.kubectl("get", "model", "more", check=False).returncode, 0)

    def test_i_the_doctor_examines_the_cluster(self):
        done = self.headroom("doctor", "--cluster", code=1)
        self.assertIn("failure  webhook: no configuration calls fit.headroom.dev", done.stdout)
        self.assertIn("CRD: models.inference.llmkube.dev is served", done.stdout)
        self.assertIn("may list nodes", done.stdout)
        mac = self.directory / NODE / "kubeconfig"
        done = self.headroom("doctor", "--kubeconfig", mac, "--node", NODE, code=1)
        self.assertNotIn("may not", done.stdout)
        self.assertIn(f"may patch nodes/status {NODE}", done.stdout)
        done = self.headroom("doctor", "--kubeconfig", mac, "--node", "mac-2", code=1)
        self.assertIn("may not patch nodes mac-2", done.stdout)
        self.assertIn("may not update leases mac-2", done.stdout)

    def test_j_as_a_plugin_of_kubectl(self):
        plugins = self.directory / "plugins"
        plugins.mkdir()
        (plugins / "kubectl-headroom").symlink_to(program("headroom"))
        environment = {**os.environ, "KUBECONFIG": str(self.cluster.kubeconfig),
                       "PATH": f"{plugins}:{os.environ['PATH']}"}
        done = subprocess.run([self.cluster.binaries / "kubectl", "headroom", "nodes"], text=True,
                              capture_output=True, env=environment, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(NODE, done.stdout)
        done = subprocess.run([self.cluster.binaries / "kubectl", "headroom", "--help"], text=True,
                              capture_output=True, env=environment, timeout=60, check=False)
        self.assertIn("Usage: kubectl headroom COMMAND", done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
