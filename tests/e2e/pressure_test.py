#!/usr/bin/env python3
"""Memory that is short, on a node of a real cluster: what the objects say, what is evicted and comes back,
and what is told before. The node's memory is what the files say that are mounted over /proc/meminfo and
/proc/vmstat. The llama-server is a stand-in; each counts with its estimate. The steps build on each
other and run in the order of their names."""

import json
import pathlib
import subprocess
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import namespace  # noqa: E402
from daemons import eventually, program  # noqa: E402
from macs import exporter, kill_servers, servers, set_up  # noqa: E402

NODE, ADDRESS = "mac-1", "10.200.7.5"
MIB = 1 << 20

# Some 0.4 GiB each, of 1 GiB.
MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  nodeName: {node}
  serving: {{contextSize: 16384, parallelSlots: 1, promptCacheMiB: 0, priority: {priority}}}
"""


class Memory(threading.Thread):
    """What the node reads of its memory. All the time, a MiB a second is wired and two are swapped out."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.files = {name: directory / name for name in ("meminfo", "vmstat")}
        self.available = 900
        self.began = time.monotonic()
        self.ended = threading.Event()
        for name, path in self.files.items():
            path.write_bytes(b" " * 4096)
            subprocess.run(["mount", "--bind", path, f"/proc/{name}"], check=True)
        self.write()
        self.start()

    def run(self):
        while not self.ended.wait(0.2):
            self.write()

    def stop(self):
        self.ended.set()
        self.join()

    def write(self):
        grown = int((time.monotonic() - self.began) * 1024)
        self.put("meminfo", f"MemTotal: {1 << 20} kB\nMemFree: {self.available << 10} kB\n"
                 f"MemAvailable: {self.available << 10} kB\nBuffers: 0 kB\nCached: 0 kB\n"
                 f"Unevictable: {grown} kB\nSwapTotal: 0 kB\nSwapFree: 0 kB\n")
        self.put("vmstat", f"pgpgin 0\npgpgout {2 * grown}\npswpin 0\npswpout {grown // 2}\n")

    def put(self, name, text):
        with open(self.files[name], "r+b", buffering=0) as file:  # the inode that is mounted stays
            file.write(text.encode().ljust(4096))

    def set(self, mib):
        self.available = mib
        self.write()


class ShortOfMemory(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        set_up(cls, "kvheavy", ADDRESS)
        cls.cluster.allow_macs(NODE)
        cls.memory = Memory(cls.directory)
        cls.addClassCleanup(cls.memory.stop)
        cls.exporter = exporter(
            cls.directory, NODE, ADDRESS, cls.cluster.user(f"headroom:{NODE}"),
            "--llama-server", program("stand-in-server"), "--memory-fraction", "0.9",
            "--memory-watchdog-interval", "1s", "--eviction-enabled", "--eviction-cool-down", "2s")
        cls.addClassCleanup(kill_servers, cls.directory / "state")
        cls.addClassCleanup(cls.exporter.kill)
        cls.exporter.start()

    def pid(self, name):
        pids = servers(self.directory / "state").get(f"Model/default/{name}", [])
        self.assertLessEqual(len(pids), 1, f"{name} runs twice")
        return pids[0] if pids else 0

    def until(self, name, phase, seconds=30):
        def reached():
            model = self.cluster.object("model", name)
            return model.get("status", {}).get("serving", {}).get("phase") == phase

        try:
            eventually(reached, f"{name} is {phase}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.exporter.log()}") from None

    def pressure(self, name):
        found = self.cluster.condition("model", name, "MemoryPressure")
        return found and (found["status"], found["reason"])

    def published(self, name):
        return self.cluster.kubectl("get", "service,endpointslice", name, "-o", "name",
                                    "--ignore-not-found").stdout.split()

    def counted(self, name, reason):
        return sum(event.get("count") or 1 for event in self.cluster.events(name, reason))

    def looks(self):
        return self.exporter.metrics()["headroom_watchdog_last_sample_timestamp_seconds"]

    def test_a_normal(self):
        for name, priority in (("important", "high"), ("small", "low")):
            self.cluster.kubectl("apply", "-f", "-", stdin=MODEL.format(
                name=name, path=self.model_file, node=NODE, priority=priority))
            self.until(name, "Ready")
        eventually(lambda: self.pressure("small") == ("False", "Normal"), "the condition")
        self.assertEqual(len(self.published("small")), 2)

    def test_b_critical_at_every_other_look_is_nothing(self):
        before = self.pid("important"), self.pid("small")
        for look in range(12):
            last = self.looks()
            self.memory.set(900 if look % 2 else 50)
            eventually(lambda: self.looks() != last, "the next look", interval=0.02)
        self.memory.set(900)
        self.assertEqual((self.pid("important"), self.pid("small")), before)
        self.assertEqual(self.exporter.metrics()["headroom_evictions_total"], 0)
        self.assertLessEqual(self.counted("small", "MemoryPressureLevelChanged"), 2)

    def test_c_critical_evicts_the_lesser_and_says_so(self):
        important = self.pid("important")
        self.memory.set(50)
        self.until("small", "Evicted")
        self.assertEqual(self.pid("small"), 0)
        self.assertEqual(self.pressure("small"), ("True", "Evicted"))
        self.assertEqual(self.published("small"), [], "its endpoint went with it")
        eventually(lambda: self.pressure("important") == ("True", "Critical"), "the condition")
        event, = self.cluster.events("small", "Evicted")
        self.assertRegex(event["message"], r"memory is critical with 50\.0 MiB of 1\.0 GiB available")
        eventually(lambda: self.counted("important", "EvictionSkipped"), "the last one stays")
        last = self.looks()
        eventually(lambda: self.looks() > last + 5, "five more looks")
        self.assertEqual(self.counted("important", "EvictionSkipped"), 1, "said once")
        self.assertEqual(self.pid("important"), important)

    def test_d_it_comes_back(self):
        self.memory.set(900)
        self.until("small", "Ready")
        self.assertEqual(len(eventually(lambda: self.published("small"), "the endpoint")), 2)
        for name in ("important", "small"):
            eventually(lambda: self.pressure(name) == ("False", "Normal"), "the condition")

    def test_e_growth_is_told_once(self):
        """Wired memory that grows and swap-outs, since the start: after forty looks."""
        def told():
            return {event["message"].partition(":")[0]
                    for event in self.cluster.events("important", "MemoryTrend")}

        eventually(lambda: len(told()) == 2, "both trends", 60)
        self.assertEqual(told(), {f"on node {NODE} wired memory grows and pages are written out",
                                  f"on node {NODE} memory is swapped out all the time"})
        metrics = self.exporter.metrics()
        self.assertEqual((metrics["headroom_memory_wired_growing"],
                          metrics["headroom_memory_swapping_out"]), (1, 1))
        self.assertEqual(self.counted("important", "MemoryTrend"), 2, "each once")

    def test_f_no_flood_of_events(self):
        minutes = (time.monotonic() - self.memory.began) / 60
        for name in ("important", "small"):
            self.assertLessEqual(self.counted(name, None), 10 * (minutes + 1),
                                 json.dumps(self.cluster.events(name), indent=1))


if __name__ == "__main__":
    namespace.run(ADDRESS)
