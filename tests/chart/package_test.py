"""Packages of hosts: the Debian package (made twice, lintian, sandbox of its unit), the
LaunchDaemon of a Mac (read back as launchd would), and the scripts by shellcheck."""

import hashlib
import os
import pathlib
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))
from daemons import BUILD, ROOT, program  # noqa: E402

UNIT = ROOT / "scripts" / "package" / "deb" / "headroom-exporter.service"
MAX_EXPOSURE = 2.0  # of systemd-analyze security, 0 to 10


# A commit made while the test runs is no difference.
os.environ["SOURCE_DATE_EPOCH"] = "1700000000"


def run(*args, **more):
    done = subprocess.run(
        [str(arg) for arg in args], capture_output=True, text=True, check=False, **more
    )
    return done.returncode, done.stdout + done.stderr


def flags_of(name):
    return set(
        re.findall(
            r"^ +--(?:\[no-\])?([a-z][a-z0-9-]*)", run(program(name), "--help")[1], re.MULTILINE
        )
    )


class Debian(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("dpkg-deb"):
            raise unittest.SkipTest("no dpkg here: the Debian package is made on Debian and Ubuntu")
        cls.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-deb-"))
        cls.addClassCleanup(shutil.rmtree, cls.directory, ignore_errors=True)
        cls.package = cls.make("one")
        subprocess.run(["dpkg-deb", "-x", cls.package, cls.directory / "root"], check=True)

    @classmethod
    def make(cls, folder):
        code, output = run(ROOT / "scripts" / "build-deb", "--build", BUILD, cls.directory / folder)
        assert code == 0, output
        return next((cls.directory / folder).glob("*.deb"))

    def test_reproducible(self):
        self.assertEqual(self.make("two").read_bytes(), self.package.read_bytes())

    def test_lintian_finds_nothing(self):
        self.assertEqual(run("lintian", "--allow-root", self.package), (0, ""))

    def test_programs_run_from_the_package(self):
        for name in ("headroom-exporter", "headroom"):
            code, output = run(self.directory / "root" / "usr" / "bin" / name, "--version")
            self.assertEqual(code, 0, output)
            self.assertTrue((self.directory / f"root/usr/share/man/man1/{name}.1.gz").exists())

    def test_every_variable_of_the_configuration_is_a_flag(self):
        text = (self.directory / "root/etc/headroom/exporter.env").read_text() + UNIT.read_text()
        known = {
            "HEADROOM_" + flag.upper().replace("-", "_") for flag in flags_of("headroom-exporter")
        }
        used = set(re.findall(r"(HEADROOM_[A-Z_]+)=", text))
        self.assertTrue(used)
        self.assertEqual(used - known, set())

    def test_unit_is_sandboxed_and_well_formed(self):
        code, output = run("systemd-analyze", "security", "--offline=true", UNIT)
        exposure = float(re.search(r"exposure level for .*: ([0-9.]+)", output).group(1))
        print(f"exposure of the unit: {exposure} of 10")
        self.assertLessEqual(exposure, MAX_EXPOSURE)
        # The program is not installed here; anything else it says is a fault.
        _, output = run("systemd-analyze", "verify", "--man=no", UNIT)
        faults = [
            line
            for line in output.splitlines()
            if "headroom" in line and "not executable" not in line
        ]
        self.assertEqual(faults, [])


class Mac(unittest.TestCase):
    def launchd(self, command):
        script = f". '{ROOT}/scripts/lib/common.sh'; . '{ROOT}/scripts/lib/launchd.sh'; {command}"
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], capture_output=True, check=True
        )
        return done.stdout

    def test_property_list(self):
        arguments = ["--kubeconfig=/a b/c", "--node-name=<mac> & co"]
        quoted = " ".join(f"'{argument}'" for argument in arguments)
        plist = plistlib.loads(self.launchd(f"launchd_plist {quoted}"))
        self.assertEqual(plist["Label"], "dev.headroom.exporter")
        self.assertEqual(plist["UserName"], "_headroom")
        self.assertEqual(
            plist["ProgramArguments"],
            [
                "/usr/local/bin/headroom-exporter",
                "--state-dir=/usr/local/var/lib/headroom",
                *arguments,
            ],
        )
        self.assertTrue(plist["RunAtLoad"])
        self.assertTrue(plist["KeepAlive"])
        self.assertGreaterEqual(plist["ThrottleInterval"], 10)
        self.assertGreater(plist["ExitTimeOut"], 30, "longer than a model takes to be stopped")
        self.assertNotEqual(plist["ProcessType"], "Background")
        self.assertEqual(plist["Umask"], 0o027)
        self.assertFalse(any("/tmp" in str(value) for value in plist.values()))

    def test_log_rotation_ends_the_process_in_the_lock(self):
        lines = [
            line
            for line in self.launchd("launchd_newsyslog").decode().splitlines()
            if line[0] != "#"
        ]
        fields = lines[0].split()
        plist = plistlib.loads(self.launchd("launchd_plist"))
        self.assertEqual(len(fields), 9)
        self.assertEqual(fields[0], plist["StandardErrorPath"])
        self.assertEqual(fields[1], "_headroom:_headroom")
        state = next(
            a.partition("=")[2] for a in plist["ProgramArguments"] if a.startswith("--state-dir")
        )
        self.assertEqual(fields[7:], [f"{state}/lock", "15"])

    def test_flags_of_plist_and_formula_exist(self):
        plist = plistlib.loads(self.launchd("launchd_plist"))
        formula = (ROOT / "scripts/package/macos/headroom.rb").read_text()
        used = {argument[2:].partition("=")[0] for argument in plist["ProgramArguments"][1:]}
        used |= set(
            re.findall(r'"--(listen|state-dir|[a-z-]+)=?#?', formula.split("service do")[1])
        )
        self.assertEqual(used - flags_of("headroom-exporter") - {"version", "silent"}, set())

    def test_installer_says_where_it_belongs(self):
        for name in ("install-macos", "uninstall-macos"):
            code, output = run(ROOT / "scripts" / name)
            self.assertNotEqual(code, 0)
            self.assertIn("macOS", output)


