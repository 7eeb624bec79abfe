"""Models with other layers, made from the header of a given one."""
import re

from gguf_header import ARRAY, Header

LAYER = re.compile(r"((?:enc\.|dec\.)?blk)\.(\d+)\.(.*)")


def loaded_layers(header):
    """NextN layers at the end of a file belong to a draft."""
    prefix = header.architecture + "."
    return header.value(prefix + "block_count") - (header.value(prefix + "nextn_predict_layers") or 0)


def with_layers(header, sequence):
    """sequence: of each layer the number of the layer that it is a copy of."""
    prefix = header.architecture + "."
    have = header.value(prefix + "block_count")
    sequence = list(sequence) + list(range(loaded_layers(header), have))
    metadata = dict(header.metadata)
    for key, (kind, value) in header.metadata.items():
        if key.startswith(prefix) and kind == ARRAY and len(value[1]) == have:
            metadata[key] = kind, (value[0], [value[1][n] for n in sequence])
    for key in ("block_count", "decoder_block_count"):
        if prefix + key in metadata:
            metadata[prefix + key] = metadata[prefix + key][0], len(sequence)
    dense = prefix + "leading_dense_block_count"
    if dense in metadata:
        type, lead = metadata[dense]
        metadata[dense] = type, next((i for i, n in enumerate(sequence) if n >= lead), len(sequence))
    by_layer, tensors = {}, []
    for name, dims, kind in header.tensors:
        found = LAYER.fullmatch(name)
        if found:
            by_layer.setdefault(int(found[2]), []).append((found[1], found[3], dims, kind))
        else:
            tensors.append((name, dims, kind))
    tensors += [(f"{stack}.{i}.{suffix}", dims, kind) for i, n in enumerate(sequence)
                for stack, suffix, dims, kind in by_layer.get(n, [])]
    return Header(metadata, tensors)


def periodic(have, layers, period):
    return [n if n < have else have - period + (n - have) % period for n in range(layers)]
