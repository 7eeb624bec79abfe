#!/usr/bin/env python3
"""Generates the table of one llama.cpp version from the pairs ARCH-a.gguf and ARCH-t.gguf.

usage: generate.py VERSION BUILD_DIR MODEL_DIR OUTPUT [ARCHITECTURE...]

BUILD_DIR is what `build` made. Each architecture's result is kept in BUILD_DIR/parts, so that a
run can be continued; remove a part to make it anew.
"""
import multiprocessing
import os
import pathlib
import pickle
import subprocess
import sys
import tempfile
import traceback

import allocation
import deepen
import gguf_header
import symbols
from compile import Symbolic, Unsolved, compile_graph
from configurations import ATTENTION, SLOTS, contexts, grid, line
from encode import ArchitectureWriter, Numbered, file_bytes
import structure
import variants
from fit import Constants, Fitter
from unroll import unroll


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


def compile_mode(blocks, headers, constants, attention, points):
    """blocks: the dumps of each model at each point."""
    if any(b is None for side in blocks for b in side):
        raise Refused("llama.cpp makes no such context")
    samples = [[load(b) for b in side] for side in blocks]
    if len({len(graphs) for side in samples for graphs in side}) > 1:
        raise Unsolved("a different number of graphs")
    fitter = Fitter(constants, *([symbols.quantities(h, p) for p in points] for h in headers))
    return [compile_graph([s[g] for s in samples[0]], [s[g] for s in samples[1]], fitter, attention)
            for g in needed(samples[0] + samples[1])]


# Architectures whose compute buffers grow with the number of layers, with the period of their
# layers: their graphs are unrolled to the layers of the model.
PERIODS = {"deepseek2": 1, "gptneox": 1}


# Here a longer model needs more, or other, memory, and no period could be found yet: the graphs
# count for the number of layers that they were taken from only.
ONE_COUNT = set("""cohere2 cohere2moe deepseek2 deepseek32 dots3note exaone-moe falcon-h1 gemma4 glm-dsa glm5-next
granite_swa hy_v4 kimi-k3 llama4 minimax-01 minimax-m3 qwen35moe qwen3next qwen4exp smallthinker
t5encoder qwen35""".split())
NO_PERIOD = 1000
# The pair agrees in numbers by chance (inner size and heads follow from the width), so that sizes
# got the wrong name: wrong at other dimensions, hence left out.
AMBIGUOUS = {"deepseek4", "falcon-h1", "granitehybrid", "jamba", "minimax-m3", "nemotron_h",
             "nemotron_h_moe", "t5"}
# The same of single versions.
ONE_COUNT_IN = {"0.5.0": {"gemma3", "mamba2", "plamo", "plamo2", "rwkv6"}}
AMBIGUOUS_IN = {"0.5.0": {"kimi-linear"}}


def is_left_out(version, name):
    return name.split("+")[0] in AMBIGUOUS | AMBIGUOUS_IN.get(version, set())


def bind_layers(version, name, header, modes):
    if name.split("+")[0] not in ONE_COUNT | ONE_COUNT_IN.get(version, set()):
        return
    layers = header.value(header.architecture + ".block_count")
    for graphs in modes.values():
        for graph in graphs if not isinstance(graphs, str) else []:
            if graph.period == 0:
                graph.layers, graph.period = layers, NO_PERIOD


def compile_models(build, models):
    """{(attention, slots): [Symbolic] or text} of a pair of models."""
    headers = [gguf_header.read(m) for m in models]
    constants = Constants(headers[0].architecture, *map(symbols.sizes, headers))
    points_of = [(a, s, contexts(SLOTS[s])) for a, s in grid()]
    lines = [line(p, ATTENTION[a]) for a, s, points in points_of for p in points]
    dumps = [dump(build, m, lines) for m in models]
    modes = {}
    for a, s, points in points_of:
        blocks = [d[:len(points)] for d in dumps]
        dumps = [d[len(points):] for d in dumps]
        try:
            modes[a, s] = compile_mode(blocks, headers, constants, ATTENTION[a], points)
        except Refused as refused:
            modes[a, s] = "refused: " + str(refused)[:200]
        except Unsolved as unsolved:
            modes[a, s] = "unsolved: " + str(unsolved)[:300]
    return modes


