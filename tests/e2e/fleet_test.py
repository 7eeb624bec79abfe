#!/usr/bin/env python3
"""A fleet on a real API server: five headroom-exporters with different budgets, forty workloads that
any of them may run, and machines that die at random. The llama-server is a stand-in, a real process
that only answers /health: the test is about who runs what, not about inference.

Observed from outside, in /proc, the whole time: no workload ever runs twice, and no node runs more
than its budget. At the end everything runs that fits somewhere. HEADROOM_FLEET_SEED repeats a run."""

import json
import os
import pathlib
import random
import signal
import sys
import threading
import time
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import namespace  # noqa: E402
from daemons import eventually, program  # noqa: E402
from macs import exporter, program_of, server_of, set_up  # noqa: E402

ADDRESS = "10.200.7.3"
MIB = 1 << 20
BUDGETS_MIB = (2560, 3584, 4096, 4608, 6144)
WORKLOADS, HOPELESS = 40, 2
# Out of touch for this long, a node's models are taken over.
LEASE_SECONDS = 10
CHAOS_SECONDS = 25

MODEL = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}, namespace: default}}
spec:
  source: file://{path}
  nodeSelector: {{headroom.dev/registered: "true"}}
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""


class Node:
    """One Mac: an exporter and the servers it started."""

    def __init__(self, fleet, number, budget_mib):
        self.name = f"mac-{number}"
        self.budget = budget_mib * MIB
        self.state = fleet.directory / self.name
        first = 22000 + 100 * number
        self.exporter = exporter(
            fleet.directory, self.name, ADDRESS, fleet.cluster.user(f"headroom:{self.name}"),
            "--model-ports", f"{first}-{first + 99}", "--memory-budget", f"{budget_mib}Mi",
            "--llama-server", program("stand-in-server"), "--lease-duration", f"{LEASE_SECONDS}s",
            state=self.name, label=self.name)

    @property
    def runs(self):
        return self.exporter.process is not None


class Observer(threading.Thread):
    """Looks at /proc all the time and remembers what must never be."""

    def __init__(self, directory):
        super().__init__(daemon=True)
        self.directory = directory
        self.known = {}  # (pid, start) -> (node, workload), None for what is not ours
        self.duplicates, self.loads = [], set()
        self.looks = 0
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.wait(0.02):
            self.look()

    def look(self):
        """{workload: [(pid, start, node)]} of the servers that live now."""
        running = {}
        for entry in os.scandir("/proc"):
            if not entry.name.isdigit():
                continue
            start = start_of(entry.name)
            found = start and self.identify(entry.name, start)
            if found:
                node, workload = found
                running.setdefault(workload, []).append((entry.name, start, node))
        for workload, processes in running.items():
            # One may have ended before the other started, within this look.
            alive = [one for one in processes if start_of(one[0]) == one[1]]
            if len(alive) > 1:
                self.duplicates.append((time.time(), workload, alive))
        for node in {one[2] for processes in running.values() for one in processes}:
            self.loads.add((node, frozenset(workload for workload, processes in running.items()
                                            if any(one[2] == node for one in processes))))
        self.looks += 1
        return running

    def identify(self, pid, start):
        if (pid, start) in self.known:
            return self.known[pid, start]
        name = program_of(pid)
        if name != "stand-in-server":
            # A server is the exporter's copy for a moment, and nothing while it becomes itself.
            if name not in ("", "headroom-exporter"):
                self.known[pid, start] = None
            return None
        server, found = server_of(pid), None
        if server and server[0].startswith(f"{self.directory}/"):
            found = pathlib.Path(server[0]).name, server[1]
        self.known[pid, start] = found
        return found


