"""The three servers that are compared, the view that two of them decide from, and the bodies."""

import datetime
import http.server
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
NODES, MODELS_A_NODE = 10, 10
BUDGET = 64 << 30
# Footprint of the kvheavy model, roughly; only the verdict must be that of the real estimate.
BASE, PER_TOKEN = 128 << 20, 16 << 10
MODEL_FILE = "/models/kvheavy.gguf"


def model(name, node, context, filler=0):
    """A Model as the API server sends it, with `filler` bytes that no webhook looks at."""
    managed = [{"manager": "kubectl-client-side-apply", "operation": "Update",
                "apiVersion": "inference.llmkube.dev/v1alpha1", "time": "2026-01-02T03:04:05Z",
                "fieldsType": "FieldsV1",
                "fieldsV1": {"f:spec": {"f:source": {}, "f:serving": {"f:contextSize": {}}}}}]
    value = {
        "apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "Model",
        "metadata": {"name": name, "namespace": "team-a", "uid": "7c5e0f9e-0a55-4c53-9bb1-6ad1f5d6b5a1",
                     "resourceVersion": "4711", "generation": 1,
                     "creationTimestamp": "2026-01-02T03:04:05Z", "managedFields": managed},
        "spec": {"source": f"file://{MODEL_FILE}", "format": "gguf", "nodeName": node,
                 "hardware": {"accelerator": "metal"},
                 "serving": {"contextSize": context, "parallelSlots": 1, "promptCacheMiB": 0,
                             "contextCheckpoints": 0}},
    }
    if filler:
        # Many short values: what a big object is really made of.
        value["spec"]["notes"] = {f"note-{i:06}": "x" * 40 for i in range(filler // 57)}
    return value


def claimed(value):
    """The Model as a node has claimed it."""
    value["metadata"]["annotations"] = {
        "headroom.dev/claimed-by": value["spec"]["nodeName"],
        "headroom.dev/footprint-bytes":
            str(BASE + value["spec"]["serving"]["contextSize"] * PER_TOKEN)}
    return value


def review(operation, new, old=None):
    kind = {"group": "inference.llmkube.dev", "version": "v1alpha1", "kind": "Model"}
    resource = {"group": "inference.llmkube.dev", "version": "v1alpha1", "resource": "models"}
    return json.dumps({
        "kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "kind": kind, "resource": resource,
            "requestKind": kind, "requestResource": resource, "name": new["metadata"]["name"],
            "namespace": "team-a", "operation": operation,
            "userInfo": {"username": "kubernetes-admin",
                         "groups": ["system:masters", "system:authenticated"]},
            "object": new, "oldObject": old, "dryRun": True,
            "options": {"kind": f"{operation.title()}Options", "apiVersion": "meta.k8s.io/v1",
                        "fieldManager": "kubectl-client-side-apply"}}})


def bodies():
    """Reviews that are judged and allowed, by name; dry runs, so that none changes the next."""
    return {
        "create 2 KB": review("CREATE", model("new", "mac-1", 16384, 700)),
        "update 8 KB": review("UPDATE", model("new", "mac-1", 16384, 3000),
                              model("new", "mac-1", 8192, 3000)),
        "update 3 MB": review("UPDATE", model("new", "mac-1", 16384, 1500 << 10),
                              model("new", "mac-1", 8192, 1500 << 10)),
    }


class Macs:
    """What the webhook needs of the exporters: their Nodes, fresh, and the header of the model."""

    def __init__(self, header):
        macs = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                body = header if self.path.startswith("/v1/header") else macs.nodes().encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.send_header("X-Headroom-File-Bytes", str(len(header)))
                self.send_header("ETag", '"1"')
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def nodes(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        annotations = {"memory-total": 2 * BUDGET, "memory-budget": BUDGET,
                       "memory-budget-source": "flag 0.50", "gpu-working-set": 0,
                       "memory-available": 2 * BUDGET, "memory-committed": 0,
                       "memory-pressure": "normal", "accelerator": "metal",
                       "metrics-address": self.address, "agent-version": "0.1.0",
                       "observed-at": now}
        return json.dumps({"apiVersion": "v1", "kind": "List", "items": [
            {"apiVersion": "v1", "kind": "Node",
             "metadata": {"name": f"mac-{i}", "labels": {"kubernetes.io/hostname": f"mac-{i}"},
                          "annotations": {f"headroom.dev/{k}": str(v)
                                          for k, v in annotations.items()}}}
            for i in range(NODES)]})


class Server:
    """One server process, pinned to the first core."""

    def __init__(self, name, port, command, directory, priority):
        self.name, self.url = name, f"https://127.0.0.1:{port}/validate?timeout=10s"
        self.log = pathlib.Path(directory) / f"{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(["taskset", "-c", "0", *priority, *map(str, command)],
                                            stdout=log, stderr=log)

    def ask(self, body):
        request = urllib.request.Request(self.url, body.encode(),
                                         {"Content-Type": "application/json"})
        context = ssl._create_unverified_context()
        with urllib.request.urlopen(request, timeout=10, context=context) as response:
            return json.load(response)["response"]

    def wait(self, body):
        """Until it allows `body`."""
        deadline, seen = time.monotonic() + 60, None
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                seen = self.ask(body)
                if seen["allowed"]:
                    return
            except OSError as error:
                seen = error
            time.sleep(0.1)
        raise SystemExit(f"{self.name} does not allow the review: {seen}\n{self.log.read_text()}")

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def rss(self):
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.partition("VmRSS:")[2].split()[0]) << 10

    def stop(self):
        self.process.kill()
        self.process.wait()


