#!/usr/bin/env python3
"""Model servers other than llama-server, by a stand-in executable: none of them runs on a Linux CPU.
What they are started with, and what is made of models without a size.
Usage: servers_test.py EXPORTER MAKE_GGUF LLAMA_SERVER
"""

import json
import pathlib
import struct
import sys
import unittest

from exporter_fixture import ExporterTest, eventually, fetch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from stand_in import write_stand_in  # noqa: E402

MANIFEST = """
apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {source}
  format: safetensors
  hardware: {{accelerator: metal{budget}}}
  serving: {{runtime: {runtime}, contextSize: 4096, extraArgs: [--seed, "1"]}}
"""


class Servers(ExporterTest):
    def begin(self, runtime):
        program = write_stand_in(self.root)
        self.start("--server", f"{runtime}={program}", "--memory-budget", "256Mi",
                   "--memory-watchdog-interval", "1s")

    def apply_for(self, runtime, source, budget=""):
        budget = f", memoryBudget: {budget}" if budget else ""
        (self.manifests / "m.yaml").write_text(
            MANIFEST.format(name="m", source=source, budget=budget, runtime=runtime))

    def started(self):
        return json.loads((self.root / "started.json").read_text())

    def memory(self):
        return json.loads(fetch(self.url + "/memstats")[1])["total"]

    def test_vllm_metal_takes_the_share_it_was_granted(self):
        self.apply_for("vllm-metal", "hf://mlx-community/tiny", "64Mi")
        self.begin("vllm-metal")
        port = self.until("ready", "m")["port"]
        started = self.started()
        self.assertEqual(started["args"],
                         ["serve", "mlx-community/tiny", "--host", "127.0.0.1", "--port", str(port),
                          "--max-model-len", "4096", "--seed", "1"])
        share = float(started["env"]["VLLM_METAL_MEMORY_FRACTION"])
        self.assertLessEqual(share * self.memory(), 64 << 20)
        self.assertGreater((share + 0.0001) * self.memory(), 64 << 20)
        page = fetch(self.url + "/metrics")[1].decode()
        self.assertIn(
            'vllm_num_requests_running{namespace="default",name="m",engine="0"} 3', page)
        self.assertIn(
            f'headroom_model_estimated_bytes{{namespace="default",name="m"}} {64 << 20}', page)

    def test_vllms_engine_takes_an_argument(self):
        self.apply_for("vllm", "/models/tiny", "64Mi")
        self.begin("vllm")
        self.until("ready", "m")
        args = self.started()["args"]
        self.assertEqual(args[:2], ["serve", "/models/tiny"])
        share = float(args[args.index("--gpu-memory-utilization") + 1])
        self.assertLessEqual(share * self.memory(), 64 << 20)

    def test_mistralrs_and_an_edit_that_restarts_it(self):
        self.apply_for("mistralrs", "Qwen/tiny", "64Mi")
        self.begin("mistralrs")
        first = self.until("ready", "m")
        args = self.started()["args"]
        share = float(args.pop(6))
        self.assertEqual(args, ["--serve-ip", "127.0.0.1", "--port", str(first["port"]),
                                "--paged-attn", "--pa-gpu-mem-usage", "plain", "-m", "Qwen/tiny",
                                "--seed", "1"])
        self.assertLessEqual(share * self.memory(), 64 << 20)
        self.apply_for("mistralrs", "Qwen/other", "64Mi")
        self.until("ready", "m", pid=first["pid"])
        self.assertIn("Qwen/other", self.started()["args"])

    def test_more_memory_than_granted_is_said_once(self):
        # The interpreter alone takes more than this.
        self.apply_for("vllm-metal", "o/r", "4Mi")
        self.begin("vllm-metal")
        self.until("ready", "m")
        text = "more than the 4.0 MiB it was admitted with"
        log = self.root / "log"
        eventually(lambda: text in log.read_text(), "the excess is said")
        self.assertEqual(log.read_text().count(text), 1)

    def test_a_size_comes_from_safetensors_headers_or_is_unknown(self):
        folder = self.models / "mlx"
        folder.mkdir()
        self.apply_for("vllm-metal", folder)
        self.begin("vllm-metal")
        reason = self.until("waiting-for-memory", "m")["reason"]
        self.assertIn("[HR-301]", reason)
        self.assertIn("spec.hardware.memoryBudget", reason)
        header = json.dumps({"w": {"dtype": "F16", "shape": [4], "data_offsets": [0, 8]}}).encode()
        (folder / "m.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 8)
        # 10 bytes with a quarter on top and 1 GiB for the engine: more than the budget of 256 MiB.
        eventually(lambda: "[HR-101]" in self.model("m")["reason"], "the size is known", 60)
        self.assertIn("1.0 GiB", self.model("m")["reason"])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
