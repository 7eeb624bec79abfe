"""The chart on a real API server, installed by real helm into namespaces that enforce the
restricted pod security standard. Its pods run our image with their own specs: arguments, rights, certificate,
read-only root and no capabilities. A missing right, a wrong flag or a file the image lacks keeps a
pod from becoming ready, and the install fails."""

import base64
import hashlib
import json
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from cluster import NAMESPACE, Cluster, enter, make_image, service_certificate  # noqa: E402
from helm import CHART, ROOT, ci_values  # noqa: E402
from pod import run  # noqa: E402
from daemons import eventually, script  # noqa: E402


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-chart-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.image, cls.digest = make_image(cls.directory)
        cls.cluster = Cluster(cls.directory)
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start(cls.image)
        cls.kubectl = cls.cluster.kubectl
        cls.kubectl("apply", "--server-side", "-f", script("get-crds"))
        cls.ca, _, _ = service_certificate(cls.directory, "headroom-webhook", NAMESPACE)

    # --- the image -------------------------------------------------------------------------------

    def test_image_is_reproducible_and_small(self):
        other = self.directory / "again"
        other.mkdir()
        again, digest = make_image(other)
        self.assertEqual(digest, self.digest)
        self.assertEqual(again.read_bytes(), self.image.read_bytes())
        rootfs = self.cluster.kubelet.rootfs
        files = [path for path in rootfs.rglob("*") if path.is_file() and not path.is_symlink()]
        size = sum(path.stat().st_size for path in files)
        print(
            f"image: {size / 1e6:.1f} MB unpacked, {self.image.stat().st_size / 1e6:.1f} MB packed"
        )
        self.assertLess(size, 30e6)
        names = {path.name for path in files}
        self.assertFalse(names & {"sh", "bash", "dash", "busybox", "apt-get", "dpkg"})
        sbom = json.loads(self.image.with_suffix(".spdx.json").read_text())
        self.assertLessEqual(
            {"headroom-webhook", "headroom", "libc6", "libssl3"} - {"libssl3"},
            {package["name"] for package in sbom["packages"]},
        )

    def test_images_of_two_architectures_make_one_index(self):
        """The second one is the first with another label: what is compiled for it is not CI's work."""
        layout = self.directory / "labelled"
        layout.mkdir()
        run("tar", "-C", layout, "-xf", self.image)
        (name,) = run("umoci", "ls", "--layout", layout).split()
        other_kind = {"amd64": "arm64", "arm64": "amd64"}[run("dpkg", "--print-architecture").strip()]
        run("umoci", "config", "--image", f"{layout}:{name}", "--architecture", other_kind)
        run("umoci", "gc", "--layout", layout)
        other = self.directory / "other.tar"
        run("tar", "-C", layout, "-cf", other, ".")
        out = self.directory / "index.tar"
        tool = ROOT / "scripts" / "lib" / "image_index.py"
        digest = run(sys.executable, tool, out, self.image, other).strip()
        bytes_before = out.read_bytes()
        self.assertEqual(run(sys.executable, tool, out, other, self.image).strip(), digest)
        self.assertEqual(out.read_bytes(), bytes_before)
        with tarfile.open(out) as archive:
            files = {m.name: archive.extractfile(m).read() for m in archive}
        for path, data in files.items():
            if path.startswith("blobs/"):
                self.assertEqual(path, f"blobs/sha256/{hashlib.sha256(data).hexdigest()}")
        (top,) = json.loads(files["index.json"])["manifests"]
        self.assertEqual(top["digest"], digest)
        index = json.loads(files["blobs/" + digest.replace(":", "/")])
        self.assertEqual(
            [one["platform"]["architecture"] for one in index["manifests"]], ["amd64", "arm64"]
        )
        self.assertIn(self.digest, [one["digest"] for one in index["manifests"]])
        for one in index["manifests"]:
            manifest = json.loads(files["blobs/" + one["digest"].replace(":", "/")])
            for part in (manifest["config"], *manifest["layers"]):
                self.assertIn("blobs/" + part["digest"].replace(":", "/"), files)
        twice = subprocess.run(
            [sys.executable, tool, out, self.image, self.image], capture_output=True, text=True, check=False
        )
        self.assertNotEqual(twice.returncode, 0)
        self.assertIn("expected one image for each architecture", twice.stderr)

    # --- every ci values file --------------------------------------------------------------------

    def test_every_values_file_installs_and_works(self):
        for path in ci_values():
            with self.subTest(values=path.name):
                self.install_and_check(path)

    def install_and_check(self, path):
        values = yaml.safe_load(path.read_text())
        mode = values.get("certificates", {}).get("mode", "self-managed")
        name = path.stem.removesuffix("-values")
        namespace = f"ci-{name}"[:40].rstrip("-")
        host = values.get("webhook", {}).get("hostNetwork")
        self.cluster.namespace(namespace, "privileged" if host else "restricted")
        self.prepare(namespace, mode, values)
        extra = ["-f", path, "--set", "webhook.shutdownDelaySeconds=0"]
        webhook = f"{values.get('fullnameOverride', 'headroom')}-webhook"
        if mode == "existing":
            extra += [
                "--set",
                f"certificates.existing.caBundle={self.ca_bundle(namespace, webhook)}",
            ]
        if mode == "cert-manager":
            self.stand_in_for_cert_manager(namespace, webhook)
        if not values.get("crds", {}).get("install", True):
            self.kubectl("apply", "--server-side", "-f", CHART / "files" / "crds")
        started = time.monotonic()
        # The CRDs that the installation before left belong to it until this one takes them over.
        self.cluster.install(*extra, "--take-ownership", namespace=namespace)
        self.cluster.test(namespace=namespace)
        self.check_strictly(path, namespace)
        print(f"{name}: installed, asked and answered in {time.monotonic() - started:.1f} s")
        self.cluster.helm("uninstall", "headroom", f"--namespace={namespace}")
        left = self.kubectl(
            "get",
            "validatingwebhookconfigurations,clusterroles,validatingadmissionpolicies",
            "-l",
            "app.kubernetes.io/instance=headroom",
            "-o",
            "name",
        ).stdout
        self.assertEqual(left, "", "left behind by the uninstall")
        self.kubectl("get", "crd", "models.inference.llmkube.dev")

    def check_strictly(self, path, namespace):
        """Helm lets a field pass that a schema does not know: it is dropped, with a warning at most."""
        rendered = self.cluster.helm.template("-f", path, f"--namespace={namespace}").stdout
        flags = ("--server-side", "--dry-run=server", "--force-conflicts", "--validate=strict")
        self.kubectl("apply", *flags, "-f", "-", stdin=rendered)

    def prepare(self, namespace, mode, values):
        webhook = values.get("webhook", {})
        if secret := webhook.get("nodeToken", {}).get("secretName"):
            self.kubectl(
                "create", "secret", "generic", secret, "-n", namespace, "--from-literal=token=x"
            )
        if secret := webhook.get("sourceCA", {}).get("secretName"):
            self.kubectl(
                "create",
                "secret",
                "generic",
                secret,
                "-n",
                namespace,
                f"--from-file=ca.crt={self.ca}",
            )
        if mode == "existing":
            self.fill_secret(
                namespace, values["certificates"]["existing"]["secretName"], "headroom-webhook"
            )

    def fill_secret(self, namespace, secret, webhook):
        _, certificate, key = service_certificate(self.directory, webhook, namespace)
        self.kubectl(
            "create",
            "secret",
            "tls",
            secret,
            "-n",
            namespace,
            f"--cert={certificate}",
            f"--key={key}",
        )

    def ca_bundle(self, namespace, webhook):
        ca, _, _ = service_certificate(self.directory, webhook, namespace)
        return base64.b64encode(ca.read_bytes()).decode()

    def stand_in_for_cert_manager(self, namespace, webhook):
        """Its controllers do not run here: makes the Secret they would, and puts the CA into the
        registration once that asks for it."""
        self.fill_secret(namespace, f"{webhook}-cert-manager", webhook)
        patch = [
            {
                "op": "add",
                "path": "/webhooks/0/clientConfig/caBundle",
                "value": self.ca_bundle(namespace, webhook),
            }
        ]

        def asked():
            config = json.loads(
                self.kubectl("get", "validatingwebhookconfiguration", webhook, "-o", "json").stdout
            )
            return (
                config["metadata"]["annotations"]["cert-manager.io/inject-ca-from"]
                == f"{namespace}/{webhook}"
            )

        def inject():
            eventually(asked, "the registration asks for cert-manager's CA", 60)
            self.kubectl(
                "patch",
                "validatingwebhookconfiguration",
                webhook,
                "--type=json",
                "-p",
                json.dumps(patch),
            )

        threading.Thread(target=inject, daemon=True).start()

    # --- from one certificate mode to another ----------------------------------------------------

    def test_modes_can_be_changed(self):
        namespace, webhook = "transitions", "headroom-webhook"
        self.cluster.namespace(namespace)
        self.fill_secret(namespace, "mine", webhook)
        existing = [
            "--set",
            "certificates.mode=existing",
            "--set",
            "certificates.existing.secretName=mine",
            "--set",
            f"certificates.existing.caBundle={self.ca_bundle(namespace, webhook)}",
        ]
        quick = ["--set", "webhook.shutdownDelaySeconds=0", "--take-ownership"]
        # The webhook owns the caBundle in its mode; Helm may not overwrite it unless told to.
        force = ["--force-conflicts"]
        steps = [
            ("self-managed", []),
            ("existing", [*existing, *force]),
            ("self-managed", []),
            ("cert-manager", ["--set", "certificates.mode=cert-manager"]),
            ("existing", [*existing, *force]),
        ]
        for number, (mode, args) in enumerate(steps):
            with self.subTest(step=number, mode=mode):
                if number == 1:
                    self.refuse_to_overwrite(existing, namespace)
                if mode == "cert-manager":
                    self.stand_in_for_cert_manager(namespace, webhook)
                self.cluster.install(
                    *args, *quick, namespace=namespace, command="upgrade" if number else "install"
                )
                self.cluster.test(namespace=namespace)
        self.cluster.helm("uninstall", "headroom", f"--namespace={namespace}")

    def refuse_to_overwrite(self, existing, namespace):
        done = self.cluster.helm(
            "upgrade", "headroom", CHART, f"--namespace={namespace}", *existing, check=False
        )
        self.assertNotEqual(done.returncode, 0)
        self.assertIn('conflict with "headroom-webhook-certs"', done.stderr)

    # --- least rights ----------------------------------------------------------------------------

    def test_missing_right_keeps_a_pod_from_becoming_ready(self):
        namespace = "less"
        self.cluster.namespace(namespace)
        self.cluster.install(
            "--set", "webhook.shutdownDelaySeconds=0", "--take-ownership", namespace=namespace
        )
        rules = json.loads(
            self.kubectl("get", "clusterrole", "headroom-webhook", "-o", "json").stdout
        )["rules"]
        for resource in ("nodes", "models", "validatingwebhookconfigurations"):
            with self.subTest(without=resource):
                fewer = [rule for rule in rules if resource not in rule["resources"]]
                self.kubectl(
                    "patch",
                    "clusterrole",
                    "headroom-webhook",
                    "--type=merge",
                    "-p",
                    json.dumps({"rules": fewer}),
                )
                self.kubectl("delete", "pods", "-n", namespace, "--all", "--wait=false")
                eventually(
                    lambda: "cannot list resource" in self.unready(namespace, resource),
                    resource,
                    60,
                )
        self.cluster.helm("uninstall", "headroom", f"--namespace={namespace}")

    def unready(self, namespace, resource):
        """What /readyz of a pod says that lacks the right."""
        for pod in list(self.cluster.kubelet.pods.values()):
            if pod.meta["namespace"] == namespace and pod.state != "ending":
                status, text = pod.get("/readyz")
                if status == 503 and resource in text:
                    return text
        return ""


if __name__ == "__main__":
    enter("get-crds")
    unittest.main(verbosity=2)
