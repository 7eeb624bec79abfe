#!/usr/bin/env python3
"""Checks programs built for macOS: arm64 Mach-O executables, signed, needing only system libraries.

Usage: check_macho.py [--newest-macos VERSION] FILE...
Exit 1 and one line for each thing that is wrong. --newest-macos: they must also start on that version.
"""

import pathlib
import struct
import sys

MAGIC_64 = 0xFEEDFACF
CPU_ARM64 = 0x0100000C
EXECUTE = 2
LOAD_DYLIB = {0xC, 0x80000018, 0x8000001F}  # plain, weak, re-exported
CODE_SIGNATURE = 0x1D
MINIMUM_MACOS = 0x24  # LC_VERSION_MIN_MACOSX: version, SDK
BUILD_VERSION = 0x32  # LC_BUILD_VERSION: platform, version, SDK
PLATFORM_MACOS = 1
# Frameworks are opened at run time: a program linked to one could not be built on this machine.
ALLOWED = ("/usr/lib/libSystem.", "/usr/lib/libc++.", "/usr/lib/libobjc.")


def packed(version):
    """"13.0" as Mach-O has it."""
    major, _, minor = version.partition(".")
    return int(major) << 16 | int(minor or 0) << 8


def faults(data, newest=None):
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
    needs = None
    offset = 32
    for _ in range(count):
        command, size = struct.unpack_from("<2I", data, offset)
        if command == MINIMUM_MACOS:
            (needs,) = struct.unpack_from("<I", data, offset + 8)
        if command == BUILD_VERSION and struct.unpack_from("<I", data, offset + 8)[0] == PLATFORM_MACOS:
            (needs,) = struct.unpack_from("<I", data, offset + 12)
        if command == CODE_SIGNATURE:
            signed = True
        if command in LOAD_DYLIB:
            (name_offset,) = struct.unpack_from("<I", data, offset + 8)
            name = data[offset + name_offset:offset + size].split(b"\0")[0].decode()
            if not name.startswith(ALLOWED):
                found.append(f"needs {name}, which is no system library")
        offset += size
    if newest and (needs is None or needs > packed(newest)):
        said = "no version" if needs is None else f"macOS {needs >> 16}.{needs >> 8 & 255}"
        found.append(f"asks for {said}, expected one that starts on {newest}")
    if not signed:
        found.append("not signed: macOS would kill it at start")
    return found


def main(paths):
    wrong, newest = 0, None
    if paths[:1] == ["--newest-macos"]:
        newest, paths = paths[1], paths[2:]
    for path in map(pathlib.Path, paths):
        try:
            found = faults(path.read_bytes(), newest)
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
