"""Self-managed certificates on a real API server: two replicas whose CA lives for half a minute,
through three renewals of it, the end of the leader and wrong clocks, under constant load. No call may
fail. The steps build on each other and run in the order of their names."""

import base64
import json
import pathlib
import re
import socket
import ssl
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from daemons import Clock, eventually  # noqa: E402
from webhook_service import (ADDRESSES, NAMESPACE, PORT, SERVICE, Load, WebhookService,  # noqa: E402
                             enter_namespace, ready)

# Seconds a certificate and its CA live, and a new CA is published before it is used. A CA is renewed
# a certificate's life before its end, a certificate in the last third of its own.
LEAF, CA, SETTLE = 12, 32, 1
ROTATIONS = 3


def certificates(pem):
    return re.findall(r"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----\n", pem, re.DOTALL)


class CertificateRotation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = WebhookService()
        cls.addClassCleanup(cls.service.stop)
        cls.service.start()
        cls.clock = Clock(cls.service.directory / "clock")

    def start_replica(self, address):
        """One with a clock that the test can set while it runs."""
        self.clock.set("+0")
        return self.service.replica(
            address, "--shutdown-delay", "2s", program="short-lived-webhook",
            before=(LEAF, CA, SETTLE),
            env=self.clock.env)

    def bundles(self):
        """The set of caBundles in the live configuration; all entries have the same."""
        found = {entry["clientConfig"].get("caBundle", "")
                 for entry in self.service.configuration()["webhooks"]}
        self.assertEqual(len(found), 1)
        return certificates(base64.b64decode(found.pop()).decode())

    def test_a_first_installation_becomes_ready(self):
        self.assertEqual(self.bundles(), [])
        self.assertNotIn("data", self.service.secret())
        for address in ADDRESSES[:2]:
            self.start_replica(address)
        for replica in self.service.replicas.values():
            eventually(lambda: ready(replica), "the replica is ready", 30)
        self.service.set_endpoints(ADDRESSES[:2])
        # As the API server does it: by the Service's name, with the published bundle.
        bundle = "".join(self.bundles())
        context = ssl.create_default_context(cadata=bundle)
        for address in ADDRESSES[:2]:
            with socket.create_connection((address, PORT)) as raw:
                with context.wrap_socket(raw, server_hostname=f"{SERVICE}.{NAMESPACE}.svc") as tls:
                    self.assertEqual(tls.version(), "TLSv1.3")

    def test_b_only_the_bundle_is_ours(self):
        fields = [one for one in self.service.configuration()["metadata"]["managedFields"]
                  if one["manager"] == "headroom-webhook-certs"]
        self.assertEqual(len(fields), 1)
        self.assertEqual(fields[0]["operation"], "Apply")
        self.assertEqual(fields[0]["fieldsV1"], {"f:webhooks": {
            'k:{"name":"fit.headroom.dev"}': {".": {}, "f:name": {},
                                              "f:clientConfig": {"f:caBundle": {}}}}})

    def test_c_three_rotations_under_load(self):
        seen_cas, seen_leaves = [], set()
        killed = False
        with Load(self.service.cluster) as load:
            eventually(lambda: load.statuses[201] > 50, "load is served", 30)
            deadline = time.monotonic() + 40 * ROTATIONS
            while len(seen_cas) < ROTATIONS + 1:
                self.assertLess(time.monotonic(), deadline, self.logs())
                for ca in self.bundles():
                    if ca not in seen_cas:
                        seen_cas.append(ca)
                seen_leaves.add(self.service.secret()["data"]["tls.crt"])
                if len(seen_cas) == 2:
                    self.clock.set("+30d")
                if len(seen_cas) == 3:
                    self.clock.set("+0")
                    if not killed:
                        self.replace_leader()
                        killed = True
                time.sleep(0.3)
            # Until the last new CA is in use, and the one before it is gone.
            eventually(lambda: self.bundles() == [seen_cas[-1]], "the old CA is dropped", 2 * LEAF)
        self.assertEqual(load.failures, [], self.logs())
        self.assertGreaterEqual(len(seen_leaves), ROTATIONS)
        print(f"{load.calls} calls, {len(seen_cas) - 1} CAs and {len(seen_leaves)} certificates "
              f"renewed, longest call {load.longest * 1000:.0f} ms", flush=True)
        for replica in self.service.replicas.values():
            ready(replica)
            metrics = replica.metrics(verify=False)
            for role, life in (("leaf", LEAF), ("ca", CA)):
                end = metrics[f'headroom_cert_expiry_timestamp_seconds{{role="{role}"}}']
                self.assertLess(abs(end - time.time()), life + 1)
            self.assertGreaterEqual(metrics["headroom_webhook_cert_reloads_total"], 1)
        decided = sum(value for replica in self.service.replicas.values()
                      for key, value in replica.metrics(verify=False).items()
                      if key.startswith("headroom_webhook_decisions_total"))
        self.assertGreater(decided, 100)

    def replace_leader(self):
        """A roll-out of one replica, the leader: another takes over at once."""
        lease = json.loads(self.service.cluster.kubectl(
            "get", "lease", "-n", NAMESPACE, "headroom-webhook-certs", "-o", "json").stdout)
        for address, replica in list(self.service.replicas.items()):
            if "msg=leading" not in replica.log(100000):
                continue
            rest = [one for one in ADDRESSES[:2] if one != address]
            self.service.set_endpoints(rest)
            time.sleep(1)  # the API server's watch of the slice
            self.assertEqual(replica.stop(), 0)

            def led_by_another():
                now = json.loads(self.service.cluster.kubectl(
                    "get", "lease", "-n", NAMESPACE, "headroom-webhook-certs", "-o",
                    "json").stdout)["spec"]["holderIdentity"]
                return now not in ("", lease["spec"]["holderIdentity"])

            eventually(led_by_another, "another replica leads", 6)
            replica = self.start_replica(address)
            eventually(lambda: ready(replica), "the replica is back", 15)
            self.service.set_endpoints(ADDRESSES[:2])
            return
        self.fail("no replica leads")

    def test_d_an_emptied_secret_is_made_anew_without_a_gap(self):
        with Load(self.service.cluster) as load:
            self.service.cluster.kubectl("patch", "secret", "-n", NAMESPACE,
                                         "headroom-webhook-certs", "--type=json", "-p",
                                         '[{"op": "remove", "path": "/data"}]')
            eventually(lambda: self.service.secret().get("data", {}).get("tls.crt"),
                       "a certificate is stored again", 15)
            for replica in self.service.replicas.values():
                eventually(lambda: ready(replica), "the replica is ready", 15)
        self.assertEqual(load.failures, [], self.logs())

    def test_e_deleting_the_configuration_works_and_shows(self):
        self.service.cluster.kubectl("delete", "validatingwebhookconfiguration", "headroom-webhook",
                                     "--timeout=10s")
        replica = next(iter(self.service.replicas.values()))

        def tells():
            status, text = replica.get("/readyz", verify=False)
            return status == 503 and "does not exist" in text

        eventually(tells, "/readyz names what is missing", 10)

    def logs(self):
        return "\n".join(f"--- {address}\n{replica.log(30)}"
                         for address, replica in self.service.replicas.items())


if __name__ == "__main__":
    enter_namespace()
    unittest.main(verbosity=2, failfast=True)
