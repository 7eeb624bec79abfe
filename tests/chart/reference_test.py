"""The references of the documentation are what the programs say: docs/flags.md is made from --help of
the daemons, the tables of docs/metrics.md from their metrics pages (the exporter's recorded ones, which
a unit test compares with the code, and that of a running webhook).
HEADROOM_UPDATE_GOLDEN=1 writes them instead of comparing."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from daemons import ROOT, Daemon, eventually, make_certificate, program  # noqa: E402

DOCS = ROOT / "docs"
PAGES = ROOT / "tests" / "data" / "metrics"
DAEMONS = ("headroom-exporter", "headroom-webhook")
UPDATE = "HEADROOM_UPDATE_GOLDEN=1 of tests/chart/reference_test.py writes it"
NODE = """
apiVersion: v1
kind: Node
metadata:
  name: mac-1
  annotations:
    headroom.dev/memory-total: "68719476736"
    headroom.dev/memory-budget: "51539607552"
    headroom.dev/accelerator: metal
    headroom.dev/observed-at: "2026-01-01T00:00:00Z"
"""


def cell(text):
    return re.sub(r"\s+", " ", text).strip().replace("|", "\\|")


def table(header, rows):
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(map(cell, line)) + " |\n" for line in lines)


# --- flags ---------------------------------------------------------------------------------------


def flags(name):
    """Rows of flag, variable, default and meaning, from --help."""
    done = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True)
    entries = re.findall(r"^  ((?:-\w, )?--.*)\n((?: {6}.*\n)+)", done.stdout, re.MULTILINE)
    for spelling, meaning in entries:
        flag = re.search(r"--(?:\[no-\])?([a-z0-9-]+)", spelling).group(1)
        if flag in ("help", "version"):
            continue
        text = cell(meaning)
        default = re.search(r" \(default ([^)]*)\)$", text)
        text = text[: default.start()] if default else text
        spelling = spelling.replace(" (repeatable)", "")
        variable = "HEADROOM_" + flag.upper().replace("-", "_")
        yield f"`{spelling}`", f"`{variable}`", f"`{default.group(1)}`" if default else "", text


def flags_page():
    text = (
        "# Flags of the daemons\n\n"
        f"<!-- made from --help; {UPDATE} -->\n\n"
        "Each flag may also be set by its variable; the command line wins. What they mean together is in\n"
        "[node.md](node.md) and [admission.md](admission.md). Those of `headroom` are in [cli.md](cli.md#reference).\n"
    )
    for name in DAEMONS:
        text += f"\n## {name}\n\n"
        text += table(("flag", "variable", "default", "meaning"), flags(name))
    return text


# --- metrics -------------------------------------------------------------------------------------


def families(page):
    """name -> [type, help, labels], in the order of the page."""
    found = {}
    for line in page.splitlines():
        if help_line := re.match(r"# HELP (\w+) (.*)", line):
            found[help_line[1]] = ["", help_line[2], []]
        elif type_line := re.match(r"# TYPE (\w+) (\w+)", line):
            found[type_line[1]][0] = type_line[2]
        elif sample := re.match(r"(\w+?)(?:_bucket)?\{(.*)\}", line):
            labels = found[sample[1]][2]
            for label in re.findall(r'(\w+)="(?:[^"\\]|\\.)*"', sample[2]):
                if label != "le" and label not in labels:
                    labels.append(label)
    return found


def exporter_table(prefix):
    pages = {system: families((PAGES / f"{system}.prom").read_text()) for system in ("darwin", "linux")}
    rows = []
    for name, (kind, text, labels) in {**pages["darwin"], **pages["linux"]}.items():
        if name.startswith(prefix):
            on = ["yes" if name in pages[system] else "-" for system in pages]
            rows.append((f"`{name}`", kind, ", ".join(labels), *on, text))
    return table(("series", "type", "labels", "macOS", "Linux", "meaning"), rows)


def webhook_table(page):
    rows = [
        (f"`{name}`", kind, ", ".join(labels), text)
        for name, (kind, text, labels) in families(page).items()
    ]
    return table(("series", "type", "labels", "meaning"), rows)


def webhook_page(directory):
    """/metrics of a webhook that knows a Mac."""
    nodes = directory / "nodes.yaml"
    nodes.write_text(NODE)
    _, certificate, key = make_certificate(directory)
    webhook = Daemon(
        "headroom-webhook",
        directory,
        "--listen=127.0.0.1:0",
        f"--tls-cert={certificate}",
        f"--tls-key={key}",
        f"--nodes={nodes}",
        "--shutdown-delay=0s",
    )
    webhook.start()
    try:
        eventually(lambda: webhook.get("/readyz", verify=False)[0] == 200, "webhook is ready")
        return webhook.get("/metrics", verify=False)[1]
    finally:
        webhook.stop()


def between(text, mark, made):
    """`text` with what stands between the comments <!-- mark --> and <!-- /mark --> replaced."""
    begin, end = f"<!-- {mark} -->\n", f"<!-- /{mark} -->\n"
    before, rest = text.split(begin)
    return before + begin + made + end + rest.split(end)[1]


class References(unittest.TestCase):
    maxDiff = None

    def compare(self, path, wanted):
        if os.environ.get("HEADROOM_UPDATE_GOLDEN"):
            path.write_text(wanted)
        self.assertEqual(path.read_text(), wanted, f"if this is intended: {UPDATE}")

    def test_flags(self):
        self.compare(DOCS / "flags.md", flags_page())

    def test_metrics(self):
        path = DOCS / "metrics.md"
        with tempfile.TemporaryDirectory() as directory:
            webhook = webhook_table(webhook_page(pathlib.Path(directory)))
        text = between(path.read_text(), "headroom-exporter", exporter_table("headroom_"))
        text = between(text, "headroom-webhook", webhook)
        text = between(text, "llmkube", exporter_table("llmkube_"))
        self.compare(path, text)

    def test_nothing_is_left_out(self):
        """A flag or series that the patterns above do not see would be missing without a sound."""
        for name in DAEMONS:
            done = subprocess.run([program(name), "--help"], capture_output=True, text=True, check=True)
            count = len(re.findall(r"^ +(?:-\w, )?--", done.stdout, re.MULTILINE))
            self.assertEqual(len(list(flags(name))), count - 2, name)  # --help and --version
        for system in ("darwin", "linux"):
            text = (PAGES / f"{system}.prom").read_text()
            self.assertEqual(len(families(text)), text.count("# TYPE "), system)


if __name__ == "__main__":
    unittest.main(verbosity=2)
