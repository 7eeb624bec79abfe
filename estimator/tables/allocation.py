"""From a dumped graph to the order in which the allocator acts.

Who is allocated when, who is freed when and which parents a node could take over in place depends
on the structure of a graph only (ggml-alloc.c: ggml_gallocr_alloc_graph_impl). What is left for
later are numbers: the sizes, and whether a parent has the same type, shape and strides.
"""
import json
from dataclasses import dataclass, field

# ggml_op_can_inplace() in ggml-alloc.c
IN_PLACE = set(
    "FILL SCALE DIAG_MASK_ZERO DIAG_MASK_INF ADD ADD_ID ADD1 SUB MUL DIV SQR SQRT LOG UNARY ROPE "
    "ROPE_BACK SILU_BACK RMS_NORM RMS_NORM_BACK CLAMP SOFT_MAX SOFT_MAX_BACK".split())
INPUT, OUTPUT = 1, 2


class Tensor:
    """One tensor of a dump; `sources` and `view` are tensors."""
    __slots__ = ("op", "type", "flags", "external", "view", "offset", "ne", "nb", "sources",
                 "sizes", "parameter", "name", "number")

    def __init__(self, fields):
        (self.op, self.type, self.flags, self.external, self.view, self.offset, self.ne, self.nb,
         self.sources, self.sizes, self.parameter, self.name) = fields
        self.number = None  # among the allocated ones

    def is_allocated(self):
        return not self.external and self.view is None


@dataclass
class Event:
    """The next tensor is allocated; after it, others are freed."""
    tensor: Tensor
    buffer: int
    parents: list = field(default_factory=list)  # numbers that may be taken over, in order
    frees: list = field(default_factory=list)    # numbers freed before the next allocation


@dataclass
class Graph:
    events: list
    buffers: list  # [name, alignment, peak]


def load(line):
    dump = json.loads(line)
    tensors = [Tensor(t) for t in dump["tensors"]]
    for t in tensors:
        t.view = None if t.view < 0 else tensors[t.view]
        t.sources = [tensors[s] for s in t.sources]
    nodes = [(tensors[i], buffer) for i, buffer in dump["nodes"]]
    leafs = [(tensors[i], buffer) for i, buffer in dump["leafs"]]
    names = [name for name, _, _ in dump["buffers"]]
    if names != ["MTL0", "CPU"][:len(names)]:
        raise ValueError(f"buffers are {names}, expected MTL0 and CPU")
    return Graph(_events(nodes, leafs), dump["buffers"])


def _events(nodes, leafs):
    events, owned = [], set()
    children, views = {}, {}

    def allocate(t, buffer):
        if not t.is_allocated() or t.number is not None:
            return
        event = Event(t, buffer)
        if t.op in IN_PLACE:
            for p in t.sources:
                if p in owned and not p.flags & OUTPUT and children.get(p) == 1 and not views.get(p):
                    event.parents.append(p.number)
        t.number = len(events)
        owned.add(t)
        events.append(event)

    def free(t):
        if not t.flags & OUTPUT:
            owned.discard(t)
            events[-1].frees.append(t.number)

    for t, buffer in leafs:
        allocate(t, buffer)
    for t, buffer in nodes:
        if t.view is not None and t.op != "NONE":
            views[t.view] = views.get(t.view, 0) + 1
        if t.flags & INPUT:
            allocate(t, buffer)
        for s in t.sources:
            children[s] = children.get(s, 0) + 1
            if s.flags & INPUT:
                allocate(s, buffer)
    for t, buffer in nodes:
        for s in t.sources:
            allocate(s, buffer)
        allocate(t, buffer)
        for s in t.sources:
            children[s] -= 1
            if children[s] or views.get(s):
                continue
            if s.view is not None:
                views[s.view] = views.get(s.view, 0) - 1
                if not views[s.view] and not children.get(s.view) and s.view in owned:
                    free(s.view)
            elif s in owned:
                free(s)
    return events


class Arena:
    """ggml_dyn_tallocr with one chunk: best fit, the last free block is the open end."""

    def __init__(self, alignment):
        self.alignment, self.free, self.peak = alignment, [[0, 1 << 62]], 0

    def pad(self, size):
        return -(-size // self.alignment) * self.alignment

    def allocate(self, size):
        size = self.pad(size)
        best = len(self.free) - 1
        best_size = 1 << 63
        for i, (_, free) in enumerate(self.free[:-1]):
            if size <= free <= best_size:  # of equal blocks the last one
                best, best_size = i, free
        block = self.free[best]
        offset = block[0]
        block[0] += size
        block[1] -= size
        if block[1] == 0:
            self.free.pop(best)
        self.peak = max(self.peak, offset + size)
        return offset

    def release(self, offset, size):
        """As written there: tensors of no bytes leave empty blocks that keep others apart."""
        size, free = self.pad(size), self.free
        for i, block in enumerate(free):
            if sum(block) == offset:
                block[1] += size
                if i + 1 < len(free) and sum(block) == free[i + 1][0]:
                    block[1] += free.pop(i + 1)[1]
                return
            if offset + size == block[0]:
                block[0], block[1] = offset, block[1] + size
                if i > 0 and sum(free[i - 1]) == offset:
                    free[i - 1][1] += free.pop(i)[1]
                return
        i = 0
        while i < len(free) and free[i][0] < offset:
            i += 1
        free.insert(i, [offset, size])


def replay(graph, sizes=None, layouts=None):
    """Peaks of the buffers. sizes[i]: bytes of event i; layouts[i]: comparable type and shape."""
    events = graph.events
    if sizes is None:
        sizes = [e.tensor.sizes for e in events]
    if layouts is None:
        layouts = [(e.tensor.type, e.tensor.ne, e.tensor.nb) for e in events]
    arenas = [Arena(alignment) for _, alignment, _ in graph.buffers]
    place = [None] * len(events)  # (buffer, offset) while owned
    for i, e in enumerate(events):
        parent = next((p for p in e.parents if place[p] is not None and layouts[p] == layouts[i]), None)
        if parent is None:
            place[i] = (e.buffer, arenas[e.buffer].allocate(sizes[i][e.buffer]))
        else:
            buffer, offset = place[i] = place[parent]
            place[parent] = None
            arena = arenas[buffer]
            had, has = arena.pad(sizes[parent][buffer]), arena.pad(sizes[i][buffer])
            if had > has:
                arena.release(offset + has, had - has)
        for f in e.frees:
            if place[f] is not None:
                buffer, offset = place[f]
                arenas[buffer].release(offset, sizes[f][buffer])
                place[f] = None
    return [a.peak for a in arenas]
