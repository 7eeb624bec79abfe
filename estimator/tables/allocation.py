"""From a dumped graph to the order in which the allocator acts.

Who is allocated when and used by whom depends on the structure of a graph only (ggml-alloc.c:
ggml_gallocr_alloc_graph_impl). A tensor is freed after its last use; a parent may be taken over by
the operation that uses it last. What is left for later are numbers: the sizes, and whether a
parent has the same type, shape and strides.
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
    """The next tensor is allocated; then it and what is not allocated behind it use others."""
    tensor: Tensor
    buffer: int
    parents: list = field(default_factory=list)  # numbers that may be taken over, in order
    uses: list = field(default_factory=list)     # numbers, by the order of their last use here


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


def _root(t):
    return t if t.view is None else t.view


def _kept(nodes):
    """Tensors that are never freed: outputs, and those with a view that nothing uses."""
    used = {s for t, _ in nodes for s in t.sources}
    return {t for t, _ in nodes if t.flags & OUTPUT} | {
        t.view for t, _ in nodes if t.view is not None and t.op != "NONE" and t not in used}


def _events(nodes, leafs):
    events, kept = [], _kept(nodes)

    def allocate(t, buffer):
        if not t.is_allocated() or t.number is not None:
            return False
        t.number = len(events)
        events.append(Event(t, buffer))
        return True

    for t, buffer in leafs:
        allocate(t, buffer)
    for t, buffer in nodes:
        for x in [t] + t.sources:
            if x.flags & INPUT:
                allocate(x, buffer)
    for t, buffer in nodes:
        for s in t.sources:
            allocate(s, buffer)
        may_take_over = allocate(t, buffer) and t.op in IN_PLACE
        for s in t.sources:
            root = _root(s)
            if root.number is None or root in kept:
                continue
            events[-1].uses.append(root.number)
            if may_take_over and s is root:
                events[-1].parents.append(root.number)
    for e in events:
        e.parents = [p for p in e.parents if e.uses.count(p) == 1]  # else it does not end here
        e.uses = list(dict.fromkeys(reversed(e.uses)))[::-1]  # each at its last place
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


def last_uses(uses):
    """{number: position of its last use}"""
    return {n: i for i, numbers in enumerate(uses) for n in numbers}


def replay(graph):
    """Peaks of the buffers."""
    events = graph.events
    last = last_uses([e.uses for e in events])
    layouts = [(e.tensor.type, e.tensor.ne, e.tensor.nb) for e in events]
    arenas = [Arena(alignment) for _, alignment, _ in graph.buffers]
    place = [None] * len(events)  # (buffer, offset) while owned
    size = lambda n, buffer: events[n].tensor.sizes[buffer]
    for i, e in enumerate(events):
        parent = next((p for p in e.parents if last[p] == i and place[p] is not None and
                       layouts[p] == layouts[i]), None)
        if parent is None:
            place[i] = (e.buffer, arenas[e.buffer].allocate(size(i, e.buffer)))
        else:
            buffer, offset = place[i] = place[parent]
            place[parent] = None
            arena = arenas[buffer]
            had, has = arena.pad(size(parent, buffer)), arena.pad(size(i, buffer))
            if had > has:
                arena.release(offset + has, had - has)
        for n in e.uses:
            if last[n] == i and place[n] is not None:
                buffer, offset = place[n]
                arenas[buffer].release(offset, size(n, buffer))
                place[n] = None
    return [a.peak for a in arenas]
