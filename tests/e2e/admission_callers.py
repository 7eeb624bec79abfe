"""Who may call the webhook: the API server shows the client certificate that its admission
configuration names, and a webhook with --client-ca takes no other."""

import ssl
import unittest
import urllib.error
import urllib.request

from admission_lab import GIB, CALLER, eventually

TOO_LARGE = 131072  # tokens: 3.0 GiB on a node of 2 GiB


class Callers(unittest.TestCase):
    lab = None  # set by the program

    @classmethod
    def setUpClass(cls):
        lab = cls.lab
        lab.node("guarded", budget=2 * GIB)
        cls.webhooks = {"caller": lab.webhook("guarded", CALLER), "other": lab.webhook("barred", "other")}
        lab.install(*(
            lab.configuration(name, port=int(webhook.url.rpartition(":")[2]), matchConditions=None,
                              failurePolicy="Fail", objectSelector={"matchLabels": {"case": name}})
            for name, webhook in cls.webhooks.items()))
        lab.install(lab.configuration(objectSelector={"matchExpressions": [
            {"key": "case", "operator": "NotIn", "values": [*cls.webhooks]}]}))
        eventually(lambda: "HR-101" not in cls.answer("other") and cls.answer("other"),
                   "the API server has seen the configurations")

    @classmethod
    def tearDownClass(cls):
        cls.lab.cluster.kubectl("delete", "validatingwebhookconfiguration", *cls.webhooks)
        cls.lab.install(cls.lab.configuration())
        cls.lab.wait_until_judged()

    @classmethod
    def answer(cls, case):
        model = cls.lab.model("m", TOO_LARGE, nodeName="guarded", labels={"case": case})
        return cls.lab.apply(model, "--dry-run=server").stderr

    def test_the_api_server_is_taken_by_its_certificate(self):
        eventually(lambda: "denied the request: [HR-101] " in self.answer("caller"),
                   "the webhook decides")

    def test_another_subject_is_not(self):
        self.assertIn("failed calling webhook", self.answer("other"))

    def test_nobody_without_a_certificate_is(self):
        context = ssl.create_default_context(cafile=self.lab.ca)
        with self.assertRaises((urllib.error.URLError, OSError)):
            urllib.request.urlopen(self.webhooks["caller"].url + "/healthz", timeout=10,
                                   context=context)
