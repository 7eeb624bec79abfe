#!/usr/bin/env python3
"""headroom estimate and inspect of a file on a web server: what they print, how often they ask, and how
many bytes they take. Usage: remote_test.py HEADROOM MAKE_GGUF MAKE_HEADER
"""

import http.server
import json
import os
import pathlib
import re
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import unittest

HEADROOM, MAKE_GGUF, MAKE_HEADER = sys.argv[1:4]
GOLDEN = pathlib.Path(__file__).resolve().parents[1] / "data" / "cli" / "estimate-remote.txt"


class Handler(http.server.BaseHTTPRequestHandler):
    """Ranges of a folder's files, below /slow/ in drips; counts requests and the bytes that the other
    side let us send."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        server = self.server
        server.requests.append(self.headers.get("Range"))
        slow = self.path.startswith("/slow/")
        path = server.folder / self.path.removeprefix("/slow").lstrip("/")
        if not path.is_file():
            self.send_error(404)
            return
        size = path.stat().st_size
        first, last = map(int, re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers["Range"]).groups())
        last = min(last, size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {first}-{last}/{size}")
        self.send_header("Content-Length", str(last - first + 1))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.close_connection = True
        with path.open("rb") as file:
            file.seek(first)
            left = last - first + 1
            try:
                while left > 0:
                    if slow:
                        time.sleep(0.15)
                    piece = file.read(min(left, 1 << 10 if slow else 16 << 10))
                    self.wfile.write(piece)
                    server.sent += len(piece)
                    left -= len(piece)
            except OSError:
                pass  # the header was complete

    def log_message(self, *_):
        pass


class Remote(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        directory = tempfile.TemporaryDirectory()
        cls.addClassCleanup(directory.cleanup)
        cls.folder = pathlib.Path(directory.name)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=hub", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", "key.pem", "-out", "cert.pem"], cwd=cls.folder, check=True,
            stderr=subprocess.DEVNULL)
        subprocess.run([MAKE_GGUF, "kvheavy", cls.folder / "chat.gguf"], check=True)
        # Its weights are a hole: nobody downloads as much to look at it.
        made = subprocess.run([MAKE_HEADER, "248000", cls.folder / "large.gguf"], check=True,
                              capture_output=True, text=True)
        cls.header_bytes = int(re.search(r"header of (\d+) bytes", made.stdout + made.stderr)[1])
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cls.folder / "cert.pem", cls.folder / "key.pem")
        server.socket = context.wrap_socket(server.socket, server_side=True)
        server.folder = cls.folder
        server.requests, server.sent = [], 0
        cls.server = server
        cls.url = f"https://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        cls.addClassCleanup(thread.join)
        cls.addClassCleanup(server.shutdown)

    def setUp(self):
        self.server.requests, self.server.sent = [], 0

    def headroom(self, *args, code=0):
        done = subprocess.run([HEADROOM, *args], text=True, capture_output=True, timeout=60,
                              env={**os.environ, "SSL_CERT_FILE": str(self.folder / "cert.pem")},
                              check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        self.assertNotIn("\x1b", done.stderr, "no progress where nobody watches")
        return done

    def test_prints_what_it_prints_of_a_local_file(self):
        url = self.url + "/chat.gguf"
        done = self.headroom("estimate", url, "--context", "8192", "--budget", "1Gi",
                             "--cache-ram", "0")
        text = ("$ headroom estimate https://HOST/chat.gguf --context 8192 --budget 1Gi --cache-ram 0\n" +
                done.stdout.replace(self.url, "https://HOST"))
        if "HEADROOM_UPDATE_GOLDEN" in os.environ:
            GOLDEN.write_text(text)
        self.assertEqual(text, GOLDEN.read_text())
        local = self.headroom("estimate", str(self.folder / "chat.gguf"), "--context", "8192",
                              "--budget", "1Gi", "--cache-ram", "0")
        self.assertEqual(done.stdout.replace(url, ""),
                         local.stdout.replace(str(self.folder / "chat.gguf"), ""))

    def test_one_request_and_little_more_than_the_header(self):
        done = self.headroom("inspect", self.url + "/large.gguf", "-o", "json")
        facts = json.loads(done.stdout)
        print(f"\nheader of {self.header_bytes} bytes in a file of "
              f"{(self.folder / 'large.gguf').stat().st_size}: {len(self.server.requests)} request, "
              f"{facts['bytes_read']} bytes taken, {self.server.sent} sent until the end was seen")
        self.assertEqual(self.server.requests, ["bytes=0-16777215"])
        # What was under way when the header's end was seen: a read, and the sockets' buffers.
        self.assertLess(facts["bytes_read"], self.header_bytes + (256 << 10))
        self.assertLess(self.server.sent, self.header_bytes + (8 << 20))

    def test_a_terminal_shows_what_has_come_and_is_left_clean(self):
        here, there = os.openpty()
        self.addCleanup(os.close, here)
        done = subprocess.run([HEADROOM, "estimate", self.url + "/slow/chat.gguf"], stderr=there,
                              stdout=subprocess.PIPE, text=True, timeout=60, check=True,
                              env={**os.environ, "SSL_CERT_FILE": str(self.folder / "cert.pem"),
                                   "TERM": "xterm"})
        os.close(there)
        drawn = os.read(here, 1 << 16).decode()
        self.assertIn("\r\x1b[Kheader of " + self.url + "/slow/chat.gguf ", drawn)
        self.assertRegex(drawn, r" \d+\.\d KiB\r\x1b\[K\Z")
        self.assertNotIn("\x1b", done.stdout)

    def test_what_is_not_there_is_one_line(self):
        done = self.headroom("estimate", self.url + "/absent.gguf", code=1)
        self.assertRegex(done.stderr, r"\Aheadroom: https://127\.0\.0\.1:\d+/absent\.gguf: .*\n\Z")
        done = self.headroom("inspect", self.url + "/cert.pem", code=1)
        self.assertIn("not a GGUF file", done.stderr)


if __name__ == "__main__":
    os.environ["NO_PROXY"] = "127.0.0.1"
    unittest.main(argv=sys.argv[:1], verbosity=2)
