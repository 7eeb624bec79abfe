"""What decides which nodes a graph has; estimator/graph/structure.cc computes the same."""
import re

from symbols import DK, DV, integers, window_of

NEUTRAL = {"output.weight", "rope_freqs.weight", "rope_factors_long.weight",
           "rope_factors_short.weight"}
FLASH_HEADS = {32, 40, 48, 64, 72, 80, 96, 112, 128, 192, 256, 320, 512, 576}


def fnv(text):
    value = 0xCBF29CE484222325
    for byte in text.encode():
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return value


def _hash(names):
    return fnv("".join(name + "\n" for name in sorted(names)))


def _without_numbers(name):
    return re.sub(r"(?<=\.)\d+", "#", name)


def has_window(header):
    architecture, known = header.architecture, integers(header)
    if architecture == "exaone4":
        return known["block_count"] == 64
    if architecture in ("phi3", "phimoe"):
        return False
    return window_of(header) > 0


def switches(header):
    known = integers(header)
    k, v = known.get(DK, 0), known.get(DV, 0)
    flash = k in FLASH_HEADS and k >= v
    out = "heads " + "".join(letter if is_set else "-" for letter, is_set in
                             (("f", flash), ("k", k % 64 == 0), ("v", v % 64 == 0)))
    if has_window(header):
        out += " window"
    if header.value(header.architecture + ".use_parallel_residual"):
        out += " parallel"
    if known.get("expert_group_count", 0) > 1:
        out += " groups"
    if known.get("expert_used_count") == 1:
        out += " one-expert"
    if known.get("ssm.group_count") == 1:
        out += " one-group"
    if header.value(header.architecture + ".attention.indexer.types") is not None:
        out += " indexer-types"
    if header.architecture == "baichuan" and known["block_count"] == 32:
        out += " rope"
    return out


def describe(header):
    """(hash of what is there once, sorted hashes of the kinds of layers)"""
    known = integers(header)
    layers = known["block_count"] - known.get("nextn_predict_layers", 0)
    whole, by_layer = {switches(header)}, {n: set() for n in range(layers)}
    for name, _, _ in header.tensors:
        found = re.match(r"blk\.(\d+)\.(.*)", name)
        if not found:
            if name not in NEUTRAL:
                whole.add(_without_numbers(name))
        elif int(found[1]) < layers and found[2] not in NEUTRAL:
            by_layer[int(found[1])].add(_without_numbers(found[2]))
    return _hash(whole), sorted({_hash(names) for names in by_layer.values()})
