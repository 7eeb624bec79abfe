"""What the admission tests share: a control plane, a real node, Nodes that exist on paper only, two
replicas of the webhook behind one address, and a host that serves model files over HTTPS."""

import base64
import http.client
import http.server
import json
import os
import pathlib
import re
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from controlplane import ControlPlane  # noqa: E402
from daemons import ROOT, Daemon, eventually, make_certificate, openssl, program, script  # noqa: E402
from namespace import enter  # noqa: E402

# The API server takes no loopback address for an endpoint, so the node has this one, in a network
# namespace that exists for the test only.
ADDRESS = "10.200.7.2"
GOLDEN = ROOT / "tests" / "data" / "e2e" / "admission"
MIB, GIB = 1 << 20, 1 << 30
HOOK = "fit.headroom.dev"
CALLER = "kube-apiserver-webhooks"  # common name of the API server's client certificate for webhooks
ADMISSION = """apiVersion: apiserver.config.k8s.io/v1
kind: AdmissionConfiguration
plugins:
- name: ValidatingAdmissionWebhook
  configuration:
    apiVersion: apiserver.config.k8s.io/v1
    kind: WebhookAdmissionConfiguration
    kubeConfigFile: {directory}/webhooks.kubeconfig
"""
WEBHOOK_USERS = """apiVersion: v1
kind: Config
users:
- name: '*'
  user: {{client-certificate: {directory}/caller.crt, client-key: {directory}/caller.key}}
"""
AUDIT_POLICY = "apiVersion: audit.k8s.io/v1\nkind: Policy\nrules: [{level: Metadata}]\n"


def enter_namespace():
    enter(ADDRESS, llama_server=True)


class Splitter:
    """Hands each new connection to the next of `ports`, as kube-proxy would."""

    def __init__(self, ports):
        self.ports = list(ports)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        turn = 0
        while True:
            client, _ = self.listener.accept()
            turn += 1
            try:
                server = socket.create_connection(("127.0.0.1", self.ports[turn % len(self.ports)]))
            except OSError:
                client.close()
                continue
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    @staticmethod
    def _copy(source, target):
        try:
            while data := source.recv(65536):
                target.sendall(data)
        except OSError:
            pass
        for one in (source, target):
            try:
                one.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


