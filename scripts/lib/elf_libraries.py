#!/usr/bin/env python3
"""Prints the shared libraries that programs need, loader included, as paths within a root. Like ldd,
but nothing is run, so the programs may be for another kind of machine.

Usage: elf_libraries.py ROOT PROGRAM...     ROOT: / or a folder laid out like it
"""

import pathlib
import re
import subprocess
import sys

TRIPLETS = {"Advanced Micro Devices X86-64": "x86_64-linux-gnu", "AArch64": "aarch64-linux-gnu"}


def readelf(path):
    done = subprocess.run(
        ["readelf", "--wide", "--file-header", "--program-headers", "--dynamic", path],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
    )
    return done.stdout


def find(root, triplet, name):
    for folder in (f"lib/{triplet}", f"usr/lib/{triplet}", "lib", "usr/lib"):
        if (root / folder / name).exists():
            return f"/{folder}/{name}"
    sys.exit(f"{name}: no such library below {root}")


def libraries(root, programs):
    found, open_files = set(), list(programs)
    while open_files:
        text = readelf(open_files.pop())
        machine = re.search(r"Machine: +(.*)", text).group(1)
        if machine not in TRIPLETS:
            sys.exit(f"expected a program for one of {', '.join(TRIPLETS)}, found {machine}")
        # libc names the loader again; its path is the one in the program.
        names = re.findall(r"\(NEEDED\).*\[(?!ld-linux)(.*)\]", text)
        wanted = {find(root, TRIPLETS[machine], name) for name in names}
        wanted |= set(re.findall(r"program interpreter: (.*)\]", text))
        open_files += [root / path[1:] for path in wanted - found]
        found |= wanted
    return found


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    print(*sorted(libraries(pathlib.Path(sys.argv[1]), sys.argv[2:])), sep="\n")
