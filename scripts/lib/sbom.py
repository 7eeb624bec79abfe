#!/usr/bin/env python3
"""Writes an SPDX 2.3 bill of materials: our programs with their checksums, and the Debian packages
that the other files come from, with version and source.

Usage: sbom.py --name NAME --version V --programs FILE... [--files FILE...] [--root DIR] [--static LIBRARY...]
--root: where the files (but not the programs) and dpkg's notes of them are, if not here
The output depends on the inputs and SOURCE_DATE_EPOCH only.
"""

import argparse
import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys


def identifier(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-")


def dpkg_query(root, *args):
    command = ["dpkg-query", f"--admindir={root}/var/lib/dpkg", *args]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def owner(path, root):
    """Name of the Debian package that owns a file, or None. The file's directory may be a link."""
    real = "/" + os.path.relpath(os.path.realpath(root + path), os.path.realpath(root or "/"))
    for candidate in (path, real, "/usr" + path, path.removeprefix("/usr")):
        done = dpkg_query(root, "-S", candidate)
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(",")[0]
    return None


def debian_package(name, root):
    form = "-f=${Package}\\t${Version}\\t${Architecture}\\t${source:Package}"
    done = dpkg_query(root, "-W", form, name)
    if done.returncode != 0:
        sys.exit(f"{name}: {done.stderr.strip()}")
    package, version, architecture, source = done.stdout.split("\t")
    return {
        "SPDXID": identifier(f"deb-{package}"),
        "name": package,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": f"built from the Debian source package {source}",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"pkg:deb/debian/{package}@{version}?arch={architecture}",
            }
        ],
    }


def static_library(name):
    """A library that is linked in; its version is pinned by scripts/get-mac-sysroot."""
    return {
        "SPDXID": identifier(f"static-{name}"),
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "sourceInfo": "linked statically; built by scripts/get-mac-sysroot",
    }


def program(path, version):
    data = pathlib.Path(path).read_bytes()
    name = pathlib.Path(path).name
    return {
        "SPDXID": identifier(f"program-{name}"),
        "name": name,
        "versionInfo": version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "Apache-2.0",
        "licenseDeclared": "Apache-2.0",
        "copyrightText": "NOASSERTION",
        "checksums": [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(data).hexdigest()}],
    }


def document(name, version, programs, files, static, root):
    owners = sorted({found for path in files if (found := owner(path, root))})
    # Made at installation, here, and owned by no package.
    certificates = [p for p in files if p.endswith("ca-certificates.crt")]
    ours = [program(path, version) for path in programs]
    packages = (
        ours
        + [debian_package(package, root) for package in owners]
        + [debian_package("ca-certificates", "") for _ in certificates]
        + [static_library(one) for one in static]
    )
    checksum = hashlib.sha256(json.dumps(packages, sort_keys=True).encode()).hexdigest()
    created = datetime.datetime.fromtimestamp(
        int(os.environ.get("SOURCE_DATE_EPOCH", "0")), datetime.timezone.utc
    )
    relationships = [
        {
            "spdxElementId": "SPDXRef-DOCUMENT",
            "relationshipType": "DESCRIBES",
            "relatedSpdxElement": one["SPDXID"],
        }
        for one in ours
    ]
    relationships += [
        {
            "spdxElementId": one["SPDXID"],
            "relationshipType": "DEPENDS_ON",
            "relatedSpdxElement": other["SPDXID"],
        }
        for one in ours
        for other in packages[len(ours) :]
    ]
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"{name}-{version}",
        "documentNamespace": f"https://headroom.dev/spdx/{name}-{version}-{checksum}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: headroom-sbom"],
        },
        "packages": packages,
        "relationships": relationships,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--name", required=True)
    parser.add_argument("--version", required=True)
    parser.add_argument("--programs", nargs="+", required=True)
    parser.add_argument("--files", nargs="*", default=[])
    parser.add_argument("--static", nargs="*", default=[])
    parser.add_argument("--root", default="")
    args = parser.parse_args()
    print(
        json.dumps(
            document(args.name, args.version, args.programs, args.files, args.static, args.root),
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
