#!/usr/bin/env python3
"""Runs the transcripts of docs/cli.md and compares what the commands print with what is there.
Usage: transcripts.py HEADROOM EXPORTER WEBHOOK MAKE_GGUF LLAMA_SERVER

A transcript is a block "```console": each line "$ COMMAND" with what it prints below it. In a block
"```console figures" numbers and the blanks between columns may differ: they are of this machine.
HEADROOM_UPDATE_GOLDEN=1 writes what is printed into docs/cli.md. The commands run in the order of the
document, in a folder with a model, a fleet in a file, and a real exporter and webhook.
"""

import datetime
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

HEADROOM, EXPORTER, WEBHOOK, MAKE_GGUF, LLAMA_SERVER = sys.argv[1:6]
ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = ROOT / "docs" / "cli.md"
BLOCK = re.compile(r"^```console( figures)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# The documents show the model where a Mac would have it.
SHOWN_MODELS = "/models/"

MODEL = """apiVersion: inference.llmkube.dev/v1alpha1
kind: Model
metadata: {{name: {name}}}
spec:
  source: {models}chat.gguf
  {where}
  serving: {{contextSize: {context}, parallelSlots: 1, promptCacheMiB: 0}}
"""

NODE = """apiVersion: v1
kind: Node
metadata:
  name: {name}
  annotations:
    headroom.dev/accelerator: metal
    headroom.dev/memory-total: "{total}"
    headroom.dev/memory-budget: "{budget}"
    headroom.dev/memory-budget-source: adaptive 0.67
    headroom.dev/memory-available: "{budget}"
    headroom.dev/memory-committed: "0"
    headroom.dev/memory-pressure: normal
    headroom.dev/observed-at: "{now}"
---
"""


class World:
    """The folder the commands run in, and the daemons they talk to."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.models = str(self.folder / "models") + "/"
        self.daemons = []
        self.environment = {
            "PATH": f"{pathlib.Path(HEADROOM).parent}:{os.environ['PATH']}", "HOME": folder,
            "LC_ALL": "C.UTF-8", "HEADROOM_MANIFESTS": str(self.folder / "manifests")}
        for name in ("models", "manifests", "team"):
            (self.folder / name).mkdir()
        subprocess.run([MAKE_GGUF, "kvheavy", self.models + "chat.gguf"], check=True)
        here, any_mac = "nodeName: mac-1", "hardware: {accelerator: metal}"
        for name, path, where, context in (("chat", "chat.yaml", here, 8192),
                                           ("huge", "huge.yaml", here, 1 << 20),
                                           ("helper", "team/1-helper.yaml", any_mac, 1 << 17),
                                           ("reader", "team/2-reader.yaml", any_mac, 1 << 19)):
            (self.folder / path).write_text(
                MODEL.format(name=name, where=where, context=context, models=self.models))
        self.write_fleet()

    def write_fleet(self):
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        (self.folder / "fleet.yaml").write_text("".join(
            NODE.format(name=name, total=gib << 30, budget=(gib << 30) * 67 // 100, now=now)
            for name, gib in (("mac-1", 16), ("mac-2", 8))))

    def start(self, name, *command):
        log = self.folder / f"{name}.log"
        with log.open("w") as out:
            self.daemons.append(subprocess.Popen(command, stderr=out, stdout=out, cwd=self.folder))
        return self.until(lambda: re.search(r"url=(\S+)", log.read_text()), log)[1]

    def until(self, condition, log):
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.daemons[-1].poll() is not None:
                break
            value = condition()
            if value:
                return value
            time.sleep(0.05)
        raise SystemExit(f"not started: {log.read_text()}")

    def start_daemons(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
             "-nodes", "-days", "2", "-subj", "/CN=headroom-webhook", "-addext",
             "subjectAltName=IP:127.0.0.1", "-keyout", "tls.key", "-out", "tls.crt"],
            cwd=self.folder, check=True, stderr=subprocess.DEVNULL)
        (self.folder / "node-token").write_text("a token of this test\n")
        exporter = self.start(
            "exporter", EXPORTER, "--listen", "127.0.0.1:0", "--node-name", "mac-1", "--manifests",
            "manifests", "--state-dir", "state", "--llama-server", LLAMA_SERVER, "--memory-budget",
            "2Gi", "--stop-models-on-exit", "--model-root", self.models, "--node-token-file",
            "node-token")
        webhook = self.start(
            "webhook", WEBHOOK, "--listen", "127.0.0.1:0", "--tls-cert", "tls.crt", "--tls-key",
            "tls.key", "--nodes", exporter + "/v1/node", "--manifests", "manifests",
            "--node-token-file", "node-token", "--shutdown-delay", "0s")
        self.environment |= {
            "HEADROOM_EXPORTER": exporter, "HEADROOM_WEBHOOK": webhook,
            "HEADROOM_WEBHOOK_CA": str(self.folder / "tls.crt")}
        self.node = exporter
        ready = ["curl", "-fsS", "--cacert", "tls.crt", webhook + "/readyz"]
        self.until(lambda: subprocess.run(ready, cwd=self.folder, capture_output=True,
                                          check=False).returncode == 0,
                   self.folder / "webhook.log")

    def run(self, command):
        self.write_fleet()
        environment = dict(self.environment)
        if "fleet.yaml" not in command:
            environment["HEADROOM_NODES"] = self.node
        else:
            del environment["HEADROOM_MANIFESTS"]
        done = subprocess.run(["bash", "-c", command.replace(SHOWN_MODELS, self.models)], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=self.folder,
                              env=environment, timeout=120, check=False)
        return done.stdout.replace(self.models, SHOWN_MODELS)

    def stop(self):
        for daemon in reversed(self.daemons):
            daemon.send_signal(signal.SIGTERM)
        for daemon in self.daemons:
            daemon.wait(60)


def commands(body):
    """[(command, printed)] of a block."""
    out = []
    for line in body.splitlines(keepends=True):
        if line.startswith("$ "):
            out.append((line[2:].rstrip("\n"), []))
        elif out:
            out[-1][1].append(line)
    return [(command, "".join(printed)) for command, printed in out]


def comparable(text, figures):
    if figures:
        text = re.sub(r" {2,}", " ", re.sub(r"\d+(\.\d+)?", "0", text))
        text = re.sub(r"0 [KMGT]?i?B", "0 B", text)
    # What the installed llama.cpp is warned about belongs to the machine, too.
    return [line.rstrip() for line in text.splitlines()
            if not (figures and line.lower().startswith("warning: "))]


def main():
    document = DOCUMENT.read_text()
    update = "HEADROOM_UPDATE_GOLDEN" in os.environ
    wrong = []
    count = 0

    def replay(match):
        nonlocal count
        figures = match[1] is not None
        written = ""
        for command, expected in commands(match[2]):
            printed = world.run(command)
            count += 1
            if printed and not printed.endswith("\n"):
                printed += "\n"
            written += f"$ {command}\n{printed}"
            if comparable(printed, figures) != comparable(expected, figures):
                wrong.append(f"$ {command}\n--- docs/cli.md:\n{expected}--- printed:\n{printed}")
        return f"```console{match[1] or ''}\n{written}```"

    with tempfile.TemporaryDirectory(prefix="headroom-transcripts-") as folder:
        world = World(folder)
        try:
            world.start_daemons()
            result = BLOCK.sub(replay, document)
        finally:
            world.stop()
    if update:
        DOCUMENT.write_text(result)
        return
    if not count:
        raise SystemExit("docs/cli.md has no transcript")
    if wrong:
        raise SystemExit("\n".join(wrong) +
                         "\nif this is intended: HEADROOM_UPDATE_GOLDEN=1 writes docs/cli.md")
    print(f"{count} commands print what docs/cli.md says")


if __name__ == "__main__":
    main()
