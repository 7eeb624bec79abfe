"""headroom-webhook as production has it, for tests: several replicas behind a Service that the API
server itself resolves, registered as docs/examples does, under the least rights of docs/examples,
with a constant load of creates through the API server.

The replicas listen on addresses of a network namespace that exists for the test only; run a test
with enter_namespace() first."""

import collections
import http.client
import json
import pathlib
import shutil
import ssl
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from daemons import Daemon  # noqa: E402
from macs import EXAMPLES, Cluster  # noqa: E402
from namespace import enter  # noqa: E402

# The API server takes no loopback address for an endpoint.
ADDRESSES = ("10.200.7.2", "10.200.7.3", "10.200.7.4")
PORT = 9443
NAMESPACE = "headroom-system"
SERVICE = "headroom-webhook"
CONFIGURATION = "headroom-webhook"

# Nothing to judge: that it is answered at all is what counts.
MODEL = json.dumps({
    "apiVersion": "inference.llmkube.dev/v1alpha1",
    "kind": "Model",
    "metadata": {"generateName": "load-", "namespace": "default"},
    "spec": {"source": "https://huggingface.co/org/repo/resolve/main/model.gguf",
             "hardware": {"accelerator": "cpu"}},
})
CREATE = "/apis/inference.llmkube.dev/v1alpha1/namespaces/default/models?dryRun=All"


class WebhookService:
    """A control plane, and the Service with no replica behind it yet."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-e2e-"))
        self.cluster = Cluster(self.directory, ADDRESSES[0])
        self.replicas = {}

    def start(self):
        self.cluster.start()
        self.cluster.kubectl("apply", "-f", EXAMPLES / "webhook-rbac.yaml")
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": SERVICE, "namespace": NAMESPACE},
            "spec": {"ports": [{"name": "https", "port": 443, "targetPort": PORT}]}}))
        self.set_endpoints([])
        self.cluster.kubectl("apply", "-f", EXAMPLES / "webhook-configuration.yaml")

    def stop(self):
        for replica in self.replicas.values():
            replica.kill()
        self.cluster.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    def set_endpoints(self, addresses):
        """What the endpoints controller does when Pods become ready, or begin to end."""
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": {"name": f"{SERVICE}-1", "namespace": NAMESPACE,
                         "labels": {"kubernetes.io/service-name": SERVICE}},
            "addressType": "IPv4",
            "endpoints": [{"addresses": [one], "conditions": {"ready": True}} for one in addresses],
            "ports": [{"name": "https", "port": PORT, "protocol": "TCP"}]}))

    def replica(self, address, *args, program="headroom-webhook", before=(), env=None):
        """A replica that self-manages its certificates; started, and not waited for."""
        daemon = Daemon(program, self.directory, *before,
                        "--listen", f"{address}:{PORT}",
                        "--kubeconfig", self.cluster.user("headroom-webhook"),
                        "--self-managed-certs", "--namespace", NAMESPACE,
                        "--webhook-configuration", CONFIGURATION, "--service-name", SERVICE, *args,
                        label=f"webhook-{address}", env=env)
        self.replicas[address] = daemon
        return daemon.start()

    def configuration(self):
        return json.loads(self.cluster.kubectl(
            "get", "validatingwebhookconfiguration", CONFIGURATION, "-o", "json",
            "--show-managed-fields").stdout)

    def secret(self):
        return json.loads(self.cluster.kubectl(
            "get", "secret", "-n", NAMESPACE, "headroom-webhook-certs", "-o", "json").stdout)


def ready(replica):
    """Whether /readyz says so, asked as the kubelet does, without a look at the certificate."""
    status, text = replica.get("/readyz", verify=False)
    if status != 200:
        raise AssertionError(f"{replica.url}/readyz: {status} {text.strip()}")
    return True


class Load:
    """Creates (dry runs) through the API server, one after the other on each of some connections."""

    def __init__(self, cluster, connections=4, pause=0.005):
        self.cluster = cluster
        self.pause = pause
        self.statuses = collections.Counter()
        self.failures = []
        self.longest = 0.0
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(connections)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end.set()
        for thread in self._threads:
            thread.join()

    @property
    def calls(self):
        return sum(self.statuses.values())

    def _run(self):
        pki = self.cluster.directory / "pki"
        context = ssl.create_default_context(cafile=self.cluster.ca)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.cluster.port, context=context,
                                                 timeout=60)
        while not self._end.is_set():
            started = time.monotonic()
            connection.request("POST", CREATE, MODEL, {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().decode()
            took = time.monotonic() - started
            with self._lock:
                self.statuses[response.status] += 1
                self.longest = max(self.longest, took)
                if response.status != 201:
                    self.failures.append(f"{time.strftime('%H:%M:%S')} {response.status} {text}")
            time.sleep(self.pause)
        connection.close()


def enter_namespace():
    enter(*ADDRESSES)