class FileHost:
    """Serves one model file by ranges at any path; /slow.gguf is answered after release()."""

    def __init__(self, content, certificate, key):
        self.requests = []
        self.released = threading.Event()
        host = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):  # noqa: N802
                host.requests.append(self.path)
                if self.path == "/slow.gguf":
                    host.released.wait(60)
                if self.path == "/missing.gguf":
                    self.send_error(404, "secret words of the host")
                    return
                match = re.match(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
                first, last = (int(one) for one in match.groups()) if match else (0, len(content))
                part = content[first:last + 1]
                self.send_response(206)
                self.send_header("Content-Range",
                                 f"bytes {first}-{first + len(part) - 1}/{len(content)}")
                self.send_header("Content-Length", str(len(part)))
                self.send_header("ETag", '"1"')
                self.end_headers()
                try:
                    self.wfile.write(part)
                except OSError:
                    pass  # who reads a header hangs up at its end

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Lab:
    """Everything, started once for all tests of a process."""

    def __init__(self, cleanup):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-admission-"))
        cleanup(shutil.rmtree, self.directory, ignore_errors=True)
        # A fixed place, so that the paths in the denials, and with them the golden files, are fixed.
        self.models = pathlib.Path("/tmp/headroom-e2e-admission")
        self.models.mkdir(exist_ok=True)
        cleanup(shutil.rmtree, self.models, ignore_errors=True)
        self.model_file = self.models / "kvheavy.gguf"
        subprocess.run([program("make-gguf"), "kvheavy", self.model_file], check=True)
        self.audit_log = self.directory / "audit.log"
        policy = self.directory / "audit-policy.yaml"
        policy.write_text(AUDIT_POLICY)
        self.cluster = ControlPlane(
            os.environ["HEADROOM_E2E_CONTROLPLANE"], self.directory / "cluster",
            apiserver_args=[f"--advertise-address={ADDRESS}", f"--audit-policy-file={policy}",
                            f"--audit-log-path={self.audit_log}",
                            f"--admission-control-config-file={self._caller()}"])
        cleanup(self.cluster.stop)
        self.cluster.start()
        self.token = self.directory / "node-token"
        self.token.write_text("e2e-node-token\n")
        self.ca, self.certificate, self.key = make_certificate(self.directory)
        self._install_objects()
        self.host = FileHost(self.model_file.read_bytes(), self.certificate, self.key)
        self._start_exporter(cleanup)
        self._start_webhooks(cleanup)
        self.install(self.configuration())
        self.wait_until_judged()

    def _caller(self):
        """An admission configuration with a client certificate, and the CA that signed it."""
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
        self.caller_ca = self.directory / "caller-ca.crt"
        signed = ("-CA", self.caller_ca, "-CAkey", self.directory / "caller-ca.key")
        for name, subject, signer in (("caller-ca", "caller-ca", ()), ("caller", CALLER, signed)):
            openssl("req", "-x509", *curve, "-subj", f"/CN={subject}", *signer,
                    "-keyout", self.directory / f"{name}.key", "-out",
                    self.directory / f"{name}.crt")
        (self.directory / "webhooks.kubeconfig").write_text(
            WEBHOOK_USERS.format(directory=self.directory))
        configuration = self.directory / "admission.yaml"
        configuration.write_text(ADMISSION.format(directory=self.directory))
        return configuration

    def _install_objects(self):
        self.cluster.kubectl("apply", "--server-side", "-f",
                             ROOT / "charts" / "headroom" / "files" / "crds")
        for name in ("webhook-rbac.yaml", "mac-rbac.yaml"):
            self.cluster.kubectl("apply", "-f", ROOT / "docs" / "examples" / name)
        eventually(lambda: self.cluster.kubectl("get", "models,inferenceservices",
                                                check=False).returncode == 0, "CRDs are served")
        self.cluster.kubectl("create", "namespace", "team-a")

    def _start_exporter(self, cleanup):
        self.exporter = Daemon(
            "headroom-exporter", self.directory,
            "--listen", f"{ADDRESS}:0", "--node-name", "mac-1", "--advertise-address", ADDRESS,
            "--model-host", ADDRESS, "--kubeconfig", self.cluster.user("headroom:mac-1"),
            "--memory-budget", "512Mi", "--model-root", self.models,
            "--state-dir", self.directory / "state",
            "--llama-server", os.environ["HEADROOM_E2E_LLAMA_SERVER"],
            "--node-token-file", self.token, "--stop-models-on-exit")
        cleanup(self.exporter.kill)
        cleanup(self.exporter.stop, 60)
        self.exporter.start()

    def _start_webhooks(self, cleanup):
        self.cleanup = cleanup
        self.webhooks = [self._start_webhook(label) for label in ("webhook-a", "webhook-b")]
        for webhook in self.webhooks:
            eventually(lambda: webhook.get("/readyz", ca=self.ca)[0] == 200, "webhook is ready")
        ports = [int(webhook.url.rpartition(":")[2]) for webhook in self.webhooks]
        self.both = Splitter(ports)
        self.one = Splitter(ports[:1])

    def _start_webhook(self, label, *flags):
        webhook = Daemon(
            "headroom-webhook", self.directory, "--listen", "127.0.0.1:0",
            "--tls-cert", self.certificate, "--tls-key", self.key,
            "--kubeconfig", self.cluster.user("headroom-webhook"),
            "--node-token-file", self.token, "--shutdown-delay", "0s",
            "--source-allow", f"localhost:{self.host.port}", "--source-allow", "127.0.0.0/8",
            "--source-allow", "::1/128", "--source-ca", self.ca, *flags, label=label)
        self.cleanup(webhook.kill)
        return webhook.start()

    def webhook(self, label, subject):
        """One more that only takes callers with a certificate of `subject`."""
        return self._start_webhook(label, "--client-ca", self.caller_ca,
                                   "--client-allowed-subject", subject)

    # --- webhook configurations ------------------------------------------------------------------

    def configuration(self, name="headroom-webhook", port=None, path="/validate", ca=None, **hook):
        """As shipped, but reached at an address instead of through a Service; `hook` overrides."""
        shipped = self.cluster.kubectl(
            "create", "--dry-run=client", "-o", "json", "-f",
            ROOT / "docs" / "examples" / "webhook-configuration.yaml").stdout
        configuration = json.loads(shipped)
        configuration["metadata"] = {"name": name}
        one = configuration["webhooks"][0]
        one["clientConfig"] = {
            "url": f"https://127.0.0.1:{port or self.both.port}{path}",
            "caBundle": base64.b64encode((ca or self.ca).read_bytes()).decode()}
        one["timeoutSeconds"] = 3
        for key, value in hook.items():
            one[key] = value
            if value is None:
                del one[key]
        return configuration

    def install(self, *configurations):
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(configurations)})
        self.cluster.kubectl("apply", "-f", "-", stdin=text)

    def wait_until_judged(self):
        """The API server needs a moment to see a configuration: a hopeless model is its probe."""
        probe = self.model("probe", 4194304, nodeName="mac-1")
        eventually(lambda: "HR-10" in self.apply(probe, "--dry-run=server").stderr,
                   "the API server calls the webhook", 30)

    # --- objects ---------------------------------------------------------------------------------

    def node(self, name, budget=2 * GIB, committed=(), **annotations):
        """A Node whose exporter is the real one; `committed` are pairs of workload key and bytes."""
        values = {
            "memory-total": 2 * budget, "memory-budget": budget, "memory-budget-source": "flag 0.50",
            "gpu-working-set": 0, "memory-available": 2 * budget, "memory-pressure": "normal",
            "memory-committed": sum(size for _, size in committed),
            "memory-committed-workloads": " ".join(f"{key}={size}" for key, size in committed),
            "accelerator": "metal", "runtime-version": "0.6.0", "agent-version": "0.1.0",
            "metrics-address": self.exporter.url,
            "observed-at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        values.update({key.replace("_", "-"): value for key, value in annotations.items()})
        node = {"apiVersion": "v1", "kind": "Node",
                "metadata": {"name": name, "annotations": {
                    f"headroom.dev/{key}": str(value) for key, value in values.items()}},
                "status": {"addresses": [{"type": "InternalIP", "address": ADDRESS}]}}
        self.cluster.kubectl("apply", "-f", "-", stdin=json.dumps(node))
        self.cluster.kubectl("patch", "node", name, "--subresource=status", "--type=merge", "-p",
                             json.dumps({"status": node["status"]}))

    def model(self, name, context, source=None, namespace="team-a", labels=None, serving=None,
              **spec):
        """kvheavy has 16 KiB of KV cache a token: 65,536 tokens are 1 GiB."""
        return {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "Model",
                "metadata": {"name": name, "namespace": namespace, "labels": labels or {}},
                "spec": {"source": source or str(self.model_file), **spec,
                         "serving": {"contextSize": context, "parallelSlots": 1,
                                     "promptCacheMiB": 0, "contextCheckpoints": 0,
                                     **(serving or {})}}}

    def apply(self, manifest, *flags, verb="apply", check=False):
        return self.cluster.kubectl(verb, *flags, "-f", "-", stdin=json.dumps(manifest), check=check)

    def request(self, method, path, body=None):
        """Status and parsed body of one request to the API server as administrator."""
        pki = self.cluster.directory / "pki"
        context = ssl.create_default_context(cafile=self.cluster.ca)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        connection = http.client.HTTPSConnection("127.0.0.1", self.cluster.port, context=context,
                                                 timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": "application/json"})
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        finally:
            connection.close()

    def create(self, model, query=""):
        namespace = model["metadata"]["namespace"]
        return self.request(
            "POST", f"/apis/inference.llmkube.dev/v1alpha1/namespaces/{namespace}/models{query}",
            model)

    def decisions(self):
        """Reviews that the webhooks have answered, whatever the answer."""
        return sum(value for webhook in self.webhooks
                   for key, value in webhook.metrics(ca=self.ca).items()
                   if key.startswith("headroom_webhook_decisions_total"))
