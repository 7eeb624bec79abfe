"""A stand-in for scheduler and kubelet: runs the pods of a control plane that has no nodes.

Each pod becomes one runc container in a network namespace of its own, made from our image and from
the pod's own spec: command, arguments, user, capabilities, read-only root, memory limit, Secret
volumes and service-account token. Readiness comes from the pod's probe, so that the real Deployment
and EndpointSlice controllers, `helm install --wait` and `helm test` work as in a cluster. Images are
not pulled: every container is made from the one image given.

Needs root and the namespaces that enter() makes.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time

from pod import BRIDGE, SERVICE_HOST, Api, Pod, run

NODE = "linux-1"


def enter():
    """Starts this program again as root of network and mount namespaces of its own, with a bridge
    for the pods; returns there. Exit 77 (skipped) where a container cannot be run."""
    if os.environ.get("HEADROOM_IN_NAMESPACE"):
        run("mount", "--make-rprivate", "/")
        pathlib.Path("/run/netns").mkdir(parents=True, exist_ok=True)
        run("mount", "-t", "tmpfs", "tmpfs", "/run/netns")
        run("ip", "link", "set", "lo", "up")
        run("ip", "address", "add", f"{SERVICE_HOST}/32", "dev", "lo")
        run("ip", "link", "add", "pods", "type", "bridge")
        run("ip", "address", "add", f"{BRIDGE}/24", "dev", "pods")
        run("ip", "link", "set", "pods", "up")
        return
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "--pid", "--fork", "true"], capture_output=True, check=False
    )
    if os.geteuid() != 0 or probe.returncode != 0 or not shutil.which("runc"):
        print("SKIPPED: needs root, namespaces and runc to run containers", file=sys.stderr)
        sys.exit(77)
    os.environ["HEADROOM_IN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


class Kubelet:
    """Serves all pods of `cluster` from start() until stop(). `image` is an OCI archive."""

    def __init__(self, cluster, image, directory):
        self.api = Api(cluster)
        self.ca = cluster.ca
        self.directory = pathlib.Path(directory)
        self.rootfs, self.image_environment = unpack(image, self.directory)
        self.pods = {}
        self.numbers = iter(range(10, 250))
        self.problems = {}  # pod name -> why it does not start
        self.ending = threading.Event()
        self.thread = threading.Thread(target=self._loop, daemon=True)

    def start(self):
        status, answer = self.api.request(
            "POST",
            "/api/v1/nodes",
            {
                "apiVersion": "v1",
                "kind": "Node",
                "metadata": {"name": NODE, "labels": {"kubernetes.io/os": "linux"}},
            },
        )
        assert status == 201, answer
        self.api.patch(
            f"/api/v1/nodes/{NODE}/status",
            {
                "status": {
                    "conditions": [{"type": "Ready", "status": "True", "reason": "StandIn"}],
                    "addresses": [{"type": "InternalIP", "address": BRIDGE}],
                    "capacity": {"pods": "50", "cpu": "8", "memory": "8Gi"},
                }
            },
        )
        self.thread.start()

    def stop(self):
        self.ending.set()
        self.thread.join(30)
        for pod in self.pods.values():
            pod.kill()

    def logs(self):
        """Ends of the pods' logs, for the message of a failed test."""
        texts = [
            f"{pod.meta['name']}: {pod.log.read_text(errors='replace')[-1500:]}"
            for pod in self.pods.values()
            if pod.log.exists()
        ]
        return "\n".join(texts + [f"{name}: {why}" for name, why in self.problems.items()])

    def _loop(self):
        while not self.ending.wait(0.2):
            try:
                _, listed = self.api.request("GET", "/api/v1/pods")
                for manifest in listed.get("items", []):
                    self._serve(manifest)
            except OSError:
                continue  # the API server restarts

    def _serve(self, manifest):
        meta = manifest["metadata"]
        pod = self.pods.get(meta["uid"])
        if meta.get("deletionTimestamp"):
            return self._end(manifest, pod)
        if not manifest["spec"].get("nodeName"):
            self.api.request(
                "POST",
                f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding",
                {
                    "apiVersion": "v1",
                    "kind": "Binding",
                    "metadata": {"name": meta["name"]},
                    "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
                },
            )
            return None
        if pod is None:
            return self._start(manifest)
        return self._report(pod)

    def _start(self, manifest):
        pod = Pod(self, manifest, next(self.numbers))
        try:
            pod.start()
        except (
            AssertionError
        ) as why:  # e.g. its Secret is not there yet: try again, as a kubelet does
            self.problems[pod.meta["name"]] = str(why)
            pod.kill()
            shutil.rmtree(pod.bundle, ignore_errors=True)
            return
        self.problems.pop(pod.meta["name"], None)
        self.pods[pod.meta["uid"]] = pod

    def _report(self, pod):
        code = pod.process.poll()
        ready = code is None and pod.ready()
        # A container that should run always and ended is not started again: its log says enough.
        once = self.is_once(pod)
        phase = "Running" if code is None or not once else "Succeeded" if code == 0 else "Failed"
        if pod.state == (phase, ready):
            return
        pod.state = (phase, ready)
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        state = (
            {"running": {"startedAt": now}}
            if code is None
            else (
                {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}}
                if once
                else {"waiting": {"reason": "CrashLoopBackOff"}}
            )
        )
        word = "True" if ready else "False"
        self.api.patch(
            pod.path + "/status",
            {
                "status": {
                    "phase": phase,
                    "podIP": pod.address,
                    "podIPs": [{"ip": pod.address}],
                    "hostIP": BRIDGE,
                    "startTime": now,
                    "conditions": [
                        {"type": kind, "status": word, "lastTransitionTime": now}
                        for kind in ("Ready", "ContainersReady")
                    ],
                    "containerStatuses": [
                        {
                            "name": pod.container["name"],
                            "ready": ready,
                            "restartCount": 0,
                            "image": pod.container["image"],
                            "imageID": "",
                            "state": state,
                        }
                    ],
                }
            },
        )

    @staticmethod
    def is_once(pod):
        return pod.manifest["spec"]["restartPolicy"] == "Never"

    def _end(self, manifest, pod):
        if pod is not None:
            if pod.state != "ending":
                pod.state = "ending"
                pod.stop()
            if pod.process.poll() is None:
                return
            pod.kill()
            del self.pods[pod.meta["uid"]]
        meta = manifest["metadata"]
        self.api.request(
            "DELETE",
            f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}",
            {
                "kind": "DeleteOptions",
                "apiVersion": "v1",
                "gracePeriodSeconds": 0,
                "preconditions": {"uid": meta["uid"]},
            },
        )


def unpack(image, directory):
    """Root filesystem and environment of an OCI archive."""
    layout = directory / "layout"
    layout.mkdir(parents=True)
    run("tar", "-C", layout, "-xf", image)
    tag = run("umoci", "ls", "--layout", layout).split()[0]
    run("umoci", "unpack", "--image", f"{layout}:{tag}", directory / "bundle")
    config = json.loads((directory / "bundle" / "config.json").read_text())
    return directory / "bundle" / "rootfs", config["process"]["env"]
