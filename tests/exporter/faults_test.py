#!/usr/bin/env python3
"""What a node survives, with real processes: an exporter killed at bad moments, children that misbehave
in every way, hosts that fail while a model is fetched, memory that becomes critical, and memory that cannot be read. The machine's memory is
what the file says that is mounted over /proc/meminfo in a mount namespace of the test's own.
Usage: faults_test.py EXPORTER MAKE_GGUF LLAMA_SERVER STAND_IN"""

import os
import pathlib
import signal
import subprocess
import sys
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
STAND_IN = sys.argv.pop(4)
from exporter_fixture import MAKE_GGUF, ExporterTest, alive, eventually, fetch  # noqa: E402
from fetch_faults import Downloads  # noqa: E402, F401

MIB = 1 << 20


def processes_with(text):
    """Pids of live processes that have `text` in their command line or environment."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and alive(int(entry.name)):
                seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                if text.encode() in seen and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
        except OSError:
            continue
    return found


def meminfo_text(available):
    """This many MiB of 1,024."""
    return (f"MemTotal: {1024 * 1024} kB\nMemFree: {available * 1024} kB\n"
            f"MemAvailable: {available * 1024} kB\nBuffers: 0 kB\nCached: 0 kB\nSwapTotal: 0 kB\n"
            "SwapFree: 0 kB\n")


class Node(ExporterTest):
    """With a look at all processes that are ours."""

    def servers(self):
        return processes_with(f"HEADROOM_CHILD_OF={self.root.resolve()}/state\0")

    def setUp(self):
        super().setUp()
        self.meminfo = pathlib.Path(os.environ["HEADROOM_TEST_MEMINFO"])
        self.available(900)

    def write(self, text):
        with open(self.meminfo, "r+b", buffering=0) as file:  # the inode that is mounted stays
            file.write(text.encode().ljust(4096))

    def available(self, mib):
        self.write(meminfo_text(mib))

    def tearDown(self):
        self.children.update(self.servers())
        super().tearDown()

    def metric(self, name):
        page = fetch(self.url + "/metrics")[1].decode()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in page.splitlines() if line.startswith(name)}


class Children(Node):
    """Children that misbehave: the stand-in does as its --alias says."""

    def start_with(self, *how, name="tiny"):
        self.apply(name, more=f", extraArgs: [--alias, '{','.join(how)}']")
        return self.start(llama=STAND_IN)

    def test_ones_that_hang_or_ignore_sigterm_are_killed(self):
        self.apply("stubborn", more=", extraArgs: [--alias, ignore-term]")
        self.start_with("", name="hung")
        stubborn, hung = self.until("ready", "stubborn")["pid"], self.until("ready", "hung")["pid"]
        os.kill(hung, signal.SIGSTOP)
        (self.manifests / "stubborn.yaml").unlink()
        self.until("stopping", "stubborn")
        eventually(lambda: self.model("stubborn") is None, "stubborn is gone", 45)
        self.assertFalse(alive(stubborn))
        # Asked each 10 s, then each 2 s with 5 s for an answer; after 9 failures it is stopped.
        again = self.until("ready", "hung", pid=hung, seconds=150)
        self.assertFalse(alive(hung))
        self.assertEqual(self.servers(), [again["pid"]])

    def test_one_that_never_becomes_healthy_stays_loading_and_stops_at_once(self):
        self.start_with("never-healthy")
        model = self.until("loading")
        time.sleep(1)  # some probes
        self.assertEqual(self.model()["state"], "loading")
        self.assertEqual(self.servers(), [model["pid"]])
        (self.manifests / "tiny.yaml").unlink()
        eventually(lambda: self.model() is None, "it is gone")
        self.assertEqual(self.servers(), [])

    def test_the_log_of_one_that_prints_a_gigabyte_stays_small(self):
        self.start_with("spam")
        self.until("ready")
        log = self.root / "state" / "logs" / "Model_default_tiny.log"
        kept = pathlib.Path(f"{log}.1")
        eventually(kept.exists, "the log is turned over")
        eventually(lambda: log.stat().st_size < 16 * MIB, "the log is small again", 60)
        self.assertLessEqual(kept.stat().st_size, 1 * MIB)
        self.assertEqual(self.model()["state"], "ready")

    def test_what_one_forked_goes_with_it(self):
        self.start_with("fork")
        model = self.until("ready")
        both = self.servers()
        self.assertEqual(len(both), 2)
        os.kill(model["pid"], signal.SIGKILL)
        self.until("ready", pid=model["pid"])
        self.assertFalse(any(alive(pid) for pid in both))
        self.assertEqual(len(self.servers()), 2)


class Exporter(Node):
    """An exporter killed at any time leaves nothing that the next one does not find."""

    def test_killed_at_random_moments_it_never_leaves_two_children(self):
        self.apply()
        for delay in (0, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8):
            exporter = self.start(llama=STAND_IN)
            time.sleep(delay)
            exporter.kill()
            exporter.wait()
            self.assertLessEqual(len(self.servers()), 1, delay)
        self.start(llama=STAND_IN)
        model = self.until("ready")
        self.assertEqual(self.servers(), [model["pid"]])

    def test_killed_while_a_real_model_loads(self):
        subprocess.run([MAKE_GGUF, "kvheavy", self.models / "large.gguf"], check=True)
        self.apply("large", context=16384, path=self.models / "large.gguf")
        first = self.start()
        pid = eventually(lambda: (self.model("large") or {}).get("pid"), "it is started")
        first.kill()
        first.wait()
        self.start()
        self.assertEqual(self.until("ready", "large")["pid"], pid)
        self.assertEqual(self.servers(), [pid])


class Memory(Node):
    """Two real models on a machine whose memory the test writes."""

    def setUp(self):
        super().setUp()
        subprocess.run([MAKE_GGUF, "kvheavy", self.gguf], check=True)
        for name, priority in (("important", "high"), ("small", "low")):  # 0.4 GiB each
            self.apply(name, context=16384, more=f", priority: {priority}")

    def start_both(self, *args):
        self.start("--memory-watchdog-interval", "1s", "--memory-fraction", "0.9", *args)
        self.until("ready", "important")
        self.until("ready", "small")

    def test_eviction_and_return(self):
        self.start_both("--eviction-enabled", "--eviction-cool-down", "3s")
        victim = self.model("small")["pid"]
        self.available(50)
        evicted = self.until("evicted", "small")
        self.assertRegex(evicted["reason"], r"^evicted: memory is critical with 50\.0 MiB of 1\.0 GiB "
                         r"available \(4 %\); this model took \d+\.\d MiB of the \d+\.\d MiB of 2 models")
        self.assertFalse(alive(victim))
        eventually(lambda: self.metric('headroom_evictions_skipped_total{reason="floor"')
                   .popitem()[1] > 0, "the last one stays", 30)
        self.assertEqual(self.model("important")["state"], "ready")
        self.assertEqual(self.metric("headroom_evictions_total"), {"headroom_evictions_total": 1})
        self.available(900)
        self.assertEqual(self.until("ready", "small")["state"], "ready")
        self.assertEqual(self.model("important")["state"], "ready")

    def test_off_by_default(self):
        self.start_both()
        self.available(50)
        eventually(lambda: self.metric('headroom_evictions_skipped_total{reason="disabled"')
                   .popitem()[1] > 1, "critical was seen", 30)
        self.assertEqual(self.metric("headroom_evictions_total"), {"headroom_evictions_total": 0})
        self.assertEqual(self.model("small")["state"], "ready")

    def test_what_cannot_be_read_evicts_nothing(self):
        self.start_both("--eviction-enabled")
        self.write("nothing\n")
        eventually(lambda: self.metric("headroom_watchdog_sample_errors_total")
                   .popitem()[1] > 3, "some looks have failed", 30)
        self.assertEqual(self.metric("headroom_memory_pressure_level").popitem()[1], -1)
        self.assertEqual(self.metric("headroom_evictions_total"), {"headroom_evictions_total": 0})
        self.assertEqual([self.model(name)["state"] for name in ("important", "small")],
                         ["ready", "ready"])


def run_in_namespace(case, number):
    """One class of tests where a file of ours lies over /proc/meminfo for it and its children only."""
    meminfo = pathlib.Path(f"/tmp/headroom-meminfo-{os.getpid()}-{case}")
    meminfo.write_text(meminfo_text(900).ljust(4096))
    first = 24000 + 100 * number
    environment = dict(os.environ, HEADROOM_TEST_MEMINFO=str(meminfo),
                       HEADROOM_TEST_PORTS=f"{first}-{first + 99}")
    as_root = [] if os.geteuid() == 0 else ["--map-root-user"]
    return subprocess.Popen(
        ["unshare", "--mount", *as_root, "sh", "-c",
         'mount --bind "$HEADROOM_TEST_MEMINFO" /proc/meminfo && exec "$@"', "sh", sys.executable,
         *sys.argv, STAND_IN, case], env=environment, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True), meminfo


def main():
    """Most of the time is waiting, so the classes run beside each other."""
    started = [run_in_namespace(case, number)
               for number, case in enumerate(("Children", "Downloads", "Exporter", "Memory"))]
    failed = False
    for process, meminfo in started:
        print(process.communicate()[0], flush=True)
        meminfo.unlink()
        failed = failed or process.returncode != 0
    return failed


if __name__ == "__main__":
    if "HEADROOM_TEST_MEMINFO" not in os.environ:
        sys.exit(main())
    unittest.main(argv=[sys.argv[0], sys.argv[4]], verbosity=2)
