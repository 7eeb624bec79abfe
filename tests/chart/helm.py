"""helm as the tests call it, built by scripts/get-helm."""

import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from daemons import ROOT, script  # noqa: E402

CHART = ROOT / "charts" / "headroom"
# What `helm template` is told of the cluster, which it does not ask.
APIS = ("cert-manager.io/v1", "monitoring.coreos.com/v1")


def tool(name):
    folder = os.environ.get("HEADROOM_HELM") or os.environ.setdefault(
        "HEADROOM_HELM", script("get-helm")
    )
    return pathlib.Path(folder) / name


def ci_values():
    return sorted((CHART / "ci").glob("*-values.yaml"))


class Helm:
    """helm with a home of its own below `directory`; for a cluster if `kubeconfig` is given."""

    def __init__(self, directory, kubeconfig=None):
        self.environment = {
            **os.environ,
            "HELM_CACHE_HOME": f"{directory}/cache",
            "HELM_CONFIG_HOME": f"{directory}/config",
            "HELM_DATA_HOME": f"{directory}/data",
        }
        self.flags = [f"--kubeconfig={kubeconfig}"] if kubeconfig else []

    def __call__(self, *args, check=True, timeout=180):
        done = subprocess.run(
            [str(tool("helm")), *map(str, args), *self.flags],
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=self.environment,
        )
        if check and done.returncode != 0:
            raise AssertionError(
                f"helm {' '.join(map(str, args))}: exit {done.returncode}\n"
                f"{done.stdout}\n{done.stderr}"
            )
        return done

    def template(self, *args, check=True):
        return self(
            "template",
            "headroom",
            CHART,
            "--namespace=headroom-system",
            *(f"--api-versions={api}" for api in APIS),
            *args,
            check=check,
        )
