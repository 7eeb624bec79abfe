"""A newcomer's path: the sh blocks of docs/install.md, run in their order by bash on a real API
server with real helm and kubectl, until a model is refused and another is served. Pods run from our
image by the stand-in for a kubelet of tests/chart. Prints the time from helm install to the first
denial."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "chart"))
from cluster import Cluster, enter, make_image  # noqa: E402
from helm import ROOT, tool  # noqa: E402
from pod import SERVICE_HOST, run  # noqa: E402
from daemons import BUILD, eventually, program, script  # noqa: E402

DOCUMENT = ROOT / "docs" / "install.md"
MODELS = pathlib.Path("/srv/models")
BLOCK_SECONDS = 90


def blocks():
    """Kind and text of the document's blocks of shell commands: sh, "sh mac" (keeps running, on the
    Mac) and "sh fails" (must be refused)."""
    return re.findall(
        r"^```(sh(?: \w+)?)\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE
    )


class Newcomer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-newcomer-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/srv")  # in this test's mount namespace only
        MODELS.mkdir()
        subprocess.run([program("make-gguf"), "kvheavy", MODELS / "llama.gguf"], check=True)
        image, _ = make_image(cls.directory)
        cls.cluster = Cluster(cls.directory, manager_args=cls.signing())
        cls.addClassCleanup(cls.cluster.stop)
        cls.cluster.start(image)
        cls.work = cls.directory / "work"
        cls.work.mkdir()
        (cls.work / "charts").symlink_to(ROOT / "charts")
        cls.mac = None
        cls.addClassCleanup(cls.stop_mac)

    @classmethod
    def signing(cls):
        pki = cls.directory / "cluster" / "pki"
        return [
            "--controllers=certificatesigningrequest-signing-controller",
            f"--cluster-signing-cert-file={pki}/ca.crt",
            f"--cluster-signing-key-file={pki}/ca.key",
        ]

    @classmethod
    def environment(cls):
        """A person's shell: tools in PATH, a kubeconfig with an address that a Mac reaches."""
        config = cls.directory / "person.kubeconfig"
        text = cls.cluster.plane.kubeconfig.read_text()
        config.write_text(text.replace("127.0.0.1", SERVICE_HOST))
        config.chmod(0o600)
        folders = [
            tool("helm").parent,
            cls.cluster.plane.binaries,
            BUILD / "exporter",
            BUILD / "cli",
            pathlib.Path(script("get-llama-server")).parent,
        ]
        return {
            **os.environ,
            "KUBECONFIG": str(config),
            "HOME": str(cls.directory),
            "PATH": ":".join(map(str, folders)) + ":" + os.environ["PATH"],
        }

    @classmethod
    def stop_mac(cls):
        if not cls.mac or cls.mac.poll() is not None:
            return
        with urllib.request.urlopen("http://127.0.0.1:19834/v1/models", timeout=10) as response:
            models = json.load(response)["models"]
        cls.mac.terminate()
        cls.mac.wait(30)
        # Models outlive their exporter, as they should.
        for model in models:
            if model.get("pid"):
                os.killpg(model["pid"], signal.SIGKILL)

    def shell(self, text):
        process = subprocess.Popen(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=self.work,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment(),
            start_new_session=True,
        )
        try:
            out, err = process.communicate(timeout=BLOCK_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            err += f"\n(not finished within {BLOCK_SECONDS} s)"
        return subprocess.CompletedProcess(text, process.returncode, out, err)

    def start(self, text):
        with open(self.directory / "mac.log", "ab") as log:
            type(self).mac = subprocess.Popen(
                ["bash", "-c", "exec " + text.strip()],
                cwd=self.work,
                stdout=log,
                stderr=log,
                env=self.environment(),
                start_new_session=True,
            )

    def context(self):
        log = self.directory / "mac.log"
        return self.cluster.kubelet.logs() + (log.read_text()[-2000:] if log.exists() else "")

    def test_a_document_works_as_written(self):
        installed = None
        denied = ""
        for kind, text in blocks():
            if "helm install" in text:
                installed = time.monotonic()
            if kind == "sh mac":
                self.start(text)
                continue
            done = self.shell(text)
            report = f"{text}\n{done.stdout}\n{done.stderr}\n{self.context()}"
            self.assertEqual(done.returncode != 0, kind == "sh fails", report)
            if kind == "sh fails":
                denied = done.stderr
                print(
                    f"from helm install to the first denial: {time.monotonic() - installed:.1f} s"
                )
        self.assertIn("[HR-101] Model default/llama needs", denied, self.context())
        self.assertIn("Would fit", denied)

    def test_b_accepted_model_is_served(self):
        def ready():
            model = json.loads(self.cluster.kubectl("get", "model", "llama", "-o", "json").stdout)
            return model["status"]["serving"]["phase"] == "Ready"

        try:
            eventually(ready, "the accepted model is ready", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.context()}") from None
        endpoint = json.loads(
            self.cluster.kubectl("get", "endpointslice", "llama", "-o", "json").stdout
        )
        self.assertEqual(endpoint["endpoints"][0]["nodeName"], "mac-1")

    def test_c_passing_unchecked_is_counted(self):
        """The series of the alert HeadroomFailOpen, from the real API server."""
        kubectl = self.cluster.kubectl
        kubectl(
            "patch",
            "validatingwebhookconfiguration",
            "headroom-webhook",
            "--type=json",
            "-p",
            '[{"op":"replace","path":"/webhooks/0/failurePolicy","value":"Ignore"}]',
        )
        kubectl("scale", "deployment", "headroom-webhook", "-n", "headroom-system", "--replicas=0")
        refused = next(text for kind, text in blocks() if kind == "sh fails")
        large = re.search(r"<<EOF\n(.*?)^EOF", refused, re.DOTALL | re.MULTILINE).group(1)
        large = large.replace("name: llama", "name: unchecked")
        eventually(
            lambda: kubectl(
                "create", "--dry-run=server", "-f", "-", stdin=large, check=False
            ).returncode
            == 0,
            "the model passes unchecked",
            60,
        )
        _, page = self.cluster.plane.get("/metrics")
        self.assertRegex(
            page, r'apiserver_admission_webhook_fail_open_count\{name="fit.headroom.dev",'
        )


if __name__ == "__main__":
    if "HEADROOM_IN_NAMESPACE" not in os.environ:
        script("get-llama-server")
    enter()
    unittest.main(verbosity=2, failfast=True)
