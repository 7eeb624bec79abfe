"""A stand-in for scheduler and kubelet: runs the pods of a control plane that has no nodes.

Each pod becomes one runc container in a network namespace of its own, made from our image and from
the pod's own spec: command, arguments, user, capabilities, read-only root, memory limit, Secret
volumes and service-account token. Readiness comes from the pod's probe, so that the real Deployment
and EndpointSlice controllers, `helm install --wait` and `helm test` work as in a cluster. Images are
not pulled: every container is made from the one image given.

Needs root and the namespaces that enter() makes.
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import ssl
import subprocess
import sys
import threading
import time

NODE = "linux-1"
BRIDGE = "10.200.8.1"
SERVICE_HOST = "10.0.0.1"  # the API server's own service address, which its certificate names
TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def run(*args, stdin=None):
    done = subprocess.run([str(arg) for arg in args], input=stdin, capture_output=True, text=True,
                          check=False)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


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
    probe = subprocess.run(["unshare", "--net", "--mount", "--pid", "--fork", "true"],
                           capture_output=True, check=False)
    if os.geteuid() != 0 or probe.returncode != 0 or not shutil.which("runc"):
        print("SKIPPED: needs root, namespaces and runc to run containers", file=sys.stderr)
        sys.exit(77)
    os.environ["HEADROOM_IN_NAMESPACE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", sys.executable, *sys.argv])


class Api:
    """JSON requests to the API server, as administrator or as a user of ControlPlane.user()."""

    def __init__(self, cluster, user="admin"):
        self.port = cluster.port
        pki = cluster.directory / "pki"
        self.context = ssl.create_default_context(cafile=cluster.ca)
        self.context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")

    def request(self, method, path, body=None, content="application/json"):
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.context,
                                                 timeout=30)
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None,
                               {"Content-Type": content})
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"{}")
        finally:
            connection.close()

    def patch(self, path, body):
        return self.request("PATCH", path, body, "application/strategic-merge-patch+json")


class Pod:
    """One container of one pod."""

    def __init__(self, kubelet, manifest, number):
        self.kubelet = kubelet
        self.manifest = manifest
        self.meta = manifest["metadata"]
        self.path = f"/api/v1/namespaces/{self.meta['namespace']}/pods/{self.meta['name']}"
        self.container = manifest["spec"]["containers"][0]
        self.address = f"10.200.8.{number}"
        self.netns = f"pod{number}"
        self.bundle = kubelet.directory / self.meta["uid"]
        self.log = kubelet.directory / f"{self.meta['name']}.log"
        self.process = None
        self.state = None

    def start(self):
        self._make_network()
        self.bundle.mkdir(parents=True)
        (self.bundle / "rootfs").mkdir()
        run("mount", "--bind", self.kubelet.rootfs, self.bundle / "rootfs")
        (self.bundle / "config.json").write_text(json.dumps(self._config()))
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", "runc", "--root", self.kubelet.directory / "runc",
                 "run", "--bundle", self.bundle, self.meta["uid"]],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def stop(self):
        subprocess.run(["runc", "--root", self.kubelet.directory / "runc", "kill", self.meta["uid"],
                        "TERM"], capture_output=True, check=False)

    def kill(self):
        subprocess.run(["runc", "--root", self.kubelet.directory / "runc", "delete", "--force",
                        self.meta["uid"]], capture_output=True, check=False)
        if self.process:
            self.process.wait()
        subprocess.run(["umount", self.bundle / "rootfs"], capture_output=True, check=False)
        subprocess.run(["ip", "netns", "delete", self.netns], capture_output=True, check=False)

    def ready(self):
        probe = self.container.get("readinessProbe", {}).get("httpGet")
        if probe is None:
            return True
        try:
            return self.get(probe["path"])[0] == 200
        except OSError:
            return False

    def get(self, path):
        """Status and text of a page of the container's only port, unverified as by a kubelet."""
        port = self.container["ports"][0]["containerPort"]
        connection = http.client.HTTPSConnection(self.address, port, context=ssl._create_unverified_context(),
                                                 timeout=3)
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    # --- parts -------------------------------------------------------------------------------

    def _make_network(self):
        end = f"v{self.netns}"
        run("ip", "netns", "add", self.netns)
        run("ip", "link", "add", end, "type", "veth", "peer", "name", "eth0", "netns", self.netns)
        run("ip", "link", "set", end, "master", "pods", "up")
        inside = ("ip", "-n", self.netns)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "address", "add", f"{self.address}/24", "dev", "eth0")
        run(*inside, "link", "set", "eth0", "up")
        run(*inside, "route", "add", "default", "via", BRIDGE)

    def _config(self):
        """The OCI runtime configuration that this pod's spec asks for."""
        pod, container = self.manifest["spec"].get("securityContext", {}), self.container
        own = container.get("securityContext", {})
        user = {"uid": pod.get("runAsUser", 0), "gid": pod.get("runAsGroup", 0),
                "additionalGids": [pod["fsGroup"]] if "fsGroup" in pod else []}
        dropped = own.get("capabilities", {}).get("drop", [])
        assert dropped == ["ALL"], "the container keeps capabilities"
        environment = [f"KUBERNETES_SERVICE_HOST={SERVICE_HOST}",
                       f"KUBERNETES_SERVICE_PORT={self.kubelet.api.port}",
                       f"HOSTNAME={self.meta['name']}", *self.kubelet.image_environment]
        memory = container.get("resources", {}).get("limits", {}).get("memory")
        resources = {"memory": {"limit": int(memory.removesuffix("Mi")) << 20}} if memory else {}
        namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        namespaces.append({"type": "network", "path": f"/run/netns/{self.netns}"})
        return {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False, "user": user, "cwd": "/", "env": environment,
                "args": [*container["command"], *container.get("args", [])],
                "noNewPrivileges": not own.get("allowPrivilegeEscalation", True),
                "capabilities": {}},
            "root": {"path": "rootfs", "readonly": own.get("readOnlyRootFilesystem", False)},
            "hostname": self.meta["name"][:63],
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {"destination": "/dev", "type": "tmpfs", "source": "tmpfs",
                 "options": ["nosuid", "mode=755", "size=64k"]},
                *({"destination": path, "type": "bind", "source": str(source),
                   "options": ["bind", "ro"]} for path, source in self._volumes().items())],
            "linux": {"namespaces": namespaces, "resources": resources,
                      "cgroupsPath": f"/headroom-test/{self.meta['uid']}"},
        }

    def _volumes(self):
        volumes = {volume["name"]: volume for volume in self.manifest["spec"].get("volumes", [])}
        found = {}
        for mount in self.container.get("volumeMounts", []):
            volume = volumes[mount["name"]]
            if "secret" in volume:
                found[mount["mountPath"]] = self._secret(volume["secret"])
        if self.manifest["spec"].get("automountServiceAccountToken"):
            found[TOKEN_MOUNT] = self._token()
        return found

    def _secret(self, wanted):
        status, secret = self.kubelet.api.request(
            "GET", f"/api/v1/namespaces/{self.meta['namespace']}/secrets/{wanted['secretName']}")
        assert status == 200, f"Secret {wanted['secretName']}: {secret.get('message')}"
        files = {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}
        return self._folder(wanted["secretName"], files, wanted["defaultMode"])

    def _token(self):
        account = self.manifest["spec"]["serviceAccountName"]
        status, answer = self.kubelet.api.request(
            "POST", f"/api/v1/namespaces/{self.meta['namespace']}/serviceaccounts/{account}/token",
            {"spec": {"expirationSeconds": 3600}})
        assert status == 201, answer
        return self._folder("token", {"token": answer["status"]["token"].encode(),
                                      "ca.crt": self.kubelet.ca.read_bytes(),
                                      "namespace": self.meta["namespace"].encode()}, 0o440)

    def _folder(self, name, files, mode):
        folder = self.bundle / "volumes" / name
        folder.mkdir(parents=True)
        group = self.manifest["spec"].get("securityContext", {}).get("fsGroup", 0)
        for file_name, content in files.items():
            path = folder / file_name
            path.write_bytes(content)
            path.chmod(mode)
            os.chown(path, 0, group)
        return folder


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
        status, answer = self.api.request("POST", "/api/v1/nodes", {
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": NODE, "labels": {"kubernetes.io/os": "linux"}}})
        assert status == 201, answer
        self.api.patch(f"/api/v1/nodes/{NODE}/status", {"status": {
            "conditions": [{"type": "Ready", "status": "True", "reason": "StandIn"}],
            "addresses": [{"type": "InternalIP", "address": BRIDGE}],
            "capacity": {"pods": "50", "cpu": "8", "memory": "8Gi"}}})
        self.thread.start()

    def stop(self):
        self.ending.set()
        self.thread.join(30)
        for pod in self.pods.values():
            pod.kill()

    def logs(self):
        """Ends of the pods' logs, for the message of a failed test."""
        texts = [f"{pod.meta['name']}: {pod.log.read_text(errors='replace')[-1500:]}"
                 for pod in self.pods.values() if pod.log.exists()]
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
            self.api.request("POST", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/binding", {
                "apiVersion": "v1", "kind": "Binding", "metadata": {"name": meta["name"]},
                "target": {"apiVersion": "v1", "kind": "Node", "name": NODE}})
            return None
        if pod is None:
            return self._start(manifest)
        return self._report(pod)

    def _start(self, manifest):
        pod = Pod(self, manifest, next(self.numbers))
        try:
            pod.start()
        except AssertionError as why:  # e.g. its Secret is not there yet: try again, as a kubelet does
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
        state = {"running": {"startedAt": now}} if code is None else \
            {"terminated": {"exitCode": code, "reason": "Completed" if code == 0 else "Error"}} if once else \
            {"waiting": {"reason": "CrashLoopBackOff"}}
        word = "True" if ready else "False"
        self.api.patch(pod.path + "/status", {"status": {
            "phase": phase, "podIP": pod.address, "podIPs": [{"ip": pod.address}],
            "hostIP": BRIDGE, "startTime": now,
            "conditions": [{"type": kind, "status": word, "lastTransitionTime": now}
                           for kind in ("Ready", "ContainersReady")],
            "containerStatuses": [{"name": pod.container["name"], "ready": ready, "restartCount": 0,
                                   "image": pod.container["image"], "imageID": "", "state": state}]}})

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
        self.api.request("DELETE", f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}",
                         {"kind": "DeleteOptions", "apiVersion": "v1", "gracePeriodSeconds": 0,
                          "preconditions": {"uid": meta["uid"]}})


def unpack(image, directory):
    """Root filesystem and environment of an OCI archive."""
    layout = directory / "layout"
    layout.mkdir(parents=True)
    run("tar", "-C", layout, "-xf", image)
    tag = run("umoci", "ls", "--layout", layout).split()[0]
    run("umoci", "unpack", "--image", f"{layout}:{tag}", directory / "bundle")
    config = json.loads((directory / "bundle" / "config.json").read_text())
    return directory / "bundle" / "rootfs", config["process"]["env"]
