#!/usr/bin/env python3
"""Checks programs built for macOS: arm64 Mach-O executables, signed, needing only system libraries.

Usage: check_macho.py FILE...     exit 1 and one line for each thing that is wrong
"""

import pathlib
import struct
import sys

MAGIC_64 = 0xFEEDFACF
CPU_ARM64 = 0x0100000C
EXECUTE = 2
LOAD_DYLIB = {0xC, 0x80000018, 0x8000001F}  # plain, weak, re-exported
CODE_SIGNATURE = 0x1D
# Frameworks are opened at run time: a program linked to one could not be built on this machine.
ALLOWED = ("/usr/lib/libSystem.", "/usr/lib/libc++.", "/usr/lib/libobjc.")


def faults(data):
    if len(data) < 32:
        return ["too short for a Mach-O header"]
    magic, cpu, _, kind, count, _, _, _ = struct.unpack_from("<8I", data)
    if magic != MAGIC_64:
        return [f"magic {magic:#x}, expected {MAGIC_64:#x} (64-bit Mach-O)"]
    found = []
    if cpu != CPU_ARM64:
        found.append(f"CPU type {cpu:#x}, expected arm64")
    if kind != EXECUTE:
        found.append(f"file type {kind}, expected {EXECUTE} (executable)")
    signed = False
    offset = 32
    for _ in range(count):
        command, size = struct.unpack_from("<2I", data, offset)
        if command == CODE_SIGNATURE:
            signed = True
        if command in LOAD_DYLIB:
            (name_offset,) = struct.unpack_from("<I", data, offset + 8)
            name = data[offset + name_offset:offset + size].split(b"\0")[0].decode()
            if not name.startswith(ALLOWED):
                found.append(f"needs {name}, which is no system library")
        offset += size
    if not signed:
        found.append("not signed: macOS would kill it at start")
    return found


def main(paths):
    wrong = 0
    for path in map(pathlib.Path, paths):
        try:
            found = faults(path.read_bytes())
        except OSError as error:
            found = [error.strerror]
        for fault in found:
            print(f"{path}: {fault}", file=sys.stderr)
        wrong += len(found)
        if not found:
            print(f"{path}: arm64 Mach-O, signed, {path.stat().st_size} bytes")
    return 1 if wrong or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
