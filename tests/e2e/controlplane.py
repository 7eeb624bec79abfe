#!/usr/bin/env python3
"""A real Kubernetes control plane on loopback, for tests and for trying things by hand.

etcd, kube-apiserver and kube-controller-manager run from the folder that scripts/get-controlplane
prints. Everything they write lies below one directory. There are no kubelets: Nodes are what the
tests and headroom-exporter make them.

    with ControlPlane(binaries, directory) as cluster:
        cluster.kubectl("apply", "-f", "model.yaml")

As a program (scripts/test-cluster calls it so): controlplane.py up|down DIR [BINARIES]
"""

import http.client
import os
import pathlib
import shlex
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

# What a test needs of kube-controller-manager: a Node without a fresh Lease becomes Unknown, owned
# objects and namespaces go away, service accounts get their objects. EndpointSlices are ours.
CONTROLLERS = (
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "clusterrole-aggregation-controller",
)

START_SECONDS = 90
STOP_SECONDS = 5


class ControlPlaneError(Exception):
    """A component did not start; the text ends with what it logged."""


class ControlPlane:
    """Owns the three processes and the directory's files from start() until stop().

    apiserver_args and manager_args are appended to the flags of kube-apiserver and
    kube-controller-manager. node_grace is after how many seconds without a Lease renewal a Node
    becomes Unknown (50 in production).
    """

    def __init__(self, binaries, directory, apiserver_args=(), manager_args=(), node_grace=25):
        self.binaries = pathlib.Path(binaries)
        self.directory = pathlib.Path(directory).resolve()
        self.apiserver_args = list(apiserver_args)
        self.manager_args = list(manager_args)
        self.node_grace = node_grace
        self.processes = {}
        self.port = 0
        self.etcd_url = ""

    # --- addresses and files -----------------------------------------------------------------

    @property
    def url(self):
        return f"https://127.0.0.1:{self.port}"

    @property
    def kubeconfig(self):
        """Kubeconfig of a cluster administrator."""
        return self.directory / "kubeconfig"

    @property
    def ca(self):
        return self.directory / "pki" / "ca.crt"

    # --- life --------------------------------------------------------------------------------

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()

    def start(self, outlive=False):
        """Returns when the API answers. With outlive the processes survive this one."""
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "logs").mkdir(exist_ok=True)
        self._make_certificates()
        try:
            self._start_etcd(outlive)
            self.start_apiserver(outlive)
            self.start_manager(outlive)
        except BaseException:
            self.stop()
            raise

    def stop(self):
        """Ends every process; the data is thrown away, so none gets long for it."""
        for name in reversed(list(self.processes)):
            self.processes[name].terminate()
        for name in list(self.processes):
            self.stop_component(name)

    def stop_component(self, name):
        process = self.processes.pop(name, None)
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start_etcd(self, outlive):
        client, peer = free_ports(2)
        self.etcd_url = f"http://127.0.0.1:{client}"
        peer_url = f"http://127.0.0.1:{peer}"
        self._spawn("etcd", outlive, [
            f"--data-dir={self.directory}/etcd",
            f"--listen-client-urls={self.etcd_url}",
            f"--advertise-client-urls={self.etcd_url}",
            f"--listen-peer-urls={peer_url}",
            f"--initial-advertise-peer-urls={peer_url}",
            f"--initial-cluster=default={peer_url}",
            "--unsafe-no-fsync",
            "--log-level=error",
        ])

    def start_apiserver(self, outlive=False):
        """Also restarts it, on the same port and the same data, after stop_component()."""
        pki = self.directory / "pki"
        self.port = self.port or free_ports(1)[0]
        self._write_kubeconfig(self.kubeconfig, "admin")
        self._spawn("kube-apiserver", outlive, [
            f"--etcd-servers={self.etcd_url}",
            f"--cert-dir={self.directory}/apiserver",
            "--bind-address=127.0.0.1",
            f"--secure-port={self.port}",
            f"--tls-cert-file={pki}/apiserver.crt",
            f"--tls-private-key-file={pki}/apiserver.key",
            f"--client-ca-file={pki}/ca.crt",
            "--service-cluster-ip-range=10.0.0.0/24",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={pki}/service-account.key",
            f"--service-account-signing-key-file={pki}/service-account.key",
            "--allow-privileged=true",
            "--enable-aggregator-routing=true",
            *self.apiserver_args,
        ])
        self._wait("kube-apiserver", "/readyz")
        self._wait("kube-apiserver", "/api/v1/namespaces/default")

    def start_manager(self, outlive=False):
        pki = self.directory / "pki"
        config = self.directory / "manager.kubeconfig"
        self._write_kubeconfig(config, "manager")
        self._spawn("kube-controller-manager", outlive, [
            f"--kubeconfig={config}",
            f"--controllers={','.join(CONTROLLERS)}",
            "--use-service-account-credentials=true",
            "--leader-elect=false",
            "--bind-address=127.0.0.1",
            "--secure-port=0",
            f"--root-ca-file={pki}/ca.crt",
            f"--service-account-private-key-file={pki}/service-account.key",
            "--node-monitor-period=2s",
            f"--node-monitor-grace-period={self.node_grace}s",
            *self.manager_args,
        ])
        self._wait("kube-controller-manager", "/api/v1/namespaces/default/serviceaccounts/default")

    # --- use ---------------------------------------------------------------------------------

    def kubectl(self, *args, stdin=None, kubeconfig=None, check=True, timeout=60):
        """Runs the real kubectl as administrator (or with another kubeconfig)."""
        done = subprocess.run(
            [self.binaries / "kubectl", f"--kubeconfig={kubeconfig or self.kubeconfig}",
             f"--cache-dir={self.directory}/kubectl-cache", *args],
            input=stdin, capture_output=True, text=True, timeout=timeout, check=False)
        if check and done.returncode != 0:
            raise AssertionError(f"kubectl {' '.join(args)}: exit {done.returncode}\n{done.stderr}")
        return done

    def connection(self):
        """To the API server, as administrator."""
        pki = self.directory / "pki"
        context = ssl.create_default_context(cafile=self.ca)
        context.load_cert_chain(pki / "admin.crt", pki / "admin.key")
        return http.client.HTTPSConnection("127.0.0.1", self.port, context=context, timeout=10)

    def get(self, path):
        """Status and body of one GET as administrator."""
        connection = self.connection()
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read().decode()
        finally:
            connection.close()

    def user(self, name, *groups):
        """Kubeconfig of a user with a client certificate, made on first use. A Mac's exporter is
        user("system:node:NAME", "system:nodes"), or any name the test binds a role to."""
        file_name = name.replace(":", "-").replace("/", "-")
        path = self.directory / f"{file_name}.kubeconfig"
        if not path.exists():
            subject = "".join(f"/O={group}" for group in groups) + f"/CN={name}"
            self._certificate(file_name, subject, "clientAuth")
            self._write_kubeconfig(path, file_name)
        return path

    def log(self, name):
        return self.directory / "logs" / f"{name}.log"

    # --- parts -------------------------------------------------------------------------------

    def _spawn(self, name, outlive, args):
        program = [str(self.binaries / name), *args]
        if not outlive and shutil.which("setpriv"):
            # A test that is killed must not leave an API server behind.
            program = ["setpriv", "--pdeathsig", "KILL", *program]
        with open(self.log(name), "ab") as log:
            self.processes[name] = subprocess.Popen(
                program, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)

    def _wait(self, name, path):
        """Polls the API until it answers path with 200; `name` is the component that owes it."""
        deadline = time.monotonic() + START_SECONDS
        seen = "nothing"
        while time.monotonic() < deadline:
            for component, process in self.processes.items():
                if process.poll() is not None:
                    raise ControlPlaneError(
                        f"{component} exited with {process.returncode}:\n{self._tail(component)}")
            try:
                status, seen = self.get(path)
                if status == 200:
                    return
            except (OSError, http.client.HTTPException) as error:
                seen = str(error)
            time.sleep(0.1)
        raise ControlPlaneError(f"{name}: GET {path} gave {seen} for {START_SECONDS} s:\n"
                                f"{self._tail(name)}")

    def _tail(self, name):
        return "\n".join(self.log(name).read_text(errors="replace").splitlines()[-15:])

    def _make_certificates(self):
        pki = self.directory / "pki"
        pki.mkdir(exist_ok=True)
        if (pki / "admin.crt").exists():
            return
        openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout",
                "-out", pki / "service-account.key")
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "365", "-subj", "/CN=headroom-test-ca",
                "-keyout", pki / "ca.key", "-out", pki / "ca.crt")
        self._certificate("apiserver", "/CN=kube-apiserver", "serverAuth",
                          "IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes.default.svc")
        self._certificate("manager", "/CN=system:kube-controller-manager", "clientAuth")
        self._certificate("admin", "/O=system:masters/CN=admin", "clientAuth")

    def _certificate(self, name, subject, usage, alternative_names=None):
        pki = self.directory / "pki"
        extensions = f"extendedKeyUsage={usage}\n"
        if alternative_names:
            extensions += f"subjectAltName={alternative_names}\n"
        (pki / f"{name}.ext").write_text(extensions)
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-subj", subject, "-keyout", pki / f"{name}.key", "-out", pki / f"{name}.csr")
        openssl("x509", "-req", "-days", "365", "-in", pki / f"{name}.csr",
                "-CA", pki / "ca.crt", "-CAkey", pki / "ca.key", "-CAcreateserial",
                "-extfile", pki / f"{name}.ext", "-out", pki / f"{name}.crt")

    def _write_kubeconfig(self, path, user):
        pki = self.directory / "pki"
        path.write_text(f"""apiVersion: v1
kind: Config
current-context: test
contexts:
- name: test
  context: {{cluster: test, user: {user}}}
clusters:
- name: test
  cluster:
    server: {self.url}
    certificate-authority: {pki}/ca.crt
users:
- name: {user}
  user:
    client-certificate: {pki}/{user}.crt
    client-key: {pki}/{user}.key
""")
        path.chmod(0o600)


