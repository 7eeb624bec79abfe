"""Usage: bench.py EXPORTER MAKE_GGUF LLAMA_SERVER NODE_EXPORTER [--seconds N] [--scrapes N]; see run."""

import argparse
import contextlib
import http.client
import json
import os
import pathlib
import platform
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "support"))
from file_host import FileHost  # noqa: E402

MANIFEST = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {source}
  hardware: {{accelerator: metal}}
  serving: {{contextSize: 512, parallelSlots: 1, promptCacheMiB: 0}}
"""
PHASES = ("seen", "claiming", "downloading", "preflight", "loading")
# Collectors of node_exporter that read what ours reads.
NODE_COLLECTORS = ("meminfo", "vmstat", "pressure")


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise SystemExit("gave up waiting")


def cpu_seconds(pid):
    """Of all threads, by the scheduler's nanoseconds: a tick is too coarse for an idle process."""
    tasks = pathlib.Path(f"/proc/{pid}/task").glob("*/schedstat")
    return sum(int(task.read_text(encoding="ascii").split()[0]) for task in tasks) / 1e9


def memory_mb(pid):
    """(resident, proportional) in MB."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii")
    return tuple(int(re.search(rf"^{key}:\s+(\d+)", text, re.M)[1]) * 1024 / 1e6
                 for key in ("Rss", "Pss"))


class Page:
    """One kept connection to a page."""

    def __init__(self, port, path):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.connect()
        self.connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.path = path

    def get(self):
        self.connection.request("GET", self.path)
        response = self.connection.getresponse()
        body = response.read()
        if response.status != 200:
            raise SystemExit(f"{self.path}: HTTP {response.status}")
        return body

    def timed(self):
        begin = time.perf_counter()
        self.get()
        return time.perf_counter() - begin


class Exporter:
    def __init__(self, root, programs, *args):
        self.root = pathlib.Path(root)
        self.manifests = self.root / "manifests"
        self.manifests.mkdir()
        log = open(self.root / "log", "w+", encoding="utf-8")
        self.process = subprocess.Popen(
            [programs.exporter, "--listen", "127.0.0.1:0", "--manifests", self.manifests,
             "--state-dir", self.root / "state", "--llama-server", programs.llama_server,
             "--stop-models-on-exit", *args], stderr=log)
        found = wait_for(lambda: re.search(r"url=http://\S+:(\d+)",
                                           (self.root / "log").read_text(encoding="utf-8")))
        self.port = int(found[1])
        self.page = Page(self.port, "/v1/models")

    def apply(self, name, source):
        (self.manifests / f"{name}.yaml").write_text(MANIFEST.format(name=name, source=source))

    def models(self):
        return {m["name"]: m for m in json.loads(self.page.get())["models"]}

    def ready(self, count):
        wait_for(lambda: sum(m["state"] == "ready" for m in self.models().values()) == count, 120)

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


@contextlib.contextmanager
def exporter(programs, count, *args):
    with tempfile.TemporaryDirectory() as root:
        gguf = pathlib.Path(root) / "tiny.gguf"
        subprocess.run([programs.make_gguf, "tiny", gguf], check=True)
        running = Exporter(root, programs, *args)
        try:
            for i in range(count):
                running.apply(f"m{i}", f"file://{gguf}")
            running.ready(count)
            yield running
        finally:
            running.stop()


@contextlib.contextmanager
def node_exporter(programs):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [programs.node_exporter, f"--web.listen-address=127.0.0.1:{port}",
         "--collector.disable-defaults", "--web.disable-exporter-metrics",
         *(f"--collector.{name}" for name in NODE_COLLECTORS)],
        stderr=subprocess.DEVNULL)
    try:
        def open_page():
            try:
                return Page(port, "/metrics")
            except OSError:
                return None

        yield process.pid, wait_for(open_page)
    finally:
        process.terminate()
        process.wait(10)


def measure_idle(programs, seconds):
    print(f"\nidle for {seconds} s   CPU of a core   RSS MB   PSS MB")
    for count in (0, 1, 8):
        with exporter(programs, count) as running:
            pid = running.process.pid
            time.sleep(2)  # what starting left behind
            begin = cpu_seconds(pid)
            time.sleep(seconds)
            share = (cpu_seconds(pid) - begin) / seconds
            rss, pss = memory_mb(pid)
            print(f"{count} models        {share:12.3%}   {rss:6.1f}   {pss:6.1f}", flush=True)


def percentiles(samples):
    cuts = statistics.quantiles(samples, n=1000)
    return cuts[499] * 1e3, cuts[989] * 1e3


def measure_scrapes(programs, count):
    print(f"\nscrape, {count} each      p50 ms   p99 ms   CPU us   bytes")
    rows = [("0 models", 0, []), ("1 model", 1, []), ("8 models", 8, []),
            ("8, --no-scrape-models", 8, ["--no-scrape-models"])]
    for label, models, args in rows:
        with exporter(programs, models, *args) as ours, node_exporter(programs) as (node_pid, node):
            page = Page(ours.port, "/metrics")
            targets = {"headroom": (ours.process.pid, page, []), "node": (node_pid, node, [])}
            for _ in range(20):
                for _, each, _ in targets.values():
                    each.get()
            size = {name: len(each.get()) for name, (_, each, _) in targets.items()}
            used = {name: cpu_seconds(pid) for name, (pid, _, _) in targets.items()}
            for _ in range(count):  # in turn, so that both see the same machine
                for _, each, samples in targets.values():
                    samples.append(each.timed())
            for name, (pid, _, samples) in targets.items():
                if name == "node" and models > 0:
                    continue
                p50, p99 = percentiles(samples)
                cpu = (cpu_seconds(pid) - used[name]) / count * 1e6
                title = "node_exporter" if name == "node" else label
                print(f"{title:22} {p50:8.3f} {p99:8.3f} {cpu:8.0f} {size[name]:7}", flush=True)
            if models == 0:
                for name, pid in (("headroom", ours.process.pid), ("node_exporter", node_pid)):
                    print(f"  RSS after that: {name} {memory_mb(pid)[0]:.1f} MB")


def phases_of(running, name, source):
    """Seconds in each state from the manifest on, by asking every few milliseconds."""
    begin = last = time.perf_counter()
    running.apply(name, source)
    state, spent = "seen", dict.fromkeys(PHASES, 0.0)
    while state != "ready":
        now_state = running.models().get(name, {"state": "seen"})["state"]
        now = time.perf_counter()
        spent[state] = spent.get(state, 0.0) + now - last
        state, last = now_state, now
        if now - begin > 120:
            raise SystemExit(f"{name} is {state}, not ready")
    return spent, last - begin


def measure_apply(programs, rounds=5):
    print(f"\nfrom manifest to ready, ms (median of {rounds}; 'seen': the folder is read each second)")
    print("model              " + "".join(f"{phase:>12}" for phase in PHASES) + "       total")
    for kind in ("tiny", "kvheavy"):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            subprocess.run([programs.make_gguf, kind, folder / "model.gguf"], check=True)
            content = (folder / "model.gguf").read_bytes()
            host = FileHost(folder, content)
            (folder / "run").mkdir()
            running = Exporter(folder / "run", programs, "--source-ca", host.certificate,
                               "--source-allow", f"127.0.0.1:{host.port}")
            try:
                results = [phases_of(running, f"{kind}{i}",
                                     f"{host.url}/{i}/model.gguf")
                           for i in range(rounds)]
            finally:
                running.stop()
                host.close()
            median = [statistics.median(spent[phase] for spent, _ in results) for phase in PHASES]
            total = statistics.median(total for _, total in results)
            print(f"{kind} {len(content) / 1e6:4.1f} MB".ljust(19) +
                  "".join(f"{value * 1e3:12.1f}" for value in [*median, total]), flush=True)


def main():
    parser = argparse.ArgumentParser()
    for name in ("exporter", "make_gguf", "llama_server", "node_exporter"):
        parser.add_argument(name)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--scrapes", type=int, default=2000)
    programs = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    measure_scrapes(programs, programs.scrapes)
    measure_idle(programs, programs.seconds)
    measure_apply(programs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
