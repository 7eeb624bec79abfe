#!/usr/bin/env python3
"""Generates the table of one llama.cpp version from the pairs ARCH-a.gguf and ARCH-t.gguf.

usage: generate.py VERSION BUILD_DIR MODEL_DIR OUTPUT [ARCHITECTURE...]

BUILD_DIR is what `build` made. Each architecture's result is kept in BUILD_DIR/parts, so that a
run can be continued; remove a part to make it anew. DESCRIBE_MODEL names the program of that name
(a target of the project's build), if it is not in build/dev.
"""
import itertools
import multiprocessing
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import traceback

import allocation
import gguf_header
import symbols
import variants
from compile import Unsolved, compile_graph
from configurations import ATTENTION, SLOTS, contexts, grid, line
from deepen import with_layers
from encode import ArchitectureWriter, Numbered, file_bytes
from fit import Constants, Fitter
from layers import WHOLE, by_layer, whole
from sequences import sequences

DESCRIBE_MODEL = os.environ.get("DESCRIBE_MODEL") or (
    pathlib.Path(__file__).resolve().parents[2] / "build/dev/estimator/describe-model")


class Refused(Exception):
    """llama.cpp makes no context of this configuration."""


def dump(build, model, lines):
    """The graphs of each configuration: [[Graph]], or None where llama.cpp refuses or aborts."""
    with tempfile.TemporaryDirectory() as scratch:
        output = os.path.join(scratch, "graphs")
        environment = dict(os.environ, GRAPH_DUMP=output, GGML_NO_BACKTRACE="1",
                           LD_PRELOAD=str(build / "libgraph-dump.so"))
        result = []
        while len(result) < len(lines):
            run = subprocess.run([build / "dump_graphs", build / "libggml-metal-simulated.so", model],
                                 input="".join(lines[len(result):]), text=True, capture_output=True,
                                 env=environment)
            answers = run.stdout.split()
            blocks = pathlib.Path(output).read_text().split("end\n") if answers else []
            result += [block.splitlines() if answer == "ok" else None
                       for answer, block in zip(answers, blocks)]
            if run.returncode == 1:
                raise Refused(run.stderr.strip() or "llama.cpp does not load the model")
            if run.returncode:
                result.append(None)  # it aborted on this one: go on behind it
            pathlib.Path(output).unlink(missing_ok=True)
    return result


def load(block):
    graphs = [allocation.load(text) for text in block]
    for graph in graphs:
        if allocation.replay(graph) != [peak for _, _, peak in graph.buffers]:
            raise Unsolved("the replay does not reach llama.cpp's own peak: ggml-alloc has changed")
    return graphs


def needed(samples):
    """Graphs that set a peak in some sample; others of the same context need not be kept."""
    count = len(samples[0])
    peaks = [[tuple(p for _, _, p in s[g].buffers) for s in samples] for g in range(count)]
    keep = []
    for g in range(count):
        covered = any(all(x >= y for p, q in zip(peaks[h], peaks[g]) for x, y in zip(p, q))
                      for h in keep)
        if not covered:
            keep = [h for h in keep if not all(x <= y for p, q in zip(peaks[h], peaks[g])
                                               for x, y in zip(p, q))] + [g]
    return keep


def describe(paths):
    """Of each model what decides about its graph: [(structure of the whole, kinds of its layers)]."""
    run = subprocess.run([DESCRIBE_MODEL, *paths], text=True, capture_output=True, check=True)
    return [(words[0], words[1:]) for words in map(str.split, run.stdout.splitlines())]


class Model:
    """A pair of models with the same layers, and all graphs of them."""

    def __init__(self, build, headers, constants, scratch):
        paths = [os.path.join(scratch, f"{v}.gguf") for v in "at"]
        for header, path in zip(headers, paths):
            gguf_header.write(header, path)
        self.headers, self.constants = headers, constants
        self.whole, self.kinds = describe(paths[:1])[0]
        self.points_of = {(a, s): contexts(SLOTS[s]) for a, s in grid()}
        lines = [line(p, ATTENTION[a]) for (a, _), points in self.points_of.items() for p in points]
        self.dumps = [dict(zip(self._keys(), dump(build, path, lines))) for path in paths]

    def _keys(self):
        return [(mode, i) for mode, points in self.points_of.items() for i in range(len(points))]

    def samples(self, mode):
        """[of each model [graphs at each point]]"""
        blocks = [[side[mode, i] for i in range(len(self.points_of[mode]))] for side in self.dumps]
        if any(b is None for side in blocks for b in side):
            raise Refused("llama.cpp makes no such context")
        return [[load(b) for b in side] for side in blocks]

    def compile(self, mode, samples, number):
        fitter = Fitter(self.constants, *([symbols.quantities(h, p) for p in self.points_of[mode]]
                                          for h in self.headers))
        sides = [[s[number] for s in side] for side in samples]
        return compile_graph(*sides, fitter, ATTENTION[mode[0]])


