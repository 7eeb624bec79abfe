"""Models with more layers, or other tensors, made from the header of a given one."""
import re

from gguf_header import ARRAY, Header


def with_layers(header, layers, period):
    """Repeats the last `period` layers until there are `layers`."""
    prefix = header.architecture + "."
    type, have = header.metadata[prefix + "block_count"]
    source = lambda n: n if n < have else have - period + (n - have) % period
    metadata = dict(header.metadata)
    for key, (kind, value) in header.metadata.items():
        if key.startswith(prefix) and kind == ARRAY and len(value[1]) == have:
            metadata[key] = kind, (value[0], [value[1][source(n)] for n in range(layers)])
    metadata[prefix + "block_count"] = type, layers
    by_layer, others = {}, []
    for name, dims, kind in header.tensors:
        found = re.match(r"blk\.(\d+)\.(.*)", name)
        if found:
            by_layer.setdefault(int(found[1]), []).append((found[2], dims, kind))
        else:
            others.append((name, dims, kind))
    tensors = others + [(f"blk.{n}.{suffix}", dims, kind) for n in range(layers)
                        for suffix, dims, kind in by_layer.get(source(n), [])]
    return Header(metadata, tensors)