def compile_layers(build, models, name):
    """As compile_models(), for any number of layers."""
    period = PERIODS[name]
    headers = [gguf_header.read(m) for m in models]
    first = headers[0].value(headers[0].architecture + ".block_count")
    by_layers = {}
    with tempfile.TemporaryDirectory() as scratch:
        for layers in range(first, first + 3 * period):
            deep = [os.path.join(scratch, f"{v}.gguf") for v in "at"]
            for header, path in zip(headers, deep):
                gguf_header.write(deepen.with_layers(header, layers, period), path)
            by_layers[layers] = compile_models(build, deep)
    modes = {}
    for mode in by_layers[first]:
        modes[mode] = []
        for n in range(first, first + period):
            lists = [by_layers[n + i * period][mode] for i in range(3)]
            problem = next((x for x in lists if isinstance(x, str)), None)
            try:
                if problem or len({len(x) for x in lists}) > 1:
                    raise Unsolved(problem or "a different number of graphs")
                modes[mode] += [unroll(graphs, n, period) for graphs in zip(*lists)]
            except Unsolved as unsolved:
                modes[mode] = problem or f"unsolved: {n} layers: {unsolved}"
                break
    return modes


def header_of(directory, name, pair):
    """The header of ARCHITECTURE-a or -t, edited if the name is that of a variant."""
    header = gguf_header.read(directory / f"{name.split('+')[0]}-{pair}.gguf")
    return variants.edited(name, header) if name in variants.VARIANTS else header


def compile_part(build, directory, name):
    if name in PERIODS:
        return compile_layers(build, [directory / f"{name}-{v}.gguf" for v in "at"], name)
    with tempfile.TemporaryDirectory() as scratch:
        models = [os.path.join(scratch, f"{v}.gguf") for v in "at"]
        for v, model in zip("at", models):
            gguf_header.write(header_of(directory, name, v), model)
        return compile_models(build, models)


def compile_architecture(job):
    build, directory, name = job
    part = build / "parts" / name
    if part.exists():
        return name, pickle.loads(part.read_bytes())
    try:
        modes = compile_part(build, directory, name)
    except Exception:  # one architecture must not stop the others; the part is not kept
        return name, {(0, 0): traceback.format_exc()}
    part.parent.mkdir(exist_ok=True)
    part.write_bytes(pickle.dumps(modes))
    return name, modes


def main():
    version, build, directory, output, *only = sys.argv[1:]
    build, directory = pathlib.Path(build).resolve(), pathlib.Path(directory).resolve()
    names = only or sorted(p.name[:-len("-a.gguf")] for p in directory.glob("*-a.gguf")
                           if (directory / p.name.replace("-a.", "-t.")).exists()) + sorted(variants.VARIANTS)
    symbols_used, tables = Numbered(), {}
    with multiprocessing.Pool(int(os.environ.get("JOBS", "2"))) as pool:
        for name, modes in pool.imap_unordered(compile_architecture, [(build, directory, n) for n in names]):
            problems = {k: v for k, v in modes.items() if isinstance(v, str)}
            unsolved = [v for v in problems.values() if not v.startswith("refused")]
            print(name, f"{len(modes) - len(problems)} modes", *unsolved[:2], sep="  ", flush=True)
            if is_left_out(version, name):
                continue
            header = header_of(directory, name, "a")
            bind_layers(version, name, header, modes)
            writer = ArchitectureWriter(symbols_used)
            encoded = {k: [writer.graph(g) for g in v] for k, v in modes.items()
                       if not isinstance(v, str) and k in grid()}
            if encoded:
                tables[name] = (header.architecture, structure.describe(header), writer.bytes(encoded))
    raw = file_bytes(version, symbols_used, [tables[name] for name in sorted(tables)])
    pathlib.Path(output).write_bytes(raw)
    print(f"{output}: {len(raw)} bytes, {len(tables)} structures")


main()
