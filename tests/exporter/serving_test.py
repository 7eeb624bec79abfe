#!/usr/bin/env python3
"""headroom-exporter with manifests in a folder and a real llama-server: everything a model goes
through, and every way the exporter can end. Usage: serving_test.py EXPORTER MAKE_GGUF LLAMA_SERVER
"""

import json
import os
import re
import signal
import subprocess
import sys
import unittest

from exporter_fixture import EXPORTER, ExporterTest, alive, eventually, fetch


class Serving(ExporterTest):
    def test_serves_restarts_and_stops(self):
        self.apply(more=", env: [{name: A}], extraArgs: [--api-key, swordfish]")
        self.start()
        model = self.until("ready")
        self.assertEqual(model["fieldsIgnored"], [
            "spec.serving.env: the model server gets the environment of the exporter"])
        eventually(lambda: self.model().get("loaded") == {"contextPerSlot": 512, "slots": 1},
                   "it says what it has loaded")
        body = json.dumps({"prompt": "a", "n_predict": 4}).encode()
        self.assertEqual(fetch(model["endpoint"] + "/completion", data=body)[0], 401)
        status, answer, _ = fetch(model["endpoint"] + "/completion", "swordfish", data=body)
        self.assertEqual(status, 200)
        self.assertIn("content", json.loads(answer))
        page = fetch(self.url + "/metrics")[1].decode()
        self.assertIn('headroom_model_ready{namespace="default",name="tiny"} 1', page)
        self.assertRegex(page, r'llamacpp_tokens_predicted_total{namespace="default",name="tiny"} 4')
        self.assertRegex(page, r'headroom_model_load_duration_seconds{[^}]*} [0-9.]+')
        self.assertRegex(page, r"headroom_model_footprint_bytes{[^}]*} [1-9]")

        os.kill(model["pid"], signal.SIGKILL)
        again = self.until("ready", pid=model["pid"])
        self.assertEqual(again["restarts"], 1)
        self.apply(context=1024)
        changed = self.until("ready", pid=again["pid"])
        self.assertFalse(alive(again["pid"]))
        (self.manifests / "tiny.yaml").unlink()
        eventually(lambda: self.model() is None, "the model is gone")
        self.assertFalse(alive(changed["pid"]))
        self.assertNotIn('name="tiny"', fetch(self.url + "/metrics")[1].decode())
        for told in (self.root / "log", self.root / "state" / "models.json"):
            self.assertNotIn("swordfish", told.read_text())

    def test_a_hung_child_is_killed_before_the_next_starts(self):
        self.apply()
        self.start()
        model = self.until("ready")
        os.kill(model["pid"], signal.SIGSTOP)
        (self.manifests / "tiny.yaml").unlink()
        self.until("stopping")
        self.apply()
        again = self.until("ready", pid=model["pid"], seconds=90)
        self.assertFalse(alive(model["pid"]))
        self.assertTrue(alive(again["pid"]))

    def told(self):
        """What is told of the running server, but for what it uses."""
        page = fetch(self.url + "/metrics")[1].decode()
        found = re.findall(r"headroom_model_(restarts_total|start_timestamp_seconds|"
                           r"load_duration_seconds){[^}]*} ([0-9.e+]+)", page)
        self.assertEqual(len(found), 3, page)
        return found

    def test_children_survive_and_are_adopted(self):
        self.apply()
        first = self.start()
        os.kill(self.until("ready")["pid"], signal.SIGKILL)
        eventually(lambda: self.model()["restarts"] == 1, "it is started again")
        model = self.until("ready")
        told = self.told()
        first.kill()
        first.wait()
        self.assertTrue(alive(model["pid"]))
        second = self.start()
        self.assertEqual(self.until("ready")["pid"], model["pid"])
        self.assertEqual(self.told(), told, "start, restarts and the time it took to load")
        second.send_signal(signal.SIGTERM)
        self.assertEqual(second.wait(20), 0)
        self.assertTrue(alive(model["pid"]), "left to the next exporter")
        third = self.start("--stop-models-on-exit")
        self.assertEqual(self.until("ready")["pid"], model["pid"])
        third.send_signal(signal.SIGTERM)
        self.assertEqual(third.wait(40), 0)
        self.assertFalse(alive(model["pid"]))
        # A manifest that went while no exporter ran: the child is stopped by the next one.
        self.start()
        orphan = self.until("ready")["pid"]
        self.processes[-1].kill()
        self.processes[-1].wait()
        (self.manifests / "tiny.yaml").unlink()
        self.start()
        eventually(lambda: not alive(orphan), "the unwanted child is stopped")

    def test_refuses_what_does_not_fit_and_says_why(self):
        self.apply("huge", context=1 << 20)
        self.apply("broken", more=", extraArgs: [--no-such-thing]")
        self.apply("missing", path=self.models / "none.gguf")
        self.apply("folder", path=self.models)
        self.start("--memory-budget", "64Mi")
        reason = self.until("waiting-for-memory", "huge")["reason"]
        self.assertTrue(reason.startswith("[HR-101] Model default/huge needs "), reason)
        self.assertIn("has no argument --no-such-thing", self.until("failed", "broken")["reason"])
        self.assertIn("none.gguf: No such file", self.until("backoff", "missing")["reason"])
        self.assertIn("regular file", self.until("backoff", "folder")["reason"])
        self.apply("huge", context=512)
        self.until("ready", "huge")

    def test_a_missing_llama_server_is_no_reason_to_stop(self):
        self.apply()
        self.start(llama="/nonexistent/llama-server")
        self.assertIn("install llama.cpp", self.until("backoff")["reason"])
        self.assertEqual(fetch(self.url + "/readyz")[0], 200)

    def test_header_route(self):
        token = self.root / "token"
        token.write_text("secret\n")
        outside = self.root / "outside.gguf"
        outside.write_bytes(self.gguf.read_bytes())
        (self.models / "link.gguf").symlink_to(outside)
        self.start("--node-token-file", token, "--model-root", self.models)
        url = f"{self.url}/v1/header?path="
        status, body, headers = fetch(f"{url}{self.gguf}", "secret")
        self.assertEqual(status, 200)
        self.assertEqual(body[:4], b"GGUF")
        self.assertLess(len(body), self.gguf.stat().st_size)
        self.assertEqual(int(headers["X-Headroom-File-Bytes"]), self.gguf.stat().st_size)
        self.assertRegex(headers["ETag"], '^".+"$')
        for path, given, expected in ((self.gguf, None, 401), (self.gguf, "secreT", 401),
                                      (self.gguf, "", 401), (outside, "secret", 403),
                                      (self.models / "link.gguf", "secret", 403),
                                      (f"{self.models}/../outside.gguf", "secret", 403),
                                      ("/etc/passwd", "secret", 403), ("/none", "secret", 403),
                                      (self.models / "none.gguf", "secret", 404),
                                      ("", "secret", 400), (self.models, "secret", 403)):
            self.assertEqual(fetch(f"{url}{path}", given)[0], expected, (path, given))

    def test_bad_starts_are_one_line(self):
        self.start()
        port = self.url.rsplit(":", 1)[1]
        state = ["--state-dir", self.root / "other"]
        for args, text in ((["--listen", f"127.0.0.1:{port}", *state], "ddress already in use"),
                           (["--state-dir", self.root / "state"], "another headroom-exporter"),
                           (["--manifests", "/none"], "--manifests /none: no such folder"),
                           (["--kubeconfig", "/none", *state], "/none"),
                           (["--memory-fraction", "1.5"], "--memory-fraction"),
                           (["--memory-budget", "banana"], "--memory-budget"),
                           (["--tls-cert", "/none"], "expected both or neither"),
                           (["--tls-cert", "/none", "--tls-key", "/none", *state], "/none"),
                           (["--bogus"], "--bogus")):
            done = subprocess.run([EXPORTER, "--listen", "127.0.0.1:0", *args],
                                  capture_output=True, text=True, timeout=20, check=False)
            self.assertEqual(done.returncode, 1, (args, done.stderr))
            self.assertIn(text, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
