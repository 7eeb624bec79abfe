#!/usr/bin/env python3
"""Writes the table of values into charts/headroom/README.md, from the "# --" comments of values.yaml.

Usage: chart_readme.py [--check]     --check: exit 1 when the table is not up to date, write nothing
"""

import json
import pathlib
import re
import sys

import yaml

CHART = pathlib.Path(__file__).resolve().parents[2] / "charts" / "headroom"
BEGIN, END = "<!-- values -->\n", "<!-- /values -->\n"


def descriptions(text):
    """Dotted key -> comment, for every key that has a "# --" comment above it."""
    found, path, comment = {}, [], None
    for line in text.splitlines():
        if match := re.match(r"\s*# -- (.*)", line):
            comment = match.group(1)
        elif match := re.match(r"(\s*)([A-Za-z][\w]*):", line):
            depth = len(match.group(1)) // 2
            path = path[:depth] + [match.group(2)]
            if comment:
                found[".".join(path)] = comment
            comment = None
    return found


def value_at(values, dotted):
    for key in dotted.split("."):
        values = values[key]
    return values


def undescribed(values, described, path=()):
    for key, value in values.items():
        dotted = ".".join((*path, key))
        if dotted in described:
            continue
        if isinstance(value, dict) and value:
            yield from undescribed(value, described, (*path, key))
        else:
            yield dotted


def table():
    text = (CHART / "values.yaml").read_text()
    values, described = yaml.safe_load(text), descriptions(text)
    if missing := list(undescribed(values, described)):
        sys.exit(f"values.yaml: no '# --' comment above: {', '.join(missing)}")
    rows = ["| value | default | meaning |", "|---|---|---|"]
    for key, meaning in described.items():
        rows.append(f"| `{key}` | `{json.dumps(value_at(values, key))}` | {meaning} |")
    return "\n".join(rows) + "\n"


def main(args):
    readme = CHART / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    after = rest.split(END)[1]
    wanted = before + BEGIN + table() + END + after
    if args == ["--check"]:
        if readme.read_text() != wanted:
            print(f"{readme}: the table is old; run scripts/lib/chart_readme.py", file=sys.stderr)
            return 1
        return 0
    readme.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
