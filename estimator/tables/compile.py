"""From the dumps of two models to one symbolic graph: events whose sizes are expressions."""
from dataclasses import dataclass
from fractions import Fraction

from gguf_header import BLOCKS

PLAIN, EXPERTS, DOUBLE, TOP_K, FLASH = range(5)  # what Metal adds to a tensor's bytes
KINDS = {"MUL_MAT_ID": EXPERTS, "ARGSORT": DOUBLE, "CUMSUM": DOUBLE, "TOP_K": TOP_K,
         "FLASH_ATTN_EXT": FLASH}
TYPE_K, TYPE_V = 254, 255  # the cache types of the configuration
QUANTISED = {2, 3, 6, 7, 8}
IDS = {"f16": 1, "q8_0": 8, "q4_0": 2}


class Unsolved(Exception):
    """A dimension without an explanation, or graphs that differ; the text says which."""


@dataclass(frozen=True)
class Shape:
    type: int
    dims: tuple      # four expressions
    strides: tuple   # three, in elements; () if contiguous


@dataclass(frozen=True)
class Token:
    """An event of the allocator with its size as expressions; what it refers to is kept apart."""
    kind: int
    buffer: int
    shape: Shape
    extra: tuple     # by kind, see _extra


@dataclass
class Symbolic:
    """A whole graph. The first `inputs` tensors are allocated before the first operation."""
    tokens: list
    parents: list    # of each token: numbers of tokens, as Event
    uses: list
    names: list
    inputs: int


def structure(graph):
    """What must be the same in every dump."""
    return [(e.tensor.op if e.tensor.op in KINDS else "", e.tensor.type, e.buffer, tuple(e.parents),
             tuple(e.uses)) for e in graph.events]


def compile_graph(graphs_a, graphs_t, fitter, attention):
    """graphs_*: the same graph at each sample of the fitter."""
    graphs = graphs_a + graphs_t
    first = structure(graphs[0])
    for other in graphs[1:]:
        if structure(other) != first:
            raise Unsolved("the graph is not the same in every sample "
                           f"({len(first)} and {len(other.events)} tensors)")
    return _Compiler(graphs, len(graphs_a), fitter, attention).run()


def of_state(shape):
    """The head size and the state size of the pairs are equal. A tensor with other numbers of the
    recurrent part has the state's."""
    names = {n.lstrip("/") for e in shape.dims + shape.strides for _, names, _ in e for n in names}
    if not any(n.startswith("ssm.") for n in names):
        return shape
    rename = lambda n: n.replace("attention.key_length", "ssm.state_size") if ":" not in n else n
    all_renamed = lambda es: tuple(tuple((f, tuple(sorted(map(rename, ns))), q) for f, ns, q in e) for e in es)
    return Shape(shape.type, all_renamed(shape.dims), all_renamed(shape.strides))


class _Compiler:
    def __init__(self, graphs, split, fitter, attention):
        self.graphs, self.split, self.fitter = graphs, split, fitter
        self.k, self.v = IDS[attention[1]], IDS[attention[2]]

    def run(self):
        events = self.graphs[0].events
        tokens = [self._token(column) for column in zip(*(g.events for g in self.graphs))]
        return Symbolic(tokens, [e.parents for e in events], [e.uses for e in events],
                        [e.tensor.name for e in events], self._inputs())

    def _inputs(self):
        """Allocated up front: until the first tensor that has an operation and no input flag."""
        for i, e in enumerate(self.graphs[0].events):
            if e.tensor.op != "NONE" and not e.tensor.flags & 1:
                return i
        return len(self.graphs[0].events)

    def _token(self, column):
        e = column[0]
        tensors = [c.tensor for c in column]
        kind = KINDS.get(e.tensor.op, PLAIN) if e.buffer == 0 else PLAIN
        return Token(kind, e.buffer, self._shape(tensors), self._extra(kind, tensors))

    def _fit(self, values, what):
        found = self.fitter.fit(values[:self.split], values[self.split:])
        if found is None:
            raise Unsolved(f"{what}: {values}")
        return found

    def _dims(self, tensors):
        what = f"{tensors[0].op} '{tensors[0].name}'"
        return tuple(self._fit([t.ne[d] for t in tensors], f"{what} dimension {d}") for d in range(4))

    def _shape(self, tensors):
        strides = ()
        if not all(map(_is_contiguous, tensors)):
            strides = tuple(self._stride(tensors, d) for d in (1, 2, 3))
        shape = Shape(self._type(tensors[0].type), self._dims(tensors), strides)
        return of_state(shape) if self.fitter.has_state else shape

    def _stride(self, tensors, d):
        elements, size = BLOCKS[tensors[0].type]
        return self._fit([Fraction(t.nb[d] * elements, size) for t in tensors],
                         f"{tensors[0].op} '{tensors[0].name}' stride {d}")

    def _type(self, type):
        if type not in QUANTISED:
            return type
        return TYPE_V if type == self.v and self.v != self.k else TYPE_K

    def _extra(self, kind, tensors):
        source = lambda n: [t.sources[n] for t in tensors]
        if kind == EXPERTS:  # experts, columns
            return (self._fit([t.ne[2] for t in source(0)], "experts"),
                    self._fit([t.ne[1] for t in source(2)], "columns of ids"))
        if kind == TOP_K:
            return (Shape(0, self._dims(source(0)), ()),)
        if kind != FLASH:
            return ()
        q, k, v = source(0), source(1), source(2)
        has_mask = len(tensors[0].sources) > 3 and tensors[0].sources[3].type == 1
        shared = v[0].view is not None and (v[0].view is k[0] or
                                            (v[0].view is k[0].view and v[0].offset == k[0].offset))
        typed = lambda t, cache: cache if t.type in QUANTISED else t.type
        parameter = [max(0, t.parameter) for t in tensors]
        return (Shape(0, self._dims(q), ()), Shape(typed(k[0], TYPE_K), self._dims(k), ()),
                Shape(typed(v[0], TYPE_V), self._dims(v), ()),
                Shape(1, self._dims(source(3)), ()) if has_mask else None,
                self._stride(k, 1), self._stride(v, 1), shared,
                self._fit(parameter, "rows of sparse attention") if any(parameter) else None)


def _is_contiguous(t):
    elements, size = BLOCKS[t.type]
    row = t.ne[0] // elements * size
    return t.nb[1:] == [row, row * t.ne[1], row * t.ne[1] * t.ne[2]]