def macho(*commands):
    """The smallest executable for arm64 macOS that has these load commands."""
    body = b"".join(struct.pack("<2I", kind, 8 + len(rest)) + rest for kind, rest in commands)
    return struct.pack("<8I", 0xFEEDFACF, 0x0100000C, 0, 2, len(commands), len(body), 0, 0) + body


SIGNATURE = (0x1D, struct.pack("<2I", 0, 0))
MACOS_13 = (0x32, struct.pack("<4I", 1, 13 << 16, 13 << 16, 0))
MACOS_15 = (0x32, struct.pack("<4I", 1, 15 << 16, 15 << 16, 0))


class Release(unittest.TestCase):
    def setUp(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="headroom-release-"))
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def release(self, folder, *args):
        return run(ROOT / "scripts" / "build-release", *args, self.directory / folder)

    def mac_build(self, content):
        for name in ("exporter/headroom-exporter", "webhook/headroom-webhook", "cli/headroom"):
            path = self.directory / "mac" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            path.chmod(0o755)
        return self.directory / "mac"

    def files(self, folder):
        """Digests by name: a difference between the files themselves would take unittest hours to print."""
        return {
            path.name: hashlib.sha256(path.read_bytes()).hexdigest()
            for path in (self.directory / folder).iterdir()
        }

    def test_linux_files_are_complete_and_the_same_each_time(self):
        for folder in ("one", "two"):
            code, output = self.release(folder, "--linux", BUILD)
            self.assertEqual(code, 0, output)
        files = self.files("one")
        self.assertEqual(files, self.files("two"))
        self.assertEqual(
            len(files), 6, list(files)
        )  # archive, image, package, two bills, checksums
        self.assertEqual(
            run("sha256sum", "--check", "--quiet", "SHA256SUMS", cwd=self.directory / "one"),
            (0, ""),
        )
        archive = next(name for name in files if "linux" in name and name.endswith(".tar.gz"))
        run("tar", "-xzf", self.directory / "one" / archive, "-C", self.directory)
        for name in ("headroom", "headroom-exporter", "headroom-webhook"):
            binary = next(self.directory.glob(f"headroom-*-linux-*/bin/{name}"))
            self.assertEqual(run(binary, "--version")[0], 0)

    def test_mac_archive_is_the_same_each_time(self):
        build = self.mac_build(macho(SIGNATURE, MACOS_13))
        for folder in ("one", "two"):
            code, output = self.release(folder, "--mac", build)
            self.assertEqual(code, 0, output)
        self.assertEqual(self.files("one"), self.files("two"))
        self.assertIn("SHA256SUMS", self.files("one"))

    def test_programs_a_mac_would_not_start_are_refused(self):
        for commands, text in (
            ((MACOS_13,), "not signed"),
            ((SIGNATURE, MACOS_15), "expected one that starts on 13.0"),
            ((SIGNATURE,), "asks for no version"),
            (
                (
                    SIGNATURE,
                    MACOS_13,
                    (0xC, struct.pack("<4I", 24, 0, 0, 0) + b"/opt/x.dylib\0\0\0\0"),
                ),
                "no system library",
            ),
        ):
            code, output = self.release("bad", "--mac", self.mac_build(macho(*commands)))
            self.assertNotEqual(code, 0)
            self.assertIn(text, output)


class Scripts(unittest.TestCase):
    def test_shellcheck(self):
        folder = ROOT / "scripts"
        scripts = [
            path
            for pattern in ("build-*", "get-*", "*install-macos", "package/deb/p*", "screenshots")
            for path in sorted(folder.glob(pattern))
        ]
        self.assertGreater(len(scripts), 10)
        self.assertEqual(
            run("shellcheck", "-x", "-S", "warning", "-P", "SCRIPTDIR", *scripts), (0, "")
        )


if __name__ == "__main__":
    unittest.main(verbosity=2)
