"""Macs of a test cluster: a control plane with our CRDs, exporters as its nodes, and the model servers
they started, seen from outside, in /proc."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

from controlplane import ControlPlane
from daemons import ROOT, Daemon, eventually, program

CRDS = ROOT / "charts" / "headroom" / "files" / "crds"
EXAMPLES = ROOT / "docs" / "examples"


class Cluster(ControlPlane):
    """With our CRDs, and an API server that says it is at `address`."""

    def __init__(self, directory, address, **options):
        super().__init__(os.environ["HEADROOM_E2E_CONTROLPLANE"], pathlib.Path(directory) / "cluster",
                         apiserver_args=[f"--advertise-address={address}"], **options)

    def start(self, outlive=False):
        super().start(outlive)
        self.kubectl("apply", "--server-side", "-f", CRDS)
        eventually(lambda: self.kubectl("get", "models,inferenceservices", check=False)
                   .returncode == 0, "CRDs are served")

    def allow_macs(self, *names):
        """The rights of docs/examples for the users headroom:NAME."""
        rbac = (EXAMPLES / "mac-rbac.yaml").read_text()
        self.kubectl("apply", "-f", "-",
                     stdin="\n---\n".join(rbac.replace("mac-1", name) for name in names))

    def object(self, kind, name, *args):
        return json.loads(self.kubectl("get", kind, name, "-o", "json", *args).stdout)

    def objects(self, kind, *args):
        return json.loads(self.kubectl("get", kind, "-o", "json", *args).stdout)["items"]

    def events(self, name=None, reason=None):
        """Of all objects, or of those of that name, or for that reason."""
        return [event for event in self.objects("events")
                if name in (None, event["involvedObject"]["name"])
                and reason in (None, event["reason"])]

    def condition(self, kind, name, wanted):
        found = self.object(kind, name).get("status", {}).get("conditions", [])
        return next((one for one in found if one["type"] == wanted), None)


def set_up(test, gguf, address):
    """For setUpClass(): a folder of its own, a model file in it, and a cluster that runs."""
    name = test.__name__.lower()
    test.directory = pathlib.Path(tempfile.mkdtemp(prefix=f"headroom-{name}-")).resolve()
    test.addClassCleanup(shutil.rmtree, test.directory, ignore_errors=True)
    test.model_file = test.directory / f"{gguf}.gguf"
    subprocess.run([program("make-gguf"), gguf, test.model_file], check=True)
    test.cluster = Cluster(test.directory, address)
    test.addClassCleanup(test.cluster.stop)
    test.cluster.start()


def exporter(directory, name, address, kubeconfig, *args, state="state", label=None, before=(),
             env=None):
    """An exporter as one Mac; not started."""
    return Daemon("headroom-exporter", directory, *before, "--listen", f"{address}:0", "--node-name", name,
                  "--advertise-address", address, "--model-host", address,
                  "--kubeconfig", kubeconfig, "--state-dir", pathlib.Path(directory) / state,
                  *args, label=label, env=env)


def server_of(pid):
    """(state folder, workload) of a model server that an exporter started; None: it is not one."""
    try:
        environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    except OSError:
        return None
    values = dict(one.partition(b"=")[::2] for one in environment)
    state = values.get(b"HEADROOM_CHILD_OF", b"").decode()
    return (state, values[b"HEADROOM_WORKLOAD"].decode()) if state else None


def program_of(pid):
    """Name of what a process runs; "" for one that has ended or is becoming another."""
    try:
        command = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return ""
    return pathlib.Path(command.decode(errors="replace")).name


def servers(state, runs="stand-in-server"):
    """{workload: [pid]} of the servers of one state folder that live."""
    found = {}
    for pid in (entry.name for entry in os.scandir("/proc") if entry.name.isdigit()):
        server = server_of(pid)
        if server and server[0] == str(state) and program_of(pid) == runs:
            found.setdefault(server[1], []).append(int(pid))
    return found


def kill_servers(state, runs="stand-in-server"):
    """A killed exporter leaves its models running for the next one, as it should."""
    for pids in servers(state, runs).values():
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
