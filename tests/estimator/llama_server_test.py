#!/usr/bin/env python3
"""A real llama-server on the CPU against the estimate for the same command line: the buffers it
prints with -lv 4, and what it really holds. Usage: llama_server_test.py HEADROOM MAKE_GGUF LLAMA_SERVER
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import unittest

HEADROOM, MAKE_GGUF, LLAMA_SERVER = sys.argv[1:4]

BUFFER = re.compile(r"CPU\w*\s+(model|KV|compute) buffer size =\s+([\d.]+) MiB")
MIB = 1 << 20
START_SECONDS = 60

# Flags, and how far the closed form may be from the compute buffer, in percent and in MiB. Without
# flash attention the CPU's graph holds a little more than the formula, which is Metal's.
CASES = {
    "tiny": [
        (["-c", "4096", "-np", "2"], 4),
        (["-c", "4096", "-ub", "128", "-np", "1"], 4),
        (["-c", "8192"], 4),
        (["-c", "4096", "-np", "1", "-fa", "off"], 4),
        (["-c", "2048", "-np", "2", "--embedding", "-ub", "256"], 12),
    ],
    "kvheavy": [
        (["-c", "4096", "-np", "2"], 1),
        (["-c", "8192", "-np", "1", "-ctk", "q8_0", "-ctv", "q8_0"], 2),
        (["-c", "4096", "-np", "2", "-ctk", "q4_0", "-ctv", "q4_0"], 2),
        (["-c", "8192", "-np", "1", "-fa", "off"], 4),
        (["-c", "16384", "-np", "4", "-kvu", "-lm", "none"], 1),
    ],
}


def memory(pid):
    """Bytes that the process holds: resident pages, shared ones by share."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as file:
        fields = dict(line.split(":", 1) for line in file.read().splitlines()[1:])
    return int(fields["Pss"].split()[0]) * 1024


class Server:
    """One llama-server, from its start until it listens."""

    def __init__(self, model, flags):
        self.buffers = {}
        # pylint: disable=consider-using-with
        self.process = subprocess.Popen(
            [LLAMA_SERVER, "-m", model, "--port", "0", "-lv", "4", *flags],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
        watchdog = threading.Timer(START_SECONDS, self.process.kill)
        watchdog.start()
        log = []
        for line in self.process.stdout:
            log.append(line)
            if found := BUFFER.search(line):
                name = found.group(1)
                self.buffers[name] = self.buffers.get(name, 0) + float(found.group(2))
            if "listening on" in line:
                break
        else:
            raise AssertionError("llama-server ended: " + "".join(log[-20:]))
        watchdog.cancel()
        self.held = memory(self.process.pid)

    def stop(self):
        self.process.kill()
        self.process.communicate()


class LlamaServer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory()
        cls.models = {}
        for name in CASES:
            path = str(pathlib.Path(cls.directory.name) / (name + ".gguf"))
            subprocess.run([MAKE_GGUF, name, path], check=True)
            cls.models[name] = path

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def estimate(self, model, flags):
        done = subprocess.run([HEADROOM, "estimate", model, "--json", "--device", "cpu", "--",
                               "llama-server", *flags], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_buffers_and_memory(self):
        for name, cases in CASES.items():
            for flags, percent in cases:
                with self.subTest(model=name, flags=" ".join(flags)):
                    self.check(self.models[name], flags, percent)

    def check(self, model, flags, percent):
        estimate = self.estimate(model, flags)
        host = estimate["host_bytes"]
        server = Server(model, flags)
        server.stop()
        print(f"{pathlib.Path(model).stem} {' '.join(flags)}: compute {server.buffers['compute']:.2f} "
              f"MiB, estimated {host['compute'] / MIB:.2f}; holds {server.held / MIB:.0f} MiB, "
              f"estimated {estimate['load_bytes'] / MIB:.0f}")
        self.assertAlmostEqual(host["kv_cache"] / MIB, server.buffers["KV"], delta=0.006)
        self.assertAlmostEqual(host["weights"] / MIB, server.buffers["model"], delta=0.1)
        self.assertAlmostEqual(host["compute"] / MIB, server.buffers["compute"],
                               delta=server.buffers["compute"] * percent / 100)
        # What is loaded is an upper bound of what is held: buffers that were not written yet are not
        # resident. The cache is cleared at the start, so it is.
        self.assertLessEqual(server.held, estimate["load_bytes"] * 1.1 + 8 * MIB)
        self.assertGreaterEqual(server.held, host["kv_cache"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
