"""What the chart renders, without a cluster: lint, unit tests, the same bytes each time, strict
values, least rights, and nothing that the webhook itself owns."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from helm import CHART, Helm, ci_values, tool  # noqa: E402
from helm import ROOT  # noqa: E402


def documents(text):
    return [one for one in yaml.safe_load_all(text) if one]


def leaves(value, path=()):
    """Paths of all keys of nested mappings."""
    if not isinstance(value, dict) or not value:
        return
    for key, inner in value.items():
        yield (*path, key)
        yield from leaves(inner, (*path, key))


class Render(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.home = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.home.cleanup)
        cls.helm = Helm(cls.home.name)
        cls.rendered = {
            path.stem.removesuffix("-values"): cls.helm.template("-f", path).stdout
            for path in ci_values()
        }

    def test_lint(self):
        for path in ci_values():
            self.helm("lint", "--strict", CHART, "-f", path, "--namespace=headroom-system")

    def test_unit_tests(self):
        done = subprocess.run(
            [tool("helm-unittest"), "--strict", "--file", "tests/*_test.yaml", CHART],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_rendering_is_deterministic(self):
        for path in ci_values():
            again = self.helm.template("-f", path).stdout
            self.assertEqual(again, self.rendered[path.stem.removesuffix("-values")], path.name)

    def test_every_mode_has_values(self):
        modes = json.loads((CHART / "values.schema.json").read_text())["properties"][
            "certificates"
        ]["properties"]["mode"]["enum"]
        used = {
            yaml.safe_load(path.read_text()).get("certificates", {}).get("mode", "self-managed")
            for path in ci_values()
        }
        self.assertEqual(used, set(modes))

    def test_rights_have_no_wildcard_and_no_escalation(self):
        for name, text in self.rendered.items():
            for one in documents(text):
                for rule in one.get("rules") or [] if one["kind"].endswith("Role") else []:
                    with self.subTest(values=name, role=one["metadata"]["name"], rule=rule):
                        every = [*rule["apiGroups"], *rule["resources"], *rule["verbs"]]
                        self.assertNotIn("*", every)
                        self.assertFalse({"escalate", "bind", "impersonate"} & set(rule["verbs"]))
                        if "secrets" in rule["resources"]:
                            self.assertTrue(rule.get("resourceNames"), "Secrets only by name")
                            self.assertNotIn("create", rule["verbs"])

    def test_self_managed_renders_nothing_the_webhook_writes(self):
        objects = documents(self.rendered["default"])
        config = next(o for o in objects if o["kind"] == "ValidatingWebhookConfiguration")
        for webhook in config["webhooks"]:
            self.assertNotIn("caBundle", webhook["clientConfig"])
        for secret in (o for o in objects if o["kind"] == "Secret"):
            self.assertFalse({"data", "stringData"} & set(secret))

    def test_values_and_schema_agree(self):
        schema = json.loads((CHART / "values.schema.json").read_text())
        values = yaml.safe_load((CHART / "values.yaml").read_text())
        described = set()

        def walk(node, path):
            if node.get("type") == "object" and "properties" in node:
                self.assertIs(node.get("additionalProperties"), False, path)
                for key, inner in node["properties"].items():
                    described.add((*path, key))
                    walk(inner, (*path, key))

        walk(schema, ())
        described.discard(("global",))  # Helm puts it there for subcharts
        missing = described - set(leaves(values))
        self.assertFalse(missing, "in the schema, without a default in values.yaml")

    def test_schema_refuses(self):
        for wrong in (
            "webhook.replica=2",
            "webhook.replicas=0",
            "webhook.failurePolicy=fail",
            "certificates.mode=helm",
            "webhook.port=80",
            "image.digest=abc",
            "macs.nodes[0].name=Mac_1",
            "webhook.unknownSize=allow",
            "macs.sourceSecrets[0].namespace=team-a",
        ):
            done = self.helm.template("--set", wrong, check=False)
            self.assertNotEqual(done.returncode, 0, wrong)
            self.assertIn("schema", done.stderr, wrong)

    def test_contradictions_are_refused_with_the_way_out(self):
        both = (
            "--set",
            "monitoring.serviceMonitor.enabled=true",
            "--set",
            "monitoring.podMonitor.enabled=true",
        )
        for args, text in (
            (both, "enable one of them"),
            (("--set", "certificates.mode=existing"), "expected both"),
            (("--set", "webhook.hostNetwork=true"), "set webhook.port"),
            (
                ("--set-json", 'macs.sourceSecrets=[{"namespace":"a","names":["b"]}]'),
                "expected the Macs",
            ),
        ):
            done = self.helm.template(*args, check=False)
            self.assertNotEqual(done.returncode, 0, args)
            self.assertIn(text, done.stderr)
        done = self.helm(
            "template", "x", CHART, "--set", "certificates.mode=cert-manager", check=False
        )
        self.assertIn("install cert-manager first", done.stderr)

    def test_rights_on_source_secrets_are_those_of_the_documentation(self):
        example = documents((ROOT / "docs" / "examples" / "source-secret-rbac.yaml").read_text())
        rendered = documents(
            self.helm.template(
                "--set-json",
                'macs={"nodes":[{"name":"mac-1"}],"sourceSecrets":'
                '[{"namespace":"team-a","names":["hugging-face"]}]}',
                "--show-only=templates/macs/secrets.yaml",
            ).stdout
        )
        for one in (*example, *rendered):
            one["metadata"].pop("labels", None)
        self.assertEqual(rendered, example)

    def test_readme_table_is_generated(self):
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "lib" / "chart_readme.py", "--check"],
            capture_output=True,
            text=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_chart_and_program_have_one_version(self):
        chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
        cmake = (ROOT / "CMakeLists.txt").read_text()
        self.assertIn(f"project(headroom VERSION {chart['appVersion']} ", cmake)

    def test_images_are_named_by_digest_or_tag(self):
        self.assertIn("image: headroom:0.1.0\n", self.rendered["default"])
        self.assertIn("image: registry.internal/headroom@sha256:", self.rendered["everything"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
