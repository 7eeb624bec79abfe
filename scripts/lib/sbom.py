#!/usr/bin/env python3
"""Writes an SPDX 2.3 bill of materials: our programs with their checksums, and the Debian packages
that the other files come from, with version and source.

Usage: sbom.py --name NAME --version V --programs FILE... [--files FILE...] [--static LIBRARY...]
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


def identifier(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]+", "-", text).strip("-")


def owner(path):
    """Name of the Debian package that owns a file, or None. The file's directory may be a link."""
    for candidate in (path, os.path.realpath(path), "/usr" + path, path.removeprefix("/usr")):
        done = subprocess.run(
            ["dpkg-query", "-S", candidate], capture_output=True, text=True, check=False
        )
        if done.returncode == 0:
            return done.stdout.split(": ")[0].split(",")[0]
    return None


def debian_package(name):
    fields = subprocess.run(
        [
            "dpkg-query",
            "-W",
            "-f=${Package}\\t${Version}\\t${Architecture}\\t${source:Package}",
            name,
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\t")
    package, version, architecture, source = fields
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


def document(name, version, programs, files, static):
    owners = sorted({found for found in map(owner, files) if found})
    # ca-certificates.crt is made at installation and owned by no package.
    if any(path.endswith("ca-certificates.crt") for path in files):
        owners = sorted({*owners, "ca-certificates"})
    ours = [program(path, version) for path in programs]
    packages = (
        ours
        + [debian_package(package) for package in owners]
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
    args = parser.parse_args()
    print(
        json.dumps(
            document(args.name, args.version, args.programs, args.files, args.static), indent=1
        )
    )


if __name__ == "__main__":
    main()