def start_of(pid):
    """Start time of a process that lives; None for a zombie."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    fields = stat[stat.rindex(b")") + 2:].split()
    return None if fields[0] in b"ZX" else fields[19]


class Fleet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        set_up(cls, "kvheavy", ADDRESS)
        cls.nodes = [Node(cls, number + 1, budget) for number, budget in enumerate(BUDGETS_MIB)]
        cls.cluster.allow_macs(*(node.name for node in cls.nodes))
        cls.observer = Observer(cls.directory)
        cls.addClassCleanup(cls.kill_everything)

    @classmethod
    def kill_everything(cls):
        for node in cls.nodes:
            node.exporter.kill()
        for processes in cls.observer.look().values():
            for pid, _, _ in processes:
                os.kill(int(pid), signal.SIGKILL)

    @classmethod
    def servers_of(cls, node):
        return [int(pid) for processes in cls.observer.look().values()
                for pid, _, owner in processes if owner == node.name]

    def power_off(self, node):
        """The machine is gone at once, with everything on it."""
        node.exporter.kill()
        while pids := self.servers_of(node):
            for pid in pids:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    pass

    def models(self):
        return self.cluster.objects("models")

    def footprints(self):
        """Bytes of each workload, by the claims on those of the same context; hopeless ones are in no
        claim."""
        context, by_context = {}, {}
        for model in self.models():
            name = f"Model/default/{model['metadata']['name']}"
            context[name] = model["spec"]["serving"]["contextSize"]
            claim = model["metadata"].get("annotations", {}).get("headroom.dev/footprint-bytes")
            if claim:
                by_context[context[name]] = int(claim)
        return {name: by_context.get(size, 1 << 60) for name, size in context.items()}

    def test_no_workload_twice_no_node_over_budget_and_all_that_fits_runs(self):
        seed = int(os.environ.get("HEADROOM_FLEET_SEED", random.SystemRandom().randrange(1 << 32)))
        print(f"HEADROOM_FLEET_SEED={seed}", flush=True)
        chance = random.Random(seed)
        for node in self.nodes:
            node.exporter.start()
        eventually(lambda: len(self.cluster.objects("nodes")) == len(self.nodes),
                   "all nodes are registered", 30)
        self.observer.start()
        contexts = [1024, 4096, 8192, 16384] * (WORKLOADS // 4)
        contexts[-HOPELESS:] = [1048576] * HOPELESS
        self.cluster.kubectl("apply", "-f", "-", stdin="\n---\n".join(
            MODEL.format(name=f"m{number:02}", path=self.model_file, context=context)
            for number, context in enumerate(contexts)))
        applied = time.monotonic()
        self.chaos(chance)
        settled = time.monotonic()
        try:
            eventually(self.everything_runs, "everything that fits runs", 60, 0.5)
        except AssertionError as error:
            logs = "".join(f"\n--- {node.name}\n{node.exporter.log(15)}" for node in self.nodes)
            running = self.observer.look()
            logs += "".join(f"\n{model['metadata'].get('annotations')} {json.dumps(model.get('status'))}"
                            for model in self.models()
                            if f"Model/default/{model['metadata']['name']}" not in running)
            raise AssertionError(f"{error}{logs}") from None
        print(f"chaos {settled - applied:.0f} s, settled after {time.monotonic() - settled:.1f} s, "
              f"{self.observer.looks} looks at /proc", flush=True)
        self.observer.stopped.set()
        self.observer.join()
        self.assertEqual(self.observer.duplicates, [], "a workload ran twice")
        self.check_budgets()
        self.check_objects()

    def chaos(self, chance):
        """Machines lose their power, exporters crash; some are away for longer than their Lease."""
        back = {}
        end = time.monotonic() + CHAOS_SECONDS
        while time.monotonic() < end or back:
            now = time.monotonic()
            for node in [node for node, at in back.items() if at <= now]:
                del back[node]
                node.exporter.start()
            up = [node for node in self.nodes if node.runs]
            if now < end and len(up) > 3:
                node = chance.choice(up)
                if chance.random() < 0.5:
                    self.power_off(node)
                    back[node] = now + chance.uniform(0, 1.5 * LEASE_SECONDS)
                else:
                    node.exporter.kill()  # launchd starts it again; its servers went on meanwhile
                    back[node] = now + chance.uniform(0, LEASE_SECONDS / 5)
                print(f"{node.name}: down for {back[node] - now:.1f} s", flush=True)
            time.sleep(chance.uniform(0.2, 3))

    def everything_runs(self):
        """True when nothing waits that would fit somewhere."""
        sizes, running = self.footprints(), self.observer.look()
        used = {node.name: 0 for node in self.nodes}
        for workload, processes in running.items():
            used[processes[0][2]] += sizes[workload]
        waiting = [f"Model/default/{model['metadata']['name']}" for model in self.models()]
        waiting = [workload for workload in waiting if workload not in running]
        self.assertGreaterEqual(len(waiting), HOPELESS)
        room = max(node.budget - used[node.name] for node in self.nodes)
        fitting = [workload for workload in waiting if sizes[workload] <= room]
        self.assertEqual(fitting, [], f"{len(running)} run, {room >> 20} MiB free somewhere")
        phases = {model["metadata"]["name"]: model.get("status", {}).get("serving", {}).get("phase")
                  for model in self.models()}
        not_ready = [name for name, phase in phases.items()
                     if f"Model/default/{name}" in running and phase != "Ready"]
        self.assertEqual(not_ready, [])
        return True

    def check_budgets(self):
        sizes = self.footprints()
        budgets = {node.name: node.budget for node in self.nodes}
        for node, workloads in self.observer.loads:
            self.assertLessEqual(sum(sizes[workload] for workload in workloads), budgets[node], node)

    def check_objects(self):
        """The claim on each object names the node whose process is seen; what waits says so."""
        running = self.observer.look()
        for model in self.models():
            workload = f"Model/default/{model['metadata']['name']}"
            holder = model["metadata"].get("annotations", {}).get("headroom.dev/claimed-by")
            if workload in running:
                self.assertEqual(holder, running[workload][0][2])
            else:
                self.assertIsNone(holder)
                self.assertEqual(model["status"]["serving"]["schedulingStatus"],
                                 "InsufficientMemory")
        self.assertLess(len(self.cluster.events()), 40 * WORKLOADS)


if __name__ == "__main__":
    namespace.run(ADDRESS)
