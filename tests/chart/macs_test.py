"""What the identity of one Mac may and may not do on a real API server, with the chart's roles and
admission policies: each attempt is made, and each refusal is read."""

import json
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from pod import Api  # noqa: E402
from helm import CHART, Helm  # noqa: E402
from controlplane import ControlPlane  # noqa: E402
from daemons import eventually, script  # noqa: E402

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {name: llama, namespace: default, annotations: {headroom.dev/node: mac-1, team: a}}
spec: {source: /models/llama.gguf, hardware: {accelerator: metal}}
"""

NODE = {
    "apiVersion": "v1",
    "kind": "Node",
    "metadata": {
        "name": "mac-1",
        "labels": {"kubernetes.io/os": "darwin", "headroom.dev/registered": "true"},
    },
    "spec": {
        "providerID": "headroom://mac-1",
        "taints": [{"key": "headroom.dev/no-pods", "value": "true", "effect": "NoSchedule"}],
    },
}

LABELLED = {"llmkube.ai/managed-by": "metal-agent"}


def merged(base, **changes):
    return json.loads(json.dumps({**base, **changes}))


class Macs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-macs-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.plane = ControlPlane(
            script("get-controlplane"), cls.directory / "cluster", node_grace=3600
        )
        cls.addClassCleanup(cls.plane.stop)
        cls.plane.start()
        kubectl = cls.plane.kubectl
        kubectl("create", "namespace", "headroom-system")
        kubectl("apply", "--server-side", "-f", CHART / "files" / "crds")
        values = [
            "--set-json",
            'macs.nodes=[{"name":"mac-1"},{"name":"mac-2"},{"name":"mac-3"}]',
            "--set-json",
            'macs.sourceSecrets=[{"namespace":"default","names":["hugging-face"]}]',
        ]
        shown = [
            flag
            for path in sorted((CHART / "templates" / "macs").glob("*.yaml"))
            if path.stem.startswith(("rbac", "policy", "secrets"))
            for flag in ("-s", f"templates/macs/{path.name}")
        ]
        kubectl(
            "apply",
            "--server-side",
            "-f",
            "-",
            stdin=Helm(cls.directory / "helm").template(*values, *shown).stdout,
        )
        cls.mac1, cls.mac2 = cls.plane.user("headroom:mac-1"), cls.plane.user("headroom:mac-2")
        eventually(lambda: kubectl("get", "models", check=False).returncode == 0, "CRDs are served")
        kubectl("apply", "-f", "-", stdin=MODEL)
        cls.make_nodes()

    @classmethod
    def make_nodes(cls):
        # Policies are enforced some moments after they were created: until then a refused write is
        # the sign.
        foreign = merged(NODE, metadata={"name": "mac-9"})
        eventually(
            lambda: "own Node" in cls.create(cls.mac1, foreign, "--dry-run=server").stderr,
            "the policies are enforced",
            60,
        )
        for config, name in ((cls.mac1, "mac-1"), (cls.mac2, "mac-2")):
            node = merged(NODE, metadata={**NODE["metadata"], "name": name})
            node["spec"]["providerID"] = f"headroom://{name}"
            done = cls.create(config, node)
            assert done.returncode == 0, done.stderr

    @classmethod
    def create(cls, config, manifest, *flags):
        return cls.plane.kubectl(
            "create", *flags, "-f", "-", stdin=json.dumps(manifest), kubeconfig=config, check=False
        )

    def patch(self, kind, name, patch, *flags, config=None):
        return self.plane.kubectl(
            "patch",
            kind,
            name,
            "--type=merge",
            "-p",
            json.dumps(patch),
            *flags,
            kubeconfig=config or self.mac1,
            check=False,
        )

    def patch_status(self, path, body):
        """kubectl reads a subresource before it patches it; the exporter does not."""
        return Api(self.plane, "headroom-mac-1").request(
            "PATCH", f"{path}/status", body, "application/merge-patch+json"
        )

    def allowed(self, done):
        self.assertEqual(done.returncode, 0, done.stderr)

    def refused(self, done, text):
        self.assertNotEqual(done.returncode, 0, done.stdout)
        self.assertIn(text, done.stderr)

    # --- its Node --------------------------------------------------------------------------------

    def test_annotates_and_reports_its_own_node(self):
        self.allowed(
            self.patch(
                "node", "mac-1", {"metadata": {"annotations": {"headroom.dev/memory-total": "1"}}}
            )
        )
        status = {"status": {"conditions": [{"type": "Ready", "status": "True", "reason": "x"}]}}
        self.assertEqual(self.patch_status("/api/v1/nodes/mac-1", status)[0], 200)

    def test_cannot_touch_another_node(self):
        annotations = {"metadata": {"annotations": {"headroom.dev/memory-total": "1"}}}
        self.refused(self.patch("node", "mac-2", annotations), "forbidden")
        self.assertEqual(
            self.patch_status("/api/v1/nodes/mac-2", {"status": {"conditions": []}})[0], 403
        )
        self.refused(
            self.plane.kubectl("delete", "node", "mac-1", kubeconfig=self.mac1, check=False),
            "forbidden",
        )

    def test_cannot_change_more_than_its_annotations(self):
        for patch, text in (
            ({"metadata": {"annotations": {"other.example/key": "x"}}}, "begin with headroom.dev/"),
            (
                {"metadata": {"labels": {"node-role.kubernetes.io/control-plane": ""}}},
                "may not change labels",
            ),
            ({"spec": {"taints": []}}, "may not change the spec"),
            ({"spec": {"unschedulable": True}}, "may not change the spec"),
            ({"metadata": {"finalizers": ["example.com/hold"]}}, "finalizers"),
        ):
            with self.subTest(patch=patch):
                self.refused(self.patch("node", "mac-1", patch), text)
        # Nor by way of the status.
        _, answer = self.patch_status("/api/v1/nodes/mac-1", {"metadata": {"labels": {"a": "b"}}})
        self.assertIn("may not change labels", answer["message"])

    def test_registers_only_a_node_that_takes_no_pods(self):
        mac3 = self.plane.user("headroom:mac-3")
        good = {"providerID": "headroom://mac-3", "taints": NODE["spec"]["taints"]}
        for metadata, spec, text in (
            ({}, {"providerID": "headroom://mac-3"}, "NoSchedule taint headroom.dev/no-pods"),
            ({}, {**good, "providerID": "aws:///i-123"}, "providerID headroom://NAME"),
            ({"labels": {"node-role.kubernetes.io/master": ""}}, good, "only with the labels"),
            ({"name": "mac-4"}, good, "only its own Node, mac-3"),
        ):
            with self.subTest(text):
                node = merged(NODE, metadata={"name": "mac-3", **metadata}, spec=spec)
                self.refused(self.create(mac3, node), text)
        self.allowed(self.create(mac3, merged(NODE, metadata={"name": "mac-3"}, spec=good)))

    def test_holds_its_own_lease_only(self):
        def lease(name, holder):
            return {
                "apiVersion": "coordination.k8s.io/v1",
                "kind": "Lease",
                "metadata": {"name": name, "namespace": "kube-node-lease"},
                "spec": {"holderIdentity": holder},
            }

        self.allowed(self.create(self.mac1, lease("mac-1", "mac-1")))
        self.refused(self.create(self.mac1, lease("mac-7", "mac-7")), "only its own Lease")
        self.allowed(self.create(self.mac2, lease("mac-2", "mac-2")))
        self.refused(
            self.patch(
                "lease", "mac-2", {"spec": {"holderIdentity": "mac-1"}}, "-n", "kube-node-lease"
            ),
            "forbidden",
        )

    # --- tokens of private sources ---------------------------------------------------------------

    def test_reads_the_secrets_of_private_sources_and_no_others(self):
        kubectl = self.plane.kubectl
        for name in ("hugging-face", "database"):
            kubectl("create", "secret", "generic", name, "--from-literal=token=x")

        def get(name):
            return kubectl("get", "secret", *name, kubeconfig=self.mac1, check=False)

        self.allowed(get(["hugging-face"]))
        self.refused(get(["database"]), "forbidden")
        self.refused(get([]), "forbidden")
        self.refused(get(["hugging-face", "-n", "kube-system"]), "forbidden")
        self.refused(
            kubectl("delete", "secret", "hugging-face", kubeconfig=self.mac1, check=False),
            "forbidden",
        )

    # --- workloads -------------------------------------------------------------------------------

    def claim(self, node, config=None):
        annotations = {
            "headroom.dev/claimed-by": node,
            "headroom.dev/footprint-bytes": "1" if node else None,
        }
        return self.patch(
            "model", "llama", {"metadata": {"annotations": annotations}}, config=config
        )

    def test_claims_for_itself_and_releases_its_own(self):
        self.allowed(self.claim("mac-1"))
        self.refused(self.claim(None, self.mac2), "only for itself, mac-2")
        self.allowed(self.claim("mac-2", self.mac2))  # taken over, as after the owner's lease ended
        self.allowed(self.claim(None, self.mac2))
        self.refused(self.claim("mac-2"), "only for itself, mac-1")

    def test_cannot_change_a_workload(self):
        for patch, text in (
            ({"spec": {"source": "/etc/passwd"}}, "may not change the spec"),
            (
                {"metadata": {"annotations": {"headroom.dev/node": "mac-2"}}},
                "headroom.dev/claimed-by",
            ),
            ({"metadata": {"annotations": {"team": None}}}, "headroom.dev/claimed-by"),
            ({"metadata": {"labels": {"a": "b"}}}, "may not change labels"),
        ):
            with self.subTest(patch=patch):
                self.refused(self.patch("model", "llama", patch), text)
        path = "/apis/inference.llmkube.dev/v1alpha1/namespaces/default/models/llama"
        self.assertEqual(self.patch_status(path, {"status": {"phase": "Ready"}})[0], 200)
        self.refused(
            self.create(
                self.mac1,
                {
                    "apiVersion": "inference.llmkube.dev/v1alpha1",
                    "kind": "Model",
                    "metadata": {"name": "x"},
                    "spec": {"source": "/x"},
                },
            ),
            "forbidden",
        )
        self.refused(
            self.plane.kubectl("get", "secrets", "-A", kubeconfig=self.mac1, check=False),
            "forbidden",
        )

    def test_publishes_its_own_endpoints_only(self):
        service = {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "llama", "labels": LABELLED},
            "spec": {"ports": [{"port": 8080}]},
        }
        self.allowed(self.create(self.mac1, service))
        self.refused(
            self.create(self.mac1, merged(service, metadata={"name": "other"})), "metal-agent"
        )
        selecting = merged(service, metadata={"name": "grab", "labels": LABELLED})
        selecting["spec"]["selector"] = {"app": "database"}
        self.refused(self.create(self.mac1, selecting), "no selector")
        self.refused(
            self.patch("service", "kubernetes", {"metadata": {"annotations": {"a": "b"}}}),
            "metal-agent",
        )
        self.refused(
            self.plane.kubectl(
                "delete", "service", "kubernetes", kubeconfig=self.mac1, check=False
            ),
            "metal-agent",
        )

        self.refused(
            self.plane.kubectl(
                "delete", "endpoints", "kubernetes", kubeconfig=self.mac1, check=False
            ),
            "only delete Endpoints",
        )
        legacy = {
            "apiVersion": "v1",
            "kind": "Endpoints",
            "metadata": {"name": "llama", "labels": LABELLED},
        }
        self.plane.kubectl("create", "-f", "-", stdin=json.dumps(legacy))
        self.allowed(
            self.plane.kubectl("delete", "endpoints", "llama", kubeconfig=self.mac1, check=False)
        )

        def slice_of(node):
            return {
                "apiVersion": "discovery.k8s.io/v1",
                "kind": "EndpointSlice",
                "addressType": "IPv4",
                "metadata": {"name": f"llama-{node}", "labels": LABELLED},
                "ports": [{"port": 1}],
                "endpoints": [{"addresses": ["10.1.1.1"], "nodeName": node}],
            }

        self.allowed(self.create(self.mac1, slice_of("mac-1")))
        self.refused(self.create(self.mac1, slice_of("mac-2")), "own node, mac-1")

    # --- everybody else --------------------------------------------------------------------------

    def test_others_are_not_concerned(self):
        kubectl = self.plane.kubectl
        kubectl("label", "node", "mac-2", "rack=7")
        kubectl("annotate", "model", "llama", "headroom.dev/node=mac-2", "--overwrite")
        kubectl("annotate", "model", "llama", "headroom.dev/node=mac-1", "--overwrite")

    def test_service_accounts_of_macs_are_confined_alike(self):
        """Whatever rights it has: as a cluster's administrator it still writes its own Node only."""
        account = "system:serviceaccount:models:headroom-mac-mac-1"
        kubectl = self.plane.kubectl
        kubectl("create", "clusterrolebinding", "all", "--clusterrole=cluster-admin", f"--user={account}")
        annotation = "headroom.dev/memory-total=2"
        change = ("annotate", "--overwrite", f"--as={account}", "node")
        self.allowed(kubectl(*change, "mac-1", annotation, check=False))
        self.refused(kubectl(*change, "mac-2", annotation, check=False), "only its own Node, mac-1")

    def test_policies_have_no_type_errors(self):
        listed = json.loads(
            self.plane.kubectl("get", "validatingadmissionpolicies", "-o", "json").stdout
        )["items"]
        self.assertEqual(len(listed), 6)
        for policy in listed:
            warnings = (
                policy.get("status", {}).get("typeChecking", {}).get("expressionWarnings", [])
            )
            self.assertEqual(warnings, [], policy["metadata"]["name"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
