#!/usr/bin/env python3
"""How the webhook does in a large cluster: 1,000 nodes, 10,000 Models and 10,000 InferenceServices on
a real API server. Prints start-up to ready, memory, the latency of decisions and the cost of reading
everything again.

    HEADROOM_BUILD=build/release tests/bench/scale/scale.py [--nodes N] [--models N] [--services N]
"""

import argparse
import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "e2e"))
from admission_lab import FileHost  # noqa: E402
from controlplane import ControlPlane  # noqa: E402
from daemons import ROOT, Daemon, eventually, make_certificate, program, script  # noqa: E402

GIB = 1 << 30
GROUP = "/apis/inference.llmkube.dev/v1alpha1"
FOOTPRINT = GIB // 2
WRITERS = 16


def node(number):
    """Room for 64 GiB of models; ten of half a GiB run there."""
    values = {"memory-total": 96 * GIB, "memory-budget": 64 * GIB, "memory-budget-source": "flag 0.67",
              "gpu-working-set": 72 * GIB, "memory-available": 80 * GIB, "memory-pressure": "normal",
              "memory-committed": 0, "accelerator": "metal", "runtime-version": "0.7.0",
              "agent-version": "0.1.0", "metrics-address": f"http://10.1.0.1:{number}",
              # Filling the cluster may take longer than a node stays fresh.
              "observed-at": "2100-01-01T00:00:00Z"}
    return {"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": f"mac-{number:04}", "annotations": {
                f"headroom.dev/{key}": str(value) for key, value in values.items()}}}


def meta(name, claimed_by=None):
    out = {"name": name, "namespace": "default", "labels": {"app": name, "team": "research"}}
    if claimed_by:
        out["annotations"] = {"headroom.dev/claimed-by": claimed_by,
                              "headroom.dev/footprint-bytes": str(FOOTPRINT)}
    return out


def model(number, nodes):
    """Every second one is served by itself, the others by a service."""
    owner = f"mac-{number % nodes:04}" if number % 2 == 0 else None
    spec = {"source": f"hf://org/repo-{number}/model-{number}.Q4_K_M.gguf", "format": "gguf",
            "quantization": "Q4_K_M", "hardware": {"accelerator": "metal"}}
    if owner:
        spec["serving"] = {"contextSize": 8192, "parallelSlots": 1}
    return {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "Model",
            "metadata": meta(f"model-{number}", owner), "spec": spec}


def service(number, models, nodes):
    return {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": "InferenceService",
            "metadata": meta(f"chat-{number}", f"mac-{number % nodes:04}"),
            "spec": {"modelRef": f"model-{(2 * number + 1) % models}", "contextSize": 4096,
                     "extraArgs": ["--cache-ram", "0"]}}


class Connections:
    """One kept connection a thread, to the API server or to the webhook."""

    def __init__(self, port, context):
        self.port, self.context, self.local = port, context, threading.local()

    def post(self, path, body):
        connection = getattr(self.local, "connection", None)
        if connection is None:
            connection = self.local.connection = http.client.HTTPSConnection(
                "127.0.0.1", self.port, context=self.context, timeout=60)
        connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, response.read()


def fill(cluster, args):
    pki = cluster.directory / "pki"
    context = ssl.create_default_context(cafile=cluster.ca)
    context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
    api = Connections(cluster.port, context)

    def create(job):
        status, body = api.post(*job)
        assert status in (201, 409), body

    started = time.monotonic()
    jobs = [("/api/v1/nodes", node(i)) for i in range(args.nodes)]
    jobs += [(f"{GROUP}/namespaces/default/models", model(i, args.nodes)) for i in range(args.models)]
    jobs += [(f"{GROUP}/namespaces/default/inferenceservices", service(i, args.models, args.nodes))
             for i in range(args.services)]
    with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(create, jobs))
    print(f"created {len(jobs)} objects in {time.monotonic() - started:.0f} s", flush=True)
    return api


def status_of(pid):
    """Resident and peak memory in MiB, CPU seconds."""
    fields = dict(line.split(":", 1) for line in
                  pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return {"rss": int(fields["VmRSS"].split()[0]) / 1024, "peak": int(fields["VmHWM"].split()[0]) / 1024,
            "cpu": (int(stat[11]) + int(stat[12])) / ticks}


def review(kind, name, spec, annotations=None):
    plural = {"Model": "models", "InferenceService": "inferenceservices"}[kind]
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {
        "uid": str(uuid.uuid4()), "operation": "CREATE", "dryRun": True, "name": name,
        "namespace": "default", "userInfo": {"username": "bench"},
        "kind": {"group": "inference.llmkube.dev", "version": "v1alpha1", "kind": kind},
        "resource": {"group": "inference.llmkube.dev", "version": "v1alpha1", "resource": plural},
        "object": {"apiVersion": "inference.llmkube.dev/v1alpha1", "kind": kind,
                   "metadata": {"name": name, "namespace": "default",
                                "annotations": annotations or {}}, "spec": spec},
        "oldObject": None}}


