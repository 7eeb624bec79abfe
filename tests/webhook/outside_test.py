"""headroom-webhook seen from outside by the tools that look for weaknesses: sslscan and openssl find
only what is meant to be on, and a client that asks is served while slowhttptest holds connections."""

import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request
import xml.etree.ElementTree

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from daemons import ROOT, Daemon, eventually, make_certificate, openssl  # noqa: E402

REVIEW = (ROOT / "tests" / "fuzz" / "corpus" / "review" / "create.json").read_bytes()
AEAD = ("AES128-GCM", "AES256-GCM", "CHACHA20-POLY1305", "TLS_AES", "TLS_CHACHA20")


class Outside(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-outside-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.ca, self.certificate, self.key = make_certificate(self.directory)
        (self.directory / "manifests").mkdir()
        (self.directory / "nodes.yaml").write_text(
            "apiVersion: v1\nkind: Node\nmetadata: {name: mac-1}\n")

    def serve(self, *args):
        self.webhook = Daemon(
            "headroom-webhook", self.directory, "--listen", "127.0.0.1:0", "--tls-cert",
            self.certificate, "--tls-key", self.key, "--nodes", self.directory / "nodes.yaml",
            "--manifests", self.directory / "manifests", "--shutdown-delay", "0s", *args).start()
        self.addCleanup(self.webhook.kill)
        eventually(lambda: self.webhook.get("/readyz", ca=self.ca)[0] == 200, "webhook is ready")
        self.address = self.webhook.url.removeprefix("https://")

    def scan(self):
        done = subprocess.run(["sslscan", "--xml=-", "--no-colour", self.address],
                              capture_output=True, text=True, check=True)
        return xml.etree.ElementTree.fromstring(done.stdout).find("ssltest")

    def s_client(self, *args):
        """Exit status and text of a handshake."""
        done = subprocess.run(["openssl", "s_client", "-connect", self.address, "-CAfile", self.ca,
                               *map(str, args)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def check_scan(self, found, versions):
        enabled = {one.get("type") + one.get("version") for one in found.findall("protocol")
                   if one.get("enabled") == "1"}
        self.assertEqual(enabled, versions)
        ciphers = found.findall("cipher")
        self.assertTrue(ciphers)
        for cipher in ciphers:
            self.assertIn(cipher.get("sslversion"), {f"TLSv{v[3:]}" for v in versions})
            self.assertTrue(any(name in cipher.get("cipher") for name in AEAD), cipher.get("cipher"))
        groups = {one.get("name").split()[0] for one in found.findall("group")}
        self.assertLessEqual(groups, {"x25519", "secp256r1", "secp384r1"})
        for what in found.findall("compression") + found.findall("renegotiation"):
            self.assertEqual(what.get("supported"), "0", what.tag)
        self.assertTrue(all(one.get("vulnerable") == "0" for one in found.findall("heartbleed")))

    def test_only_tls13_by_default(self):
        self.serve()
        self.check_scan(self.scan(), {"tls1.3"})
        status, text = self.s_client("-tls1_3", "-alpn", "h2,http/1.1")
        self.assertEqual(status, 0, text)
        self.assertIn("ALPN protocol: http/1.1", text)
        self.assertIn("Verify return code: 0", text)
        self.assertIn("Server Temp Key: X25519", text)
        self.assertNotIn("New Session Ticket", text)
        self.assertNotEqual(self.s_client("-tls1_2")[0], 0)
        self.assertIn("no application protocol", self.s_client("-alpn", "h2")[1])

    def test_tls12_when_asked_for(self):
        self.serve("--tls-min-version", "1.2")
        self.check_scan(self.scan(), {"tls1.2", "tls1.3"})
        for suite, taken in (("ECDHE-ECDSA-AES128-GCM-SHA256", True),
                             ("ECDHE-ECDSA-AES128-SHA256", False), ("AES128-GCM-SHA256", False)):
            status, text = self.s_client("-tls1_2", "-cipher", f"{suite}:@SECLEVEL=0")
            self.assertEqual(status == 0, taken, f"{suite}\n{text}")
        self.assertNotEqual(self.s_client("-tls1_1", "-cipher", "ALL:@SECLEVEL=0")[0], 0)

    def test_client_certificates(self):
        key, csr, good, other = (self.directory / f"client.{end}"
                                 for end in ("key", "csr", "crt", "other"))
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
        for name, out in (("kube-apiserver", good), ("somebody", other)):
            openssl("req", "-new", *curve[2:], *(("-key", key) if key.exists() else
                                                 (*curve[:2], "-keyout", key)),
                    "-subj", f"/CN={name}", "-out", csr)
            openssl("x509", "-req", "-days", 2, "-in", csr, "-CA", self.ca, "-CAkey",
                    self.directory / "webhook-ca.key", "-CAcreateserial", "-out", out)
        self.webhook = Daemon(
            "headroom-webhook", self.directory, "--listen", "127.0.0.1:0", "--tls-cert",
            self.certificate, "--tls-key", self.key, "--nodes", self.directory / "nodes.yaml",
            "--client-ca", self.ca, "--client-allowed-subject", "kube-apiserver").start()
        self.addCleanup(self.webhook.kill)

        def get(certificate):
            context = ssl.create_default_context(cafile=self.ca)
            if certificate:
                context.load_cert_chain(certificate, key)
            with urllib.request.urlopen(self.webhook.url + "/healthz", timeout=5,
                                        context=context) as response:
                return response.status

        self.assertEqual(get(good), 200)
        for refused in (other, None):
            with self.assertRaises(OSError):
                get(refused)

    def test_slow_clients_do_not_keep_out_a_good_one(self):
        self.serve()
        for attack in (["-H"], ["-B"], ["-X"]):  # headers, bodies, and answers read slowly
            kept, fresh = self.ask_while(
                ["slowhttptest", *attack, "-c", "1000", "-r", "200", "-i", "1", "-l", "8", "-p", "2",
                 "-u", f"{self.webhook.url}/validate"])
            self.assertGreater(len(kept), 20)
            at = lambda times: sorted(times)[int(0.99 * (len(times) - 1))] * 1000  # noqa: E731
            print(f"slowhttptest {attack[0]}: p99 {at(kept):.1f} ms of {len(kept)} reviews on a kept "
                  f"connection, {at(fresh):.1f} ms of {len(fresh)} on new ones", flush=True)
            # Far above what it takes, far below what a client that is kept out would see.
            self.assertLess(at(kept), 1000)
            self.assertLess(at(fresh), 2000)
        self.assertEqual(self.webhook.get("/readyz", ca=self.ca)[0], 200)

    def ask_while(self, attack):
        """Seconds that reviews took on one kept connection (the API server's, from before), and on a
        new one each, while `attack` runs."""
        host, port = self.address.split(":")
        context = ssl.create_default_context(cafile=self.ca)
        request = (b"POST /validate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                   b"Content-Length: %d\r\n\r\n" % len(REVIEW)) + REVIEW

        def connect():
            return context.wrap_socket(socket.create_connection((host, int(port)), timeout=10),
                                       server_hostname="127.0.0.1")

        def ask(connection):
            connection.sendall(request)
            answer = b""
            while not answer.endswith(b"}"):
                got = connection.recv(65536)
                self.assertTrue(got, "the connection was closed")
                answer += got
            self.assertTrue(answer.startswith(b"HTTP/1.1 200"), answer)
            json.loads(answer.partition(b"\r\n\r\n")[2])

        kept, fresh = [], []
        with connect() as connection:
            ask(connection)
            attacker = subprocess.Popen(attack, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.addCleanup(attacker.wait)
            self.addCleanup(attacker.kill)
            while attacker.poll() is None:
                started = time.monotonic()
                ask(connection)
                kept.append(time.monotonic() - started)
                if len(kept) % 10 == 0:
                    started = time.monotonic()
                    with connect() as another:
                        ask(another)
                    fresh.append(time.monotonic() - started)
                time.sleep(0.005)
        return kept, fresh


if __name__ == "__main__":
    os.environ.setdefault("HEADROOM_BUILD", str(ROOT / "build" / "dev"))
    unittest.main(verbosity=2)
