#!/usr/bin/env python3
"""Makes a copy of llama.cpp's ggml-alloc.c that writes every graph it reserves (dump_graph.inc).

usage: patch_alloc.py LLAMA_SOURCE OUTPUT.c
"""
import pathlib
import sys

BEFORE = "static bool ggml_gallocr_reserve_n_impl("
AFTER = "    ggml_gallocr_alloc_graph_impl(galloc, graph, node_buffer_ids, leaf_buffer_ids);\n"


def main():
    source, output = sys.argv[1:]
    text = pathlib.Path(source, "ggml/src/ggml-alloc.c").read_text()
    hook = pathlib.Path(__file__).with_name("dump_graph.inc").read_text()
    if text.count(BEFORE) != 1 or text.count(AFTER) < 1:
        sys.exit(f"{source}: ggml-alloc.c has changed: expected '{BEFORE}' and '{AFTER.strip()}'")
    head, tail = text.split(BEFORE)
    call = "    graph_dump_write(galloc, graph, node_buffer_ids, leaf_buffer_ids);\n"
    tail = tail.replace(AFTER, AFTER + call, 1)
    pathlib.Path(output).write_text(head + hook + BEFORE + tail)


main()
