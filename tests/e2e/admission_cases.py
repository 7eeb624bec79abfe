"""The cases of the API server's own webhook tests, with our webhook in place of its fixture. All
configurations are active at once; a label of the object says which one it is for."""

import json
import unittest

from admission_lab import GIB, HOOK, eventually
from daemons import make_certificate

FITS, TOO_LARGE = 16384, 131072  # tokens: 0.6 and 3.0 GiB on a node of 2 GiB


class Cases(unittest.TestCase):
    maxDiff = None
    lab = None  # set by the program

    @classmethod
    def setUpClass(cls):
        lab = cls.lab
        lab.node("cases", budget=2 * GIB)
        other = lab.directory / "other-ca"
        other.mkdir()
        other_ca = make_certificate(other)[0]
        dead = {"port": 1}
        wrong_path = {"path": "/healthz"}
        wrong_ca = {"ca": other_ca}
        # name -> (what differs from the shipped configuration, of the first webhook)
        cls.configurations = {
            "closed-unreachable": ({**dead}, {"failurePolicy": "Fail"}),
            "closed-by-default": ({**dead}, {"failurePolicy": None}),
            "closed-no-review": ({**wrong_path}, {"failurePolicy": "Fail"}),
            "closed-wrong-ca": ({**wrong_ca}, {"failurePolicy": "Fail"}),
            "open-unreachable": ({**dead}, {"failurePolicy": "Ignore"}),
            "open-no-review": ({**wrong_path}, {"failurePolicy": "Ignore"}),
            "open-wrong-ca": ({**wrong_ca}, {"failurePolicy": "Ignore"}),
            "open-reachable": ({}, {"failurePolicy": "Ignore"}),
            "no-side-effects": ({}, {"sideEffects": "None"}),
            "status-too": ({}, {"rules": cls.rules("models", "models/status")}),
        }
        lab.install(*(
            lab.configuration(name, **client, **hook, matchConditions=None,
                              objectSelector={"matchLabels": {"case": name}})
            for name, (client, hook) in cls.configurations.items()))
        # The shipped one judges only what no other case is for, and what has not opted out.
        lab.install(lab.configuration(objectSelector={"matchExpressions": [
            {"key": "case", "operator": "NotIn", "values": [*cls.configurations, "opted-out"]}]}))
        eventually(lambda: cls.create("closed-unreachable")[0] == 500 and
                   cls.create("opted-out", TOO_LARGE)[0] == 201 and
                   "HR-101" in cls.message(cls.create("none", TOO_LARGE)),
                   "the API server has seen the configurations")

    @classmethod
    def tearDownClass(cls):
        cls.lab.cluster.kubectl("delete", "validatingwebhookconfiguration", *cls.configurations)
        cls.lab.install(cls.lab.configuration())
        cls.lab.wait_until_judged()

    @staticmethod
    def rules(*resources):
        return [{"apiGroups": ["inference.llmkube.dev"], "apiVersions": ["*"],
                 "operations": ["CREATE", "UPDATE"], "resources": list(resources),
                 "scope": "Namespaced"}]

    @classmethod
    def create(cls, case, context=FITS, query="?dryRun=All", name="case", **spec):
        model = cls.lab.model(name, context, nodeName="cases", labels={"case": case}, **spec)
        return cls.lab.create(model, query)

    @staticmethod
    def message(answer):
        return answer[1].get("message", "")

    def test_matched_objects_are_allowed_or_denied(self):
        table = [
            # case, tokens, HTTP status, part of the message
            ("none", FITS, 201, ""),
            ("none", TOO_LARGE, 403, f'admission webhook "{HOOK}" denied the request: [HR-101]'),
            ("opted-out", TOO_LARGE, 201, ""),  # objectSelector
            ("closed-unreachable", FITS, 500, "failed calling webhook"),
            ("closed-by-default", FITS, 500, "failed calling webhook"),
            ("closed-no-review", FITS, 500, "failed calling webhook"),
            ("closed-wrong-ca", FITS, 500, "x509"),
            ("open-unreachable", TOO_LARGE, 201, ""),
            ("open-no-review", TOO_LARGE, 201, ""),
            ("open-wrong-ca", TOO_LARGE, 201, ""),
            ("open-reachable", TOO_LARGE, 403, "[HR-101]"),
            ("no-side-effects", FITS, 201, ""),
            ("no-side-effects", TOO_LARGE, 403, "[HR-101]"),
        ]
        for case, context, status, part in table:
            with self.subTest(f"{case} {context}"):
                answer = self.create(case, context)
                self.assertEqual(answer[0], status, answer[1])
                self.assertIn(part, self.message(answer))

    def test_a_denial_carries_reason_and_causes(self):
        _, status = self.create("none", TOO_LARGE)
        self.assertEqual((status["kind"], status["status"], status["reason"], status["code"]),
                         ("Status", "Failure", "Forbidden", 403))
        details = status["details"]
        self.assertEqual((details["group"], details["kind"], details["name"]),
                         ("inference.llmkube.dev", "Model", "case"))
        causes = {cause["field"]: cause for cause in details["causes"]}
        self.assertEqual({cause["reason"] for cause in details["causes"]}, {"HR-101"})
        self.assertRegex(causes["spec.source"]["message"], r"^footprintBytes=3\d{9}$")
        self.assertRegex(causes["spec.nodeName"]["message"],
                         r"^node=cases budgetBytes=2147483648 committedBytes=0 "
                         r"headroomBytes=2147483648 shortfallBytes=1\d{9}$")
        self.assertRegex(causes["spec.serving.contextSize"]["message"],
                         r"^context=131072 kvCacheBytes=2147483648$")

    def test_the_first_of_several_denials_is_complete(self):
        # Two configurations match; whichever answers first, the reader gets one whole text.
        lab = self.lab
        lab.install(lab.configuration("second", objectSelector={"matchLabels": {"case": "twice"}}))
        self.addCleanup(lab.cluster.kubectl, "delete", "validatingwebhookconfiguration", "second")
        text = self.message(self.create("twice", TOO_LARGE))
        self.assertIn("[HR-101]", text)
        self.assertTrue(text.rstrip().endswith("docs/errors.md#HR-101"), text)

    def test_side_effects_that_dry_run_forbids_cannot_be_configured(self):
        for value in ("Some", "Unknown"):
            configuration = self.lab.configuration("side-effects", sideEffects=value)
            done = self.lab.apply(configuration, "--dry-run=server")
            self.assertEqual(done.returncode, 1)
            self.assertIn("sideEffects", done.stderr)

    def test_a_dry_run_reserves_nothing(self):
        for _ in range(6):  # 6 x 0.6 GiB are more than the node has
            self.assertEqual(self.create("none", FITS)[0], 201)

    def test_what_does_not_match_is_not_sent(self):
        lab = self.lab
        self.assertEqual(self.create("none", FITS, query="", name="quiet")[0], 201)
        path = "/apis/inference.llmkube.dev/v1alpha1/namespaces/team-a/models/quiet"
        before = lab.decisions()
        merge = ("patch", "model", "quiet", "-n", "team-a", "--type=merge", "-p")
        for patch in ('{"metadata":{"labels":{"a":"b"}}}',
                      '{"metadata":{"annotations":{"c":"d"}}}',
                      '{"metadata":{"finalizers":["example.com/x"]}}'):
            lab.cluster.kubectl(*merge, patch)
        lab.cluster.kubectl(*merge, '{"status":{"phase":"Ready"}}', "--subresource=status")
        lab.cluster.kubectl("delete", "model", "quiet", "-n", "team-a", "--wait=false")
        self.assertIn("deletionTimestamp", lab.request("GET", path)[1]["metadata"])
        lab.cluster.kubectl(*merge, '{"metadata":{"finalizers":null}}')
        lab.cluster.kubectl("create", "configmap", "other", "-n", "team-a")
        self.assertEqual(lab.decisions(), before)
        self.assertEqual(lab.request("GET", path)[0], 404)
        # The binding is an annotation, and sent.
        model = lab.model("bound", FITS, nodeName="cases")
        lab.apply(model, check=True)
        judged = lab.decisions()
        lab.cluster.kubectl("annotate", "model", "bound", "-n", "team-a", "headroom.dev/node=cases")
        self.assertEqual(lab.decisions(), judged + 1)
        lab.cluster.kubectl("delete", "model", "bound", "-n", "team-a")

    def test_status_passes_where_a_configuration_sends_it(self):
        self.assertEqual(self.create("status-too", FITS, query="", name="status")[0], 201)
        before = self.lab.decisions()
        self.lab.cluster.kubectl("patch", "model", "status", "-n", "team-a", "--type=merge",
                                 "--subresource=status", "-p", '{"status":{"phase":"Ready"}}')
        self.assertEqual(self.lab.decisions(), before + 1)
        self.lab.cluster.kubectl("delete", "model", "status", "-n", "team-a")

    def test_a_generated_name_is_judged_without_one(self):
        for context, status in ((FITS, 201), (TOO_LARGE, 403)):
            model = self.lab.model("x", context, nodeName="cases")
            model["metadata"]["generateName"] = "job-"
            del model["metadata"]["name"]
            answer = self.lab.create(model, "?dryRun=All")
            self.assertEqual(answer[0], status, answer[1])
        self.assertRegex(self.message(answer), r"Model team-a/job-\w+ needs")

    def test_scaling_is_judged(self):
        lab = self.lab
        weights = lab.model("weights", FITS, nodeName="cases")
        del weights["spec"]["serving"]
        service = {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "InferenceService",
                   "metadata": {"name": "chat", "namespace": "team-a"},
                   "spec": {"modelRef": "weights", "contextSize": FITS, "replicas": 1,
                            "extraArgs": ["--cache-ram", "0", "--ctx-checkpoints", "0"]}}
        lab.apply(weights, check=True)
        lab.apply(service, check=True)

        def scale(replicas):
            return lab.cluster.kubectl("scale", "inferenceservice", "chat", "-n", "team-a",
                                       f"--replicas={replicas}", check=False)

        def denied():
            self.assertEqual(scale(0).returncode, 0)
            return "HR-103" in (text := scale(9).stderr) and text

        self.assertRegex(eventually(denied, "the service is known to both webhooks"),
                         r"InferenceService team-a/chat \(replica \d of 9\) needs")
        self.assertEqual(scale(2).returncode, 0)
        lab.cluster.kubectl("delete", "inferenceservice/chat", "model/weights", "-n", "team-a")

    def test_audit_annotations_reach_the_audit_log(self):
        self.assertEqual(self.create("none", TOO_LARGE, name="audited")[0], 403)
        self.assertEqual(self.create("none", FITS, name="audited")[0], 201)

        def found():
            seen = {}
            for line in self.lab.audit_log.read_text().splitlines():
                event = json.loads(line)
                if event.get("objectRef", {}).get("name") == "audited":
                    seen[event["responseStatus"]["code"]] = event.get("annotations", {})
            return seen if {403, 201} <= seen.keys() else None

        events = eventually(found, "both requests are in the audit log")
        self.assertEqual(events[403][f"{HOOK}/decision"], "denied")
        self.assertEqual(events[403][f"{HOOK}/rule"], "HR-101")
        self.assertEqual(events[201][f"{HOOK}/decision"], "allowed")
        self.assertEqual(events[201][f"{HOOK}/node"], "cases")
        self.assertRegex(events[201][f"{HOOK}/footprint-bytes"], r"^\d{9}$")
        log = self.lab.cluster.log("kube-apiserver").read_text(errors="replace")
        self.assertNotIn("Failed to set admission audit annotation", log)