def decisions(webhook, ca, source, count):
    """Latency by kind of decision, seen by one caller over one connection."""
    connection = Connections(int(webhook.url.rpartition(":")[2]), ssl.create_default_context(cafile=ca))
    serving = {"contextSize": 8192, "parallelSlots": 1, "promptCacheMiB": 0}
    metal = {"source": source, "hardware": {"accelerator": "metal"}}
    kinds = {
        "bound, fits": ("Model", {**metal, "nodeName": "mac-0001", "serving": serving}, None),
        "bound, too large": ("Model", {**metal, "nodeName": "mac-0001",
                                       "serving": {**serving, "contextSize": 1 << 30}}, None),
        "any node, fits": ("Model", {**metal, "serving": serving}, None),
        "any node, too large": ("Model", {**metal, "serving": {**serving, "contextSize": 1 << 30}},
                                None),
        "service of a Model": ("InferenceService", {"modelRef": "unknown"}, None),
    }
    for name, (kind, spec, annotations) in kinds.items():
        times = []
        cpu = status_of(webhook.process.pid)["cpu"]
        for i in range(count):
            body = review(kind, f"bench-{i}", spec, annotations)
            started = time.perf_counter()
            status, answer = connection.post("/validate?timeout=10s", body)
            times.append(time.perf_counter() - started)
            assert status == 200, answer
        times.sort()
        cpu = (status_of(webhook.process.pid)["cpu"] - cpu) / count
        verdict = json.loads(answer)["response"]["allowed"]
        print(f"  {name:22} p50 {times[len(times) // 2] * 1e3:7.2f} ms   "
              f"p99 {times[int(len(times) * 0.99)] * 1e3:7.2f} ms   CPU {cpu * 1e3:6.2f} ms   "
              f"allowed {verdict}", flush=True)


def relist(cluster, webhook, ca):
    """A new API server knows nothing of old watches, so all kinds are listed again."""
    def relists():
        return sum(value for key, value in webhook.metrics(ca=ca).items()
                   if key.startswith("headroom_webhook_feed_relists_total"))

    pid = webhook.process.pid
    listed, before = relists(), status_of(pid)
    pathlib.Path(f"/proc/{pid}/clear_refs").write_text("5")  # VmHWM starts over
    cluster.stop_component("kube-apiserver")
    cluster.start_apiserver()
    eventually(lambda: relists() >= listed + 3, "everything was read again", 120)
    after = status_of(pid)
    print(f"relist of all kinds: {after['cpu'] - before['cpu']:.2f} s CPU, peak {after['peak']:.1f} MiB, "
          f"then {after['rss']:.1f} MiB", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=1000)
    parser.add_argument("--models", type=int, default=10000)
    parser.add_argument("--services", type=int, default=10000)
    parser.add_argument("--decisions", type=int, default=1000, help="of each kind")
    args = parser.parse_args()
    directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-scale-"))
    cluster = ControlPlane(script("get-controlplane"), directory / "cluster", node_grace=3600)
    webhook = None
    try:
        cluster.start()
        cluster.kubectl("apply", "--server-side", "-f", ROOT / "charts" / "headroom" / "files" / "crds")
        cluster.kubectl("apply", "-f", ROOT / "docs" / "examples" / "webhook-rbac.yaml")
        eventually(lambda: cluster.kubectl("get", "models,inferenceservices",
                                           check=False).returncode == 0, "CRDs are served")
        fill(cluster, args)
        ca, certificate, key = make_certificate(directory)
        gguf = directory / "kvheavy.gguf"
        subprocess.run([program("make-gguf"), "kvheavy", gguf], check=True)
        host = FileHost(gguf.read_bytes(), certificate, key)
        webhook = Daemon("headroom-webhook", directory, "--listen", "127.0.0.1:0", "--tls-cert",
                         certificate, "--tls-key", key, "--kubeconfig",
                         cluster.user("headroom-webhook"), "--source-allow", f"localhost:{host.port}",
                         "--source-allow", "127.0.0.0/8", "--source-allow", "::1/128",
                         "--source-ca", ca, "--shutdown-delay", "0s")
        started = time.monotonic()
        webhook.start()
        eventually(lambda: webhook.get("/readyz", ca=ca)[0] == 200, "ready", 300, interval=0.02)
        ready = time.monotonic() - started
        state = status_of(webhook.process.pid)
        print(f"start to ready {ready:.2f} s, {state['cpu']:.2f} s CPU; memory {state['rss']:.1f} MiB, "
              f"peak {state['peak']:.1f} MiB", flush=True)
        decisions(webhook, ca, f"https://localhost:{host.port}/kvheavy.gguf", args.decisions)
        print(f"memory after them {status_of(webhook.process.pid)['rss']:.1f} MiB", flush=True)
        relist(cluster, webhook, ca)
    finally:
        if webhook is not None:
            webhook.kill()
        cluster.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
