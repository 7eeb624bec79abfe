"""One pod as one runc container, in a network namespace of its own: from our image and the pod's own
spec. For the stand-in of kubelet.py."""

import base64
import http.client
import json
import os
import ssl
import subprocess

BRIDGE = "10.200.8.1"
SERVICE_HOST = "10.0.0.1"  # the API server's own service address, which its certificate names
TOKEN_MOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


def run(*args, stdin=None):
    done = subprocess.run(
        [str(arg) for arg in args], input=stdin, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {done.returncode}\n{done.stderr}")
    return done.stdout


class Api:
    """JSON requests to the API server, as administrator or as a user of ControlPlane.user()."""

    def __init__(self, cluster, user="admin"):
        self.port = cluster.port
        pki = cluster.directory / "pki"
        self.context = ssl.create_default_context(cafile=cluster.ca)
        self.context.load_cert_chain(pki / f"{user}.crt", pki / f"{user}.key")

    def request(self, method, path, body=None, content="application/json"):
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, context=self.context, timeout=30
        )
        try:
            connection.request(
                method,
                path,
                json.dumps(body) if body is not None else None,
                {"Content-Type": content},
            )
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
                [
                    "setpriv",
                    "--pdeathsig",
                    "KILL",
                    "runc",
                    "--root",
                    self.kubelet.directory / "runc",
                    "run",
                    "--bundle",
                    self.bundle,
                    self.meta["uid"],
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def stop(self):
        subprocess.run(
            ["runc", "--root", self.kubelet.directory / "runc", "kill", self.meta["uid"], "TERM"],
            capture_output=True,
            check=False,
        )

    def kill(self):
        subprocess.run(
            [
                "runc",
                "--root",
                self.kubelet.directory / "runc",
                "delete",
                "--force",
                self.meta["uid"],
            ],
            capture_output=True,
            check=False,
        )
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
        connection = http.client.HTTPSConnection(
            self.address, port, context=ssl._create_unverified_context(), timeout=3
        )
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
        user = {
            "uid": pod.get("runAsUser", 0),
            "gid": pod.get("runAsGroup", 0),
            "additionalGids": [pod["fsGroup"]] if "fsGroup" in pod else [],
        }
        dropped = own.get("capabilities", {}).get("drop", [])
        assert dropped == ["ALL"], "the container keeps capabilities"
        environment = [
            f"KUBERNETES_SERVICE_HOST={SERVICE_HOST}",
            f"KUBERNETES_SERVICE_PORT={self.kubelet.api.port}",
            f"HOSTNAME={self.meta['name']}",
            *self.kubelet.image_environment,
        ]
        memory = container.get("resources", {}).get("limits", {}).get("memory")
        resources = {"memory": {"limit": int(memory.removesuffix("Mi")) << 20}} if memory else {}
        namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
        namespaces.append({"type": "network", "path": f"/run/netns/{self.netns}"})
        return {
            "ociVersion": "1.0.2",
            "process": {
                "terminal": False,
                "user": user,
                "cwd": "/",
                "env": environment,
                "args": [*container["command"], *container.get("args", [])],
                "noNewPrivileges": not own.get("allowPrivilegeEscalation", True),
                "capabilities": {},
            },
            "root": {"path": "rootfs", "readonly": own.get("readOnlyRootFilesystem", False)},
            "hostname": self.meta["name"][:63],
            "mounts": [
                {"destination": "/proc", "type": "proc", "source": "proc"},
                {
                    "destination": "/dev",
                    "type": "tmpfs",
                    "source": "tmpfs",
                    "options": ["nosuid", "mode=755", "size=64k"],
                },
                *(
                    {
                        "destination": path,
                        "type": "bind",
                        "source": str(source),
                        "options": ["bind", "ro"],
                    }
                    for path, source in self._volumes().items()
                ),
            ],
            "linux": {
                "namespaces": namespaces,
                "resources": resources,
                "cgroupsPath": f"/headroom-test/{self.meta['uid']}",
            },
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
            "GET", f"/api/v1/namespaces/{self.meta['namespace']}/secrets/{wanted['secretName']}"
        )
        assert status == 200, f"Secret {wanted['secretName']}: {secret.get('message')}"
        files = {key: base64.b64decode(value) for key, value in secret.get("data", {}).items()}
        return self._folder(wanted["secretName"], files, wanted["defaultMode"])

    def _token(self):
        account = self.manifest["spec"]["serviceAccountName"]
        status, answer = self.kubelet.api.request(
            "POST",
            f"/api/v1/namespaces/{self.meta['namespace']}/serviceaccounts/{account}/token",
            {"spec": {"expirationSeconds": 3600}},
        )
        assert status == 201, answer
        return self._folder(
            "token",
            {
                "token": answer["status"]["token"].encode(),
                "ca.crt": self.kubelet.ca.read_bytes(),
                "namespace": self.meta["namespace"].encode(),
            },
            0o440,
        )

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