def compile_mode(models, mode):
    """[Layered] of the graphs that count."""
    samples = [m.samples(mode) for m in models]
    if len({len(graphs) for sides in samples for side in sides for graphs in side}) > 1:
        raise Unsolved("a different number of graphs")
    out = []
    for number in needed([point for sides in samples for side in sides for point in side]):
        graphs = [m.compile(mode, s, number) for m, s in zip(models, samples)]
        out.append(of_layers(graphs, [m.kinds for m in models]))
    return out


def of_layers(graphs, kinds):
    if len(graphs) == 1:
        return whole(graphs[0])
    try:
        return by_layer(graphs, kinds)
    except Unsolved as unsolved:
        print("for one number of layers only:", unsolved, flush=True)
        return whole(graphs[0], len(kinds[0]))


# The pair agrees in numbers by chance (inner size and heads follow from the width), so that sizes
# get the wrong name: wrong at other dimensions, hence left out.
AMBIGUOUS = {"deepseek4", "falcon-h1", "granitehybrid", "jamba", "minimax-m3", "nemotron_h",
             "nemotron_h_moe", "t5"}
# The same of single versions.
AMBIGUOUS_IN = {"0.5.0": {"kimi-linear"}}
# Unsolved layer by layer, but the rows of longer models agree with the list of one.
ANY_NUMBER_IN = {"0.6.0": {"kimi-linear", "plamo2", "rwkv6"}}


def for_any_number(layered):
    if layered.radius == WHOLE:
        layered.layers = {(0,): graph for graph in layered.layers.values()}


def models_of(build, headers, scratch):
    paths = [os.path.join(scratch, "first.gguf")]
    gguf_header.write(headers[0], paths[0])
    _, kinds = describe(paths)[0]
    constants = Constants(headers[0].architecture, *map(symbols.sizes, headers))
    models, refused = [], None
    wanted = sequences(headers[0], kinds)
    for sequence in wanted:
        pair = [with_layers(h, sequence) for h in headers]
        if headers[0].architecture in symbols.WITH_LAYERS:
            constants = Constants(headers[0].architecture, *map(symbols.sizes, pair))
        try:
            models.append(Model(build, pair, constants, scratch))
        except Refused as error:
            refused = error
    if len(models) < min(3, len(wanted)):
        raise refused
    return [m for m in models if m.whole == models[-1].whole]


def compile_part(build, directory, name):
    """(structure of the whole, kinds of layers, {mode: [Layered] or text})"""
    headers = [header_of(directory, name, v) for v in "at"]
    with tempfile.TemporaryDirectory() as scratch:
        models = models_of(build, headers, scratch)
    modes = {}
    for mode in grid():
        try:
            modes[mode] = compile_mode(models, mode)
        except Refused as refused:
            modes[mode] = "refused: " + str(refused)[:200]
        except Unsolved as unsolved:
            modes[mode] = "unsolved: " + str(unsolved)[:300]
    return models[0].whole, models[0].kinds, modes


def header_of(directory, name, pair):
    """The header of ARCHITECTURE-a or -t, edited if the name is that of a variant."""
    header = gguf_header.read(directory / f"{name.split('+')[0]}-{pair}.gguf")
    return variants.edited(name, header) if name in variants.VARIANTS else header


def compile_architecture(job):
    build, directory, name = job
    part = build / "parts" / name
    if part.exists():
        return name, pickle.loads(part.read_bytes())
    try:
        result = compile_part(build, directory, name)
    except Exception:  # one architecture must not stop the others; the part is not kept
        return name, ("", [], {(0, 0): traceback.format_exc()})
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(pickle.dumps(result))
    return name, result


def main():
    version, build, directory, output, *only = sys.argv[1:]
    build, directory = pathlib.Path(build).resolve(), pathlib.Path(directory).resolve()
    names = only or sorted(p.name[:-len("-a.gguf")] for p in directory.glob("*-a.gguf")
                           if (directory / p.name.replace("-a.", "-t.")).exists()) + sorted(variants.VARIANTS)
    symbols_used, tables = Numbered(), {}
    with multiprocessing.Pool(int(os.environ.get("JOBS", "2"))) as pool:
        jobs = [(build, directory, n) for n in names]
        for name, (structure, kinds, modes) in pool.imap_unordered(compile_architecture, jobs):
            problems = {k: v for k, v in modes.items() if isinstance(v, str)}
            unsolved = sorted({v for v in problems.values() if not v.startswith("refused")})
            print(name, f"{len(modes) - len(problems)} modes", *unsolved[:2], sep="  ", flush=True)
            if name.split("+")[0] in AMBIGUOUS | AMBIGUOUS_IN.get(version, set()):
                continue
            if name in ANY_NUMBER_IN.get(version, set()):
                for graph in itertools.chain(*(v for v in modes.values() if not isinstance(v, str))):
                    for_any_number(graph)
            writer = ArchitectureWriter(symbols_used, kinds)
            encoded = {k: [writer.graph(g) for g in v] for k, v in modes.items() if not isinstance(v, str)}
            if encoded:
                tables[name] = name.split("+")[0], structure, list(writer.kinds)[1:], writer.bytes(encoded)
    raw = file_bytes(version, symbols_used, [tables[name] for name in sorted(tables)])
    pathlib.Path(output).write_bytes(raw)
    print(f"{output}: {len(raw)} bytes, {len(tables)} structures")


main()
