"""A cluster for the chart: the real control plane with the controllers a Deployment needs, the
stand-in for a node that runs our image, and real helm."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import kubelet as stand_in  # noqa: E402
from pod import BRIDGE  # noqa: E402
from helm import CHART, Helm, ROOT  # noqa: E402
from controlplane import ControlPlane  # noqa: E402
from daemons import BUILD, make_certificate, openssl, script  # noqa: E402

NAMESPACE = "headroom-system"
CONTROLLERS = (
    "deployment-controller,replicaset-controller,endpointslice-controller,disruption-controller"
)


def enter(*scripts):
    """Obtains what needs the network, then goes on in namespaces of its own (kubelet.enter)."""
    if "HEADROOM_E2E_CONTROLPLANE" not in os.environ:
        os.environ["HEADROOM_E2E_CONTROLPLANE"] = script("get-controlplane")
        os.environ["HEADROOM_HELM"] = script("get-helm")
        for name in scripts:
            script(name)
    stand_in.enter()


class Cluster:
    """Control plane, the stand-in for a node, and helm."""

    def __init__(self, directory, manager_args=()):
        self.directory = directory
        self.plane = ControlPlane(
            os.environ["HEADROOM_E2E_CONTROLPLANE"],
            directory / "cluster",
            apiserver_args=["--bind-address=0.0.0.0", f"--advertise-address={BRIDGE}"],
            manager_args=[f"--controllers={CONTROLLERS}", *manager_args],
            node_grace=3600,
        )
        self.helm = None
        self.kubelet = None

    def start(self, image):
        self.plane.start()
        self.kubectl = self.plane.kubectl
        self.helm = Helm(self.directory / "helm", self.plane.kubeconfig)
        self.kubelet = stand_in.Kubelet(self.plane, image, self.directory / "kubelet")
        self.kubelet.start()

    def stop(self):
        if self.kubelet:
            self.kubelet.stop()
        self.plane.stop()

    def namespace(self, name, level="restricted"):
        self.kubectl("create", "namespace", name)
        self.kubectl("label", "namespace", name, f"pod-security.kubernetes.io/enforce={level}")

    def install(self, *args, release="headroom", namespace=NAMESPACE, command="install"):
        try:
            return self.helm(
                command,
                release,
                CHART,
                f"--namespace={namespace}",
                "--wait",
                "--timeout=60s",
                *args,
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.kubelet.logs()}") from None

    def test(self, release="headroom", namespace=NAMESPACE):
        try:
            return self.helm(
                "test", release, f"--namespace={namespace}", "--timeout=60s", "--logs=false"
            )
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.kubelet.logs()}") from None


def make_image(directory):
    image = directory / "image.tar"
    # A fixed time: a commit made while the test runs is no difference.
    done = subprocess.run(
        [ROOT / "scripts" / "build-image", "--build", BUILD, image],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "SOURCE_DATE_EPOCH": "1700000000"},
    )
    assert done.returncode == 0, done.stderr
    return image, done.stdout.strip()


def service_certificate(directory, service, namespace):
    """CA, certificate and key for NAME.NAMESPACE.svc, made once."""
    folder = directory / f"certificate-{service}-{namespace}"
    if not folder.exists():
        folder.mkdir()
        make_certificate(folder)
        extensions = folder / "service.ext"
        extensions.write_text(
            f"subjectAltName=DNS:{service}.{namespace}.svc\nextendedKeyUsage=serverAuth\n"
        )
        openssl(
            "x509",
            "-req",
            "-days",
            2,
            "-in",
            folder / "webhook.csr",
            "-CA",
            folder / "webhook-ca.crt",
            "-CAkey",
            folder / "webhook-ca.key",
            "-CAcreateserial",
            "-extfile",
            extensions,
            "-out",
            folder / "webhook.crt",
        )
    return folder / "webhook-ca.crt", folder / "webhook.crt", folder / "webhook.key"
