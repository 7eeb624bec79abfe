"""Two replicas of the webhook and 100 creates at once, on a node that really runs them; and that
nothing of ours holds up the deletion of anything."""

import concurrent.futures
import json
import unittest

from admission_lab import MIB, eventually

CREATES = 100
ONE = 16384  # tokens; 0.3 GiB with the rest, and the node gives 512 MiB


class Races(unittest.TestCase):
    lab = None  # set by the program

    @classmethod
    def setUpClass(cls):
        def published():
            node = cls.get_node()
            return "headroom.dev/memory-budget" in node["metadata"].get("annotations", {})

        eventually(published, "the node publishes itself", 60)
        eventually(lambda: cls.lab.apply(cls.lab.model("probe", ONE, nodeName="mac-1"),
                                         "--dry-run=server").returncode == 0,
                   "the webhooks know the node")

    @classmethod
    def get_node(cls):
        return cls.lab.request("GET", "/api/v1/nodes/mac-1")[1]

    def models(self):
        path = "/apis/inference.llmkube.dev/v1alpha1/namespaces/race/models"
        return self.lab.request("GET", path)[1]["items"]

    def test_a_hundred_creates_at_two_replicas(self):
        lab = self.lab
        lab.cluster.kubectl("create", "namespace", "race")

        def create(number):
            return lab.create(lab.model(f"m{number}", ONE, namespace="race", nodeName="mac-1"))

        with concurrent.futures.ThreadPoolExecutor(CREATES) as pool:
            answers = list(pool.map(create, range(CREATES)))
        codes = [status for status, _ in answers]
        self.assertEqual(set(codes) - {201, 403}, set(),
                         [body for status, body in answers if status not in (201, 403)][:1])
        asked = [webhook.metrics(ca=lab.ca) for webhook in lab.webhooks]
        answered = [sum(value for key, value in samples.items()
                        if key.startswith("headroom_webhook_decisions_total")) for samples in asked]
        self.assertTrue(all(answered), f"both replicas were asked: {answered}")
        admitted = codes.count(201)
        self.assertGreaterEqual(admitted, 1)
        self.assertLessEqual(admitted, 2, "at most one more than fits, for two replicas")

        def settled():
            """Every admitted model is claimed and running, or refused by its node."""
            phases = [item.get("status", {}).get("serving", {}).get("phase", "")
                      for item in self.models()]
            return phases if phases.count("Ready") == 1 and "" not in phases else None

        phases = eventually(settled, "one model runs", 60)
        annotations = self.get_node()["metadata"]["annotations"]
        budget = int(annotations["headroom.dev/memory-budget"])
        committed = int(annotations["headroom.dev/memory-committed"])
        print(f"\n  {CREATES} concurrent creates, one fits: {admitted} admitted "
              f"({admitted - 1} by a race); node: {committed // MIB} MiB committed of "
              f"{budget // MIB} MiB, phases {phases}", flush=True)
        self.assertLessEqual(committed, budget)
        lab.cluster.kubectl("delete", "models", "--all", "-n", "race", "--timeout=30s")

    def test_deletion_is_never_blocked(self):
        """Last of all tests of a process: it takes the webhooks away."""
        lab = self.lab
        lab.node("doomed", budget=2048 * MIB)
        lab.cluster.kubectl("create", "namespace", "leaving")
        held = lab.model("held", ONE, namespace="leaving", nodeName="doomed")
        held["metadata"]["finalizers"] = ["example.com/held"]
        eventually(lambda: lab.apply(held).returncode == 0, "the node is known")
        lab.apply(lab.model("plain", ONE, namespace="leaving", nodeName="doomed"), check=True)
        path = "/apis/inference.llmkube.dev/v1alpha1/namespaces/leaving/models/"
        # The node shrinks below what it holds: over budget is no reason to keep an object.
        lab.node("doomed", budget=MIB)
        lab.cluster.kubectl("delete", "model", "held", "-n", "leaving", "--wait=false")
        self.assertEqual(self.unhold("held").returncode, 0)
        self.assertEqual(lab.request("GET", path + "held")[0], 404)
        # With no webhook there at all, and failurePolicy Fail:
        lab.node("doomed", budget=2048 * MIB)
        eventually(lambda: lab.apply(held).returncode == 0, "the node is large again")
        for webhook in lab.webhooks:
            webhook.kill()
        self.assertIn("failed calling webhook", lab.apply(
            lab.model("new", ONE, namespace="leaving", nodeName="doomed")).stderr)
        lab.cluster.kubectl("delete", "model", "plain", "-n", "leaving", "--timeout=10s")
        lab.cluster.kubectl("delete", "namespace", "leaving", "--wait=false")
        eventually(lambda: "deletionTimestamp" in lab.request("GET", path + "held")[1]["metadata"],
                   "the namespace controller deletes what is in it")
        self.assertEqual(self.unhold("held").returncode, 0)
        lab.cluster.kubectl("wait", "--for=delete", "namespace/leaving", "--timeout=30s")
        # Ours in any order: secret, namespace (of the example rights), configuration.
        lab.cluster.kubectl("create", "secret", "generic", "headroom-webhook-tls", "-n",
                            "headroom-system")
        lab.cluster.kubectl("delete", "secret", "headroom-webhook-tls", "-n", "headroom-system")
        lab.cluster.kubectl("delete", "namespace", "headroom-system", "--timeout=30s")
        lab.cluster.kubectl("delete", "validatingwebhookconfiguration", "headroom-webhook")
        eventually(lambda: lab.apply(lab.model("free", 4194304, nodeName="doomed"),
                                     "--dry-run=server").returncode == 0,
                   "without the configuration nobody is asked")

    def unhold(self, name):
        return self.lab.cluster.kubectl(
            "patch", "model", name, "-n", "leaving", "--type=merge", "-p",
            json.dumps({"metadata": {"finalizers": None}}), check=False)