NGINX = """daemon off;
master_process off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.error;
worker_rlimit_nofile 1024;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {directory}/body;
  client_max_body_size 8m;
  client_body_buffer_size 4m;
  keepalive_requests 1000000000;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {directory}/tls.crt;
    ssl_certificate_key {directory}/tls.key;
    ssl_protocols TLSv1.3;
    ssl_session_tickets off;
    location / {{
      default_type application/json;
      return 200 '{answer}';
    }}
  }}
}}
"""
ANSWER = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {
    "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "allowed": True,
    "auditAnnotations": {"decision": "allowed", "node": "mac-1", "footprint-bytes": "402653184"}}})


def start_all(directory, build, controller_runtime, ports, priority):
    """headroom-webhook, the controller-runtime webhook and nginx, over one certificate."""
    directory = pathlib.Path(directory)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=bench",
                    "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", directory / "tls.key",
                    "-out", directory / "tls.crt"], check=True, capture_output=True)
    gguf = directory / "kvheavy.gguf"
    subprocess.run([build / "tests" / "tools" / "make-gguf", "kvheavy", gguf], check=True)
    macs = Macs(gguf.read_bytes())
    known = [claimed(model(f"model-{n}-{i}", f"mac-{n}", 16384))
             for n in range(NODES) for i in range(MODELS_A_NODE)]
    (directory / "manifests").mkdir()
    (directory / "manifests" / "models.json").write_text(
        json.dumps({"apiVersion": "v1", "kind": "List", "items": known}))
    (directory / "models.json").write_text(json.dumps(known))
    (directory / "nodes.json").write_text(macs.nodes())
    (directory / "nginx.conf").write_text(
        NGINX.format(directory=directory, port=ports[2], answer=ANSWER))
    start = lambda name, port, *command: Server(name, port, command, directory, priority)  # noqa: E731
    return [
        start("headroom", ports[0], build / "webhook" / "headroom-webhook", "--listen",
              f"127.0.0.1:{ports[0]}", "--tls-cert", directory / "tls.crt", "--tls-key",
              directory / "tls.key", "--nodes", f"http://{macs.address}/v1/node", "--manifests",
              directory / "manifests", "--log-level", "warn"),
        start("controller-runtime", ports[1], controller_runtime, "-port", ports[1], "-cert-dir",
              directory, "-nodes", directory / "nodes.json", "-models", directory / "models.json",
              "-base", BASE, "-per-token", PER_TOKEN),
        start("nginx", ports[2], shutil.which("nginx") or "/usr/sbin/nginx", "-c",
              directory / "nginx.conf", "-p", directory),
    ]
