#!/usr/bin/env python3
"""Joins images of several architectures (OCI archives, as scripts/build-image makes them) into one
archive whose index names them by platform. Prints the digest of the index.

Usage: image_index.py OUT.tar IMAGE.tar...
The same images give the same bytes.
"""

import hashlib
import io
import json
import sys
import tarfile

INDEX = "application/vnd.oci.image.index.v1+json"


def read(path):
    """name -> bytes of the files of an archive, and the time they carry."""
    with tarfile.open(path) as archive:
        members = [member for member in archive if member.isfile()]
        files = {m.name.removeprefix("./"): archive.extractfile(m).read() for m in members}
        return files, max(member.mtime for member in members)


def blob(digest):
    return "blobs/" + digest.replace(":", "/")


def descriptor(files, path):
    """The image's manifest with its platform, and its name."""
    (manifest,) = json.loads(files["index.json"])["manifests"]
    config = json.loads(files[blob(json.loads(files[blob(manifest["digest"])])["config"]["digest"])])
    if config["os"] != "linux":
        sys.exit(f"{path}: expected an image for linux, found {config['os']}")
    name = manifest["annotations"]["org.opencontainers.image.ref.name"]
    kept = {key: manifest[key] for key in ("mediaType", "digest", "size")}
    return {**kept, "platform": {"architecture": config["architecture"], "os": "linux"}}, name


def encoded(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def join(paths):
    joined, manifests, names, times = {}, {}, set(), []
    for path in paths:
        files, time = read(path)
        manifest, name = descriptor(files, path)
        architecture = manifest["platform"]["architecture"]
        if architecture in manifests:
            sys.exit(f"{path}: expected one image for each architecture, found two for {architecture}")
        manifests[architecture] = manifest
        names.add(name)
        times.append(time)
        joined.update({key: data for key, data in files.items() if key.startswith("blobs/")})
    if len(names) != 1:
        sys.exit(f"expected images of one version, found {', '.join(sorted(names))}")
    listed = [manifests[architecture] for architecture in sorted(manifests)]
    index = encoded({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed})
    digest = "sha256:" + hashlib.sha256(index).hexdigest()
    joined[blob(digest)] = index
    joined["oci-layout"] = encoded({"imageLayoutVersion": "1.0.0"})
    top = {"mediaType": INDEX, "digest": digest, "size": len(index)}
    top["annotations"] = {"org.opencontainers.image.ref.name": names.pop()}
    joined["index.json"] = encoded({"schemaVersion": 2, "manifests": [top]})
    return joined, digest, max(times)


def write(path, files, time):
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(files[name]), time, 0o644
            archive.addfile(member, io.BytesIO(files[name]))


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    contents, digest_of_index, newest = join(sys.argv[2:])
    write(sys.argv[1], contents, newest)
    print(digest_of_index)
