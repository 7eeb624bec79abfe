#!/usr/bin/env python3
"""headroom-exporter fetches models over HTTPS: killed in the middle, on a full disk, with a store that
has a limit. Usage: fetch_test.py EXPORTER MAKE_GGUF LLAMA_SERVER
"""

import http.server
import pathlib
import re
import ssl
import subprocess
import sys
import threading
import unittest

from exporter_fixture import ExporterTest, eventually, fetch

MANIFEST = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {url}
  hardware: {{accelerator: metal}}
  serving: {{contextSize: 512, parallelSlots: 1, promptCacheMiB: 0}}
"""


class Hub:
    """Serves one content under every path, by ranges; stops after `stop_at` bytes until released."""

    def __init__(self, folder, content):
        self.content = content
        self.stop_at = None
        self.released = threading.Event()
        self.ranges = []
        key, self.certificate = folder / "hub.key", folder / "hub.crt"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-keyout", key, "-out", self.certificate, "-days", "1", "-subj", "/CN=hub",
             "-addext", "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate, key)
        hub = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                hub.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, request):
        wanted = request.headers.get("Range")
        size = len(self.content)
        first, last = 0, size - 1
        if wanted:
            bounds = re.fullmatch(r"bytes=(\d+)-(\d*)", wanted)
            first = int(bounds[1])
            last = min(int(bounds[2] or last), last)
        download = not wanted or not bounds[2]  # the header is asked for up to a limit
        if download:
            self.ranges.append(first)
        request.send_response(206 if wanted else 200)
        request.send_header("ETag", '"v1"')
        request.send_header("Content-Length", str(last + 1 - first))
        if wanted:
            request.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        request.end_headers()
        body = self.content[first:last + 1]
        try:
            if download and self.stop_at is not None and not self.released.is_set():
                request.wfile.write(body[:self.stop_at])
                request.wfile.flush()
                self.released.wait(60)
                body = body[self.stop_at:]
            request.wfile.write(body)
        except OSError:
            pass  # the exporter was killed

    def close(self):
        self.released.set()
        self.server.shutdown()
        self.server.server_close()


class Fetching(ExporterTest):
    def setUp(self):
        super().setUp()
        self.content = self.gguf.read_bytes()
        self.hub = Hub(self.root, self.content)
        self.addCleanup(self.hub.close)
        self.store = self.root / "store"

    def begin(self, *args):
        return self.start("--source-allow", f"127.0.0.1:{self.hub.port}", "--source-ca",
                          self.hub.certificate, "--store-dir", self.store, *args)

    def apply_url(self, name):
        url = f"https://127.0.0.1:{self.hub.port}/{name}/model.gguf"
        (self.manifests / f"{name}.yaml").write_text(MANIFEST.format(name=name, url=url))

    def remove(self, name):
        (self.manifests / f"{name}.yaml").unlink()
        eventually(lambda: self.model(name) is None, f"{name} is gone")

    def files(self, pattern):
        return sorted(path for path in self.store.rglob(pattern) if path.is_file())

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
