"""The documentation against the programs: flags, metrics, error texts, alerts and links. What is made
from the programs' own words is in reference_test.py."""

import pathlib
import re
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from package_test import flags_of, run  # noqa: E402
from helm import CHART, ROOT, tool  # noqa: E402
from daemons import program, script  # noqa: E402

DOCS = ROOT / "docs"
PAGES = sorted(
    [*DOCS.rglob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md", CHART / "README.md"]
)
# Pages a reader types from: every flag in them has to exist. In the others those of the tables.
TYPED = [
    DOCS / name
    for name in ("install.md", "troubleshooting.md", "concepts.md", "llmkube-migration.md")
]
TYPED += [*(DOCS / "runbooks").glob("*.md"), CHART / "README.md"]
# Flags of other programs that those pages name.
FOREIGN = {
    "kubectl": "server-side timeout for from-file from-literal namespace kubeconfig embed-certs "
    "server as raw minify flatten certificate-authority client-certificate client-key cluster user "
    "duration type previous "
    "sort-by field-selector wait replicas all",
    "helm": "set create-namespace take-ownership force-conflicts reuse-values",
    "llama-server": "mlock",
    "LLMKube": "host-ip model-store port runtime llama-server-startup-timeout max-watch-failures "
    "apple-power-enabled",
    "brew": "HEAD",
    "our scripts": "from arch",
    "everything": "help version",
}


def text_of(pages):
    return "\n".join(page.read_text() for page in pages)


def source_text():
    """All C++ sources, adjacent string literals joined: messages are found as they are printed."""
    folders = ("webhook", "exporter", "cli", "kube", "net", "sources", "estimator", "common")
    text = "\n".join(
        path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.cc")
    )
    return re.sub(r'"\s*\n\s*"', "", text).replace('\\"', '"')


class Flags(unittest.TestCase):
    def test_every_flag_of_the_daemons_is_documented(self):
        for name, page in (("headroom-exporter", "node.md"), ("headroom-webhook", "admission.md")):
            text = (DOCS / page).read_text()
            missing = {
                flag
                for flag in flags_of(name) - {"help", "version"}
                if not re.search(rf"--{flag}\b|`-{flag.rsplit('-', 1)[-1]}`", text)
            }
            self.assertEqual(missing, set(), f"{name}: not in docs/{page}")

    def test_every_documented_flag_exists(self):
        known = {flag for flags in FOREIGN.values() for flag in flags.split()}
        for name in ("headroom-exporter", "headroom-webhook"):
            known |= flags_of(name)
        commands = re.findall(r"^  ([a-z]+) ", run(program("headroom"), "--help")[1], re.MULTILINE)
        self.assertIn("probe", commands)
        for command in commands:
            output = run(program("headroom"), command, "--help")[1]
            known |= set(re.findall(r"^ +--(?:\[no-\])?([a-z][a-z0-9-]*)", output, re.MULTILINE))
        for page in PAGES:
            text = page.read_text()
            if page not in TYPED:  # the first column of tables
                text = "\n".join(re.findall(r"^\| (`--[^|]*)\|", text, re.MULTILINE))
            used = set(re.findall(r"(?<![\w-])--([a-z][a-z0-9-]+)", text))
            with self.subTest(page=str(page.relative_to(ROOT))):
                self.assertEqual(used - known, set(), "no program has these flags")


class Metrics(unittest.TestCase):
    def test_documented_names_exist(self):
        sources = source_text()
        for page in PAGES:
            for name in sorted(
                set(re.findall(r"\b(headroom_(?:[a-z0-9]+_)+[a-z0-9]+)\b", page.read_text()))
            ):
                base = re.sub(r"_(bucket|count|sum)$", "", name)
                with self.subTest(page=page.name, name=name):
                    self.assertTrue(
                        name in sources or base in sources, "no program has such a series"
                    )

    def test_alerts_and_dashboards_use_series_that_exist(self):
        sources = source_text()
        for path in (
            CHART / "files" / "alerts.yaml",
            *(CHART / "files" / "dashboards").glob("*.json"),
        ):
            for name in sorted(set(re.findall(r"\bheadroom_[a-z0-9_]+\b", path.read_text()))):
                base = name.removesuffix("_bucket")
                self.assertIn(f'"{base}"', sources, f"{path.name}: {name}")


class Alerts(unittest.TestCase):
    def test_every_alert_has_its_page_and_every_page_its_alert(self):
        groups = yaml.safe_load((CHART / "files" / "alerts.yaml").read_text())["groups"]
        rules = {rule["alert"]: rule for group in groups for rule in group["rules"]}
        pages = {path.stem: path.read_text() for path in (DOCS / "runbooks").glob("Headroom*.md")}
        self.assertEqual(set(rules), set(pages))
        index = (DOCS / "runbooks" / "README.md").read_text()
        tests = yaml.safe_load((ROOT / "tests" / "chart" / "alerts_test.yaml").read_text())["tests"]
        for name, text in pages.items():
            with self.subTest(name):
                sections = re.findall(r"^#+ (.*)", text, re.MULTILINE)
                self.assertEqual(sections, [name, "Meaning", "Impact", "Diagnosis", "Remedy"])
                self.assertIn(f"Severity: {rules[name]['labels']['severity']}", text)
                self.assertIn("```", text, "diagnosis by commands")
                self.assertTrue(rules[name]["annotations"]["runbook_url"].endswith(f"/{name}.md"))
                self.assertIn(f"({name}.md)", index)
                expected = [
                    check["exp_alerts"]
                    for test in tests
                    for check in test["alert_rule_test"]
                    if check["alertname"] == name
                ]
                self.assertTrue(
                    any(expected) and not all(expected), "tested to fire and not to fire"
                )

    def test_levels_are_the_watchdogs_defaults(self):
        help_text = run(program("headroom-exporter"), "--help")[1]
        alerts = (CHART / "files" / "alerts.yaml").read_text()
        for flag in ("warning", "critical"):
            default = re.search(
                rf"--memory-pressure-{flag} .*?default ([0-9.]+)", help_text, re.DOTALL
            ).group(1)
            self.assertRegex(alerts, rf"headroom_memory_total_bytes < {float(default):.2f}\n")


# Texts of troubleshooting.md that are Kubernetes' or Helm's: the program that has them, and what of them is
# in it as it stands.
OTHERS_SAY = {
    "denied the request": ("kube-apiserver", "denied the request"),
    'failed calling webhook "fit.headroom.dev"': ("kube-apiserver", "failed calling webhook %q"),
    "x509: certificate signed by unknown authority": ("kube-apiserver", None),
    "connect: connection refused": ("kube-apiserver", "connection refused"),
    "no endpoints available": ("kube-apiserver", None),
    "context deadline exceeded": ("kube-apiserver", None),
    'no matches for kind "Model"': ("kubectl", "no matches for kind %q"),
    "exists and cannot be imported into the current release": ("helm", None),
    'conflict with "headroom-webhook-certs"': ("kube-apiserver", "conflict with %q"),
    "additional properties": ("helm", None),
}


class Texts(unittest.TestCase):
    def test_every_error_text_is_said_by_a_program(self):
        """What troubleshooting.md says that somebody says, they say."""
        sources = source_text() + text_of((CHART / "templates").rglob("*.yaml"))
        control_plane = pathlib.Path(script("get-controlplane"))
        binaries = {name: (control_plane / name).read_bytes() for name in ("kube-apiserver", "kubectl")}
        binaries["helm"] = tool("helm").read_bytes()
        rows = re.findall(r"^\| (`[^|]+`) \|", (DOCS / "troubleshooting.md").read_text(), re.MULTILINE)
        self.assertGreater(len(rows), 30)
        for text in re.findall("`([^`]+)`", "".join(rows)):
            with self.subTest(text):
                if text in OTHERS_SAY:
                    name, part = OTHERS_SAY[text]
                    self.assertIn((part or text).encode(), binaries[name])
                else:
                    self.assertIn(text, sources)

    def test_pictures_are_small_and_shown(self):
        shown = re.findall(r"docs/images/([\w-]+\.png)", (ROOT / "README.md").read_text())
        pictures = {path.name: path for path in (DOCS / "images").iterdir()}
        self.assertEqual(set(shown), set(pictures))
        for name, path in pictures.items():
            self.assertTrue(path.read_bytes().startswith(b"\x89PNG"), name)
            self.assertLessEqual(path.stat().st_size, 150_000, name)

    def test_footnotes_are_defined_and_used(self):
        for page in PAGES:
            uses = re.findall(r"\[\^([\w-]+)\](:?)", page.read_text())
            self.assertEqual(
                {name for name, colon in uses if not colon}, {name for name, colon in uses if colon}, page
            )

    def test_measured_errors_are_those_of_the_benchmark(self):
        row = next(line for line in (ROOT / "README.md").read_text().splitlines() if "| error of" in line)
        measured = (DOCS / "estimator.md").read_text()
        for number in re.findall(r"\d+\.\d+", row):
            self.assertIn(number, measured)

    def test_links_lead_somewhere(self):
        for page in PAGES:
            text = page.read_text()
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if re.match(r"[a-z]+:", target):
                    continue
                path, _, anchor = target.partition("#")
                with self.subTest(page=str(page.relative_to(ROOT)), link=target):
                    other = (page.parent / path).resolve() if path else page
                    self.assertTrue(other.exists())
                    if anchor and other.suffix == ".md":
                        there = other.read_text()
                        headings = {
                            re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")
                            for heading in re.findall(r"^#+ (.*)", there, re.MULTILINE)
                        }
                        self.assertTrue(anchor in headings or f'id="{anchor}"' in there)


if __name__ == "__main__":
    unittest.main(verbosity=2)
