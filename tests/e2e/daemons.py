"""Our own programs as real processes: started, waited for by their log, stopped or killed."""

import json
import os
import pathlib
import re
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("HEADROOM_BUILD", ROOT / "build" / "dev"))

START_SECONDS = 30


def program(name):
    """Path of a program of the build under test."""
    folder = {"headroom-exporter": "exporter", "headroom-webhook": "webhook", "headroom": "cli",
              "make-gguf": "tests/tools", "short-lived-webhook": "tests/e2e",
              "stand-in-server": "tests/tools"}[name]
    return BUILD / folder / name


def script(name):
    """What one of our scripts prints, e.g. the path of the installed llama-server."""
    done = subprocess.run([ROOT / "scripts" / name], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(f"scripts/{name}: exit {done.returncode}\n{done.stderr}")
    return done.stdout.strip().splitlines()[-1]


def eventually(condition, what, seconds=30, interval=0.1):
    """Polls until condition() is truthy and returns that; an AssertionError is 'not yet'."""
    deadline = time.monotonic() + seconds
    last = None
    while time.monotonic() < deadline:
        try:
            value = condition()
            if value:
                return value
            last = value
        except (AssertionError, OSError, KeyError) as error:
            last = error
        time.sleep(interval)
    raise AssertionError(f"not within {seconds} s: {what}; last seen: {last}")


class Daemon:
    """One process of ours. `url` is where it listens, read from its log."""

    def __init__(self, name, directory, *args, label=None, env=None):
        self.env = None if env is None else {**os.environ, **env}
        self.log_path = pathlib.Path(directory) / f"{label or name}.log"
        self.name = name
        self.args = [str(program(name)), *map(str, args)]
        self.process = None
        self.url = ""

    def start(self):
        offset = self.log_path.stat().st_size if self.log_path.exists() else 0
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=log, start_new_session=True, env=self.env)

        def listening():
            if self.process.poll() is not None:
                raise RuntimeError(f"{self.name} exited with {self.process.returncode}:\n{self.log()}")
            text = self.log_path.read_text(errors="replace")[offset:]
            return re.search(r"msg=listening .*?url=(\S+)", text)

        self.url = eventually(listening, f"{self.name} listens", START_SECONDS).group(1)
        return self

    def log(self, lines=40):
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def stop(self, seconds=20):
        """SIGTERM; returns the exit code."""
        if self.process is None:
            return None
        process, self.process = self.process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} ignored SIGTERM for {seconds} s:\n{self.log()}")

    def kill(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def get(self, path, headers=None, ca=None, verify=True):
        """Status and body of a GET."""
        context = None
        if self.url.startswith("https"):
            context = ssl.create_default_context(cafile=ca) if verify else \
                ssl._create_unverified_context()  # as a kubelet's probe
        request = urllib.request.Request(self.url + path, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=10, context=context) as response:
                return response.status, response.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics(self, ca=None, verify=True):
        """Samples of /metrics as {'name{labels}': value}."""
        status, text = self.get("/metrics", ca=ca, verify=verify)
        assert status == 200, text
        samples = {}
        for line in text.splitlines():
            if line and not line.startswith("#"):
                key, _, value = line.rpartition(" ")
                samples[key] = float(value)
        return samples


class Clock:
    """A wall clock of a process's own, which the test sets while it runs: `env` is for the process.
    What it measures time by (the monotonic clock) stays as it is."""

    def __init__(self, path):
        triplet = subprocess.run(["gcc", "-print-multiarch"], capture_output=True, text=True,
                                 check=True).stdout.strip()
        self.path = pathlib.Path(path)
        self.env = {"LD_PRELOAD": f"/usr/lib/{triplet}/faketime/libfaketime.so.1",
                    "FAKETIME_TIMESTAMP_FILE": str(self.path), "FAKETIME_NO_CACHE": "1",
                    "DONT_FAKE_MONOTONIC": "1"}
        self.set("+0")

    def set(self, offset):
        """As faketime writes it: +1d, -10m."""
        self.path.write_text(f"{offset}\n")


def completion(url, prompt="hello"):
    """One completion of a llama-server; the parsed answer."""
    body = json.dumps({"prompt": prompt, "n_predict": 4, "temperature": 0}).encode()
    request = urllib.request.Request(url + "/completion", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.loads(response.read())


def openssl(*args):
    done = subprocess.run(["openssl", *map(str, args)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def make_certificate(directory, days=2):
    """A CA and a server certificate for 127.0.0.1: paths of (ca, certificate, key)."""
    directory = pathlib.Path(directory)
    ca, ca_key = directory / "webhook-ca.crt", directory / "webhook-ca.key"
    certificate, key, csr = (directory / f"webhook.{end}" for end in ("crt", "key", "csr"))
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    openssl("req", "-x509", *curve, "-days", days, "-subj", "/CN=headroom-webhook-ca",
            "-keyout", ca_key, "-out", ca)
    extensions = directory / "webhook.ext"
    extensions.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth\n")
    openssl("req", "-new", *curve, "-subj", "/CN=headroom-webhook", "-keyout", key, "-out", csr)
    openssl("x509", "-req", "-days", days, "-in", csr, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
            "-extfile", extensions, "-out", certificate)
    return ca, certificate, key
