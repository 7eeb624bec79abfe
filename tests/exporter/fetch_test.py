#!/usr/bin/env python3
"""headroom-exporter fetches models over HTTPS: killed in the middle, on a full disk, with a store that
has a limit. Usage: fetch_test.py EXPORTER MAKE_GGUF LLAMA_SERVER
"""

import subprocess
import sys
import unittest

from exporter_fixture import eventually, fetch
from fetch_fixture import FetchingTest


class Fetching(FetchingTest):
    def test_a_killed_exporter_resumes_where_it_stopped(self):
        half = len(self.content) // 2
        self.hub.stop_at = half
        self.apply_url("a")
        process = self.begin()

        def stopped():
            partial = self.files("*.partial")
            return partial and partial[0].stat().st_size == half

        eventually(stopped, "half the file is there")
        self.assertEqual(self.files("*.gguf"), [], "nothing half under the final name")
        page = fetch(self.url + "/metrics")[1].decode()
        self.assertIn(f'headroom_download_bytes{{namespace="default",name="a"}} {half}', page)
        self.assertIn(
            f'headroom_download_total_bytes{{namespace="default",name="a"}} {len(self.content)}',
            page)
        self.assertIn(self.model("a")["downloadPercent"], (49, 50))
        process.kill()
        process.wait()
        self.hub.released.set()
        self.begin()
        self.until("ready", "a")
        self.assertEqual(self.hub.ranges, [0, half])
        self.assertEqual([path.read_bytes() == self.content for path in self.files("*.gguf")],
                         [True])
        self.assertEqual(self.files("*.partial*"), [])

    def test_a_full_disk_keeps_what_is_there(self):
        self.store.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=1200m", "tmpfs", self.store]
        if subprocess.run(mount, capture_output=True, check=False).returncode != 0:
            self.skipTest("may not mount a tmpfs")
        self.addCleanup(subprocess.run, ["umount", "-l", self.store], check=True)

        def resize(size):
            subprocess.run(["mount", "-o", f"remount,size={size}", self.store], check=True)

        part = len(self.content) // 3
        self.hub.stop_at = part
        self.apply_url("a")
        self.begin()
        eventually(lambda: [p for p in self.files("*.partial") if p.stat().st_size == part],
                   "a third of the file is there")
        resize(part // 4096 * 4096 + 8 * 4096)
        self.hub.released.set()
        reason = self.until("backoff", "a")["reason"]
        self.assertRegex(reason, "No space left|free")
        kept = self.files("*.partial")[0].stat().st_size
        self.assertGreaterEqual(kept, part)
        resize("1200m")
        self.until("ready", "a")
        self.assertGreaterEqual(self.hub.ranges[-1], part, "it went on where it stopped")

    def test_the_store_keeps_to_its_limit_and_to_what_is_in_use(self):
        size = len(self.content)
        for name in ("a", "b"):
            self.apply_url(name)
        self.begin("--store-limit", str(size * 5 // 2))
        self.until("ready", "a")
        self.until("ready", "b")
        self.remove("a")
        self.apply_url("c")
        self.until("ready", "c")
        stored = {path.parts[path.parts.index(f"127.0.0.1_{self.hub.port}") + 1]
                  for path in self.files("*.gguf")}
        self.assertEqual(stored, {"b", "c"}, "the one nobody uses made room")
        self.apply_url("d")
        self.assertIn("--store-limit", self.until("backoff", "d")["reason"])
        self.assertEqual(len(self.files("*.gguf")), 2, "what is in use stays")
        self.remove("b")
        self.until("ready", "d")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