def openssl(*args):
    done = subprocess.run(["openssl", *args], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise ControlPlaneError(f"openssl {args[0]}: {done.stderr}")


def free_ports(count):
    """Ports that were free a moment ago, all different."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def up(directory, binaries):
    cluster = ControlPlane(binaries, directory)
    if (cluster.directory / "env").exists():
        raise ControlPlaneError(f"{cluster.directory}/env exists: a cluster runs there; "
                                f"end it with: scripts/test-cluster down {directory}")
    cluster.start(outlive=True)
    pids = " ".join(str(process.pid) for process in cluster.processes.values())
    (cluster.directory / "env").write_text(
        f"export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}\n"
        f"export KUBECTL={shlex.quote(str(cluster.binaries / 'kubectl'))}\n"
        f"export API_URL={cluster.url}\n"
        f"export ETCD_URL={cluster.etcd_url}\n"
        f"export CLUSTER_PIDS={shlex.quote(pids)}\n")
    print(f"{cluster.url} is ready; in your shell: . {cluster.directory}/env")


def down(directory):
    directory = pathlib.Path(directory).resolve()
    env = directory / "env"
    if not env.exists():
        return
    line = next(one for one in env.read_text().splitlines() if "CLUSTER_PIDS=" in one)
    pids = [int(word) for word in shlex.split(line)[1].partition("=")[2].split()]
    # A number may have been given to another process since: ours have the directory in an argument.
    ours = [pid for pid in pids if f"{directory}/" in command_line(pid)]
    for pid in ours:
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + STOP_SECONDS
    while (ours := [pid for pid in ours if f"{directory}/" in command_line(pid)]):
        if time.monotonic() > deadline:
            for pid in ours:
                os.kill(pid, signal.SIGKILL)
            break
        time.sleep(0.1)
    shutil.rmtree(directory)


def command_line(pid):
    return subprocess.run(["ps", "-ww", "-o", "args=", "-p", str(pid)],
                          capture_output=True, text=True, check=False).stdout


def main(args):
    try:
        if len(args) == 3 and args[0] == "up":
            up(args[1], args[2])
        elif len(args) == 2 and args[0] == "down":
            down(args[1])
        else:
            print(__doc__, file=sys.stderr)
            return 2
    except ControlPlaneError as error:
        print(f"test-cluster: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
