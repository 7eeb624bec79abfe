"""A roll-out of headroom-webhook under constant load through the API server's own routing to a Service:
replicas are replaced one by one while the EndpointSlice moves, as a Deployment with maxSurge 1 and
maxUnavailable 0 does it. No call may fail."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from daemons import eventually  # noqa: E402
from webhook_service import ADDRESSES, Load, WebhookService, enter_namespace, ready  # noqa: E402

REPLACEMENTS = 4
# How long an ending replica goes on serving; the API server needs a moment to hear of the slice.
DELAY = "3s"


class RollOut(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.service = WebhookService()
        cls.addClassCleanup(cls.service.stop)
        cls.service.start()

    def start_ready(self, address):
        replica = self.service.replica(address, "--shutdown-delay", DELAY)
        eventually(lambda: ready(replica), f"the replica on {address} is ready", 30)

    def test_no_call_fails_while_replicas_are_replaced(self):
        serving = list(ADDRESSES[:2])
        for address in serving:
            self.start_ready(address)
        self.service.set_endpoints(serving)
        with Load(self.service.cluster) as load:
            eventually(lambda: load.statuses[201] > 50, "load is served", 30)
            for _ in range(REPLACEMENTS):
                surge = next(one for one in ADDRESSES if one not in serving)
                self.start_ready(surge)
                ending = serving.pop(0)
                serving.append(surge)
                # The kubelet's SIGTERM and the slice's change are not ordered; the worse case.
                process = self.service.replicas.pop(ending).process
                process.terminate()
                self.service.set_endpoints(serving)
                self.assertEqual(process.wait(30), 0)
        self.assertEqual(load.failures, [])
        self.assertEqual(set(load.statuses), {201})
        print(f"{load.calls} calls through {REPLACEMENTS} replacements, none failed, longest "
              f"{load.longest * 1000:.0f} ms", flush=True)


if __name__ == "__main__":
    enter_namespace()
    unittest.main(verbosity=2, failfast=True)
