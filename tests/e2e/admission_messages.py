"""Every message as the real kubectl prints it, against golden files; HEADROOM_UPDATE_GOLDEN=1 writes
them."""

import os
import re
import unittest

from admission_lab import GIB, GOLDEN, MIB, eventually


class Messages(unittest.TestCase):
    maxDiff = None
    lab = None  # set by the program

    @classmethod
    def setUpClass(cls):
        lab = cls.lab
        lab.node("small", budget=GIB)
        lab.node("big", budget=4 * GIB)
        lab.node("busy", budget=2 * GIB, committed=[("Model/team-b/qwen", GIB),
                                                    ("InferenceService/team-b/chat", 300 * MIB)])
        lab.node("giant", budget=8 * GIB, committed=[("Model/team-b/huge", 5 * GIB)])
        lab.node("full", budget=GIB, memory_available=100 * MIB, memory_pressure="warning")
        lab.node("stale", observed_at="2026-01-02T03:04:05Z")
        lab.node("broken", memory_budget="lots")
        lab.url = f"https://localhost:{lab.host.port}"
        # The webhooks have seen the last one.
        eventually(lambda: "HR-201" in cls.denied(lab.model("probe", 4096, nodeName="broken")),
                   "the nodes are known")

    @classmethod
    def denied(cls, manifest, *flags, verb="apply"):
        return cls.lab.apply(manifest, *flags, verb=verb).stderr

    def assert_golden(self, name, text):
        # How much of a remote file is read depends on how it is cut into packets.
        text = re.sub(r"read [\d.]+ [KM]iB", "read N KiB", text)
        path = GOLDEN / f"{name}.txt"
        if os.environ.get("HEADROOM_UPDATE_GOLDEN"):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.assertEqual(path.read_text(), text)

    def assert_denied(self, name, text, rule):
        self.assertIn(f"denied the request: [{rule}] ", text.splitlines()[0])
        self.assertTrue(text.isascii())
        self.assertLess(len(text), 2048 + 200)  # and what kubectl puts before it
        self.assert_golden(name, text)

    def test_each_variant(self):
        lab = self.lab
        remote = f"{lab.url}/kvheavy.gguf"
        gib = 65536  # tokens
        variants = [
            ("over-budget", "HR-101", lab.model("m", 2 * gib, remote, nodeName="small")),
            ("over-budget-file", "HR-101", lab.model("m", 2 * gib, nodeName="small")),
            ("fits-no-node", "HR-102",
             lab.model("m", 16 * gib, remote, hardware={"accelerator": "metal"})),
            ("occupied", "HR-103", lab.model("m", gib, nodeName="busy")),
            ("occupied-any-node", "HR-103",
             lab.model("m", 4 * gib, remote, hardware={"accelerator": "metal"})),
            ("stale-node", "HR-104", lab.model("m", gib, nodeName="stale")),
            ("no-node", "HR-104", lab.model("m", gib, nodeName="nowhere",
                                           hardware={"accelerator": "metal"})),
            ("node-malformed", "HR-201", lab.model("m", gib, nodeName="broken")),
            ("budget-malformed", "HR-202",
             lab.model("m", 4096, nodeName="small", hardware={"memoryBudget": "banana"})),
            ("unknown-size-file", "HR-301", lab.model("m", 4096, "/elsewhere/x.gguf",
                                                      nodeName="small")),
            ("unknown-size-remote", "HR-301", lab.model("m", 4096, f"{lab.url}/missing.gguf",
                                                        nodeName="small")),
            ("unknown-size-host", "HR-301", lab.model("m", 4096, "https://169.254.169.254/x.gguf",
                                                      nodeName="small")),
            ("being-read", "HR-302", lab.model("m", 4096, f"{lab.url}/slow.gguf",
                                               nodeName="small")),
            ("refused", "HR-401", lab.model("m", 4096, nodeName="small",
                                            serving={"extraArgs": ["--lora", "/x"]})),
        ]
        for name, rule, manifest in variants:
            with self.subTest(name):
                text = self.denied(manifest)
                self.assert_denied(name, text, rule)
                self.assertNotIn("secret words", text)

    def test_each_way_to_write(self):
        lab = self.lab
        fits, grown = (lab.model("edited", tokens, nodeName="small") for tokens in (16384, 131072))
        for verb, flags in (("apply", ()), ("create", ()), ("apply", ("--server-side",))):
            name = "-".join(("kubectl", verb, *flags)).replace("---", "-")
            with self.subTest(name):
                self.assert_denied(name, self.denied(grown, *flags, verb=verb), "HR-101")
        lab.apply(fits, check=True)
        with self.subTest("replace"):
            self.assert_denied("kubectl-replace", self.denied(grown, verb="replace"), "HR-101")
        with self.subTest("patch"):
            done = lab.cluster.kubectl("patch", "model", "edited", "-n", "team-a", "--type=merge",
                                       "-p", '{"spec":{"serving":{"contextSize":131072}}}',
                                       check=False)
            self.assert_denied("kubectl-patch", done.stderr, "HR-101")
        with self.subTest("dry run"):
            text = self.denied(grown, "--dry-run=server", verb="replace")
            self.assert_denied("kubectl-replace", text, "HR-101")
        lab.cluster.kubectl("delete", "model", "edited", "-n", "team-a")

    def test_warnings_come_with_an_admitted_model(self):
        done = self.lab.apply(self.lab.model("tight", 32768, nodeName="full"), "--dry-run=server")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_golden("warnings", done.stderr)

    def test_the_retry_of_a_slow_header_is_instant(self):
        lab = self.lab
        source = f"{lab.url}/slow.gguf"
        model = lab.model("slow", 4096, source, nodeName="small")
        self.denied(model, "--dry-run=server")  # starts the read, if no other test has
        lab.host.released.set()
        eventually(lambda: self.lab.apply(model, "--dry-run=server").returncode == 0,
                   "the header that was read in the background is used")
        self.assertLessEqual(lab.host.requests.count("/slow.gguf"), 2)  # one a replica
