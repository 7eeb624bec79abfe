"""The table file: see README.md for the format; estimator/graph/table.cc reads it.

All integers are LEB128 varints, signed ones zigzag. Everything that repeats is written once and
referred to by number: expressions, shapes and tokens of an architecture, names of the file.
"""
from configurations import SLOTS
from symbols import QUANTITIES

MAGIC = b"HRGRAPH1"


class Writer:
    def __init__(self):
        self.out = bytearray()

    def number(self, value):
        assert value >= 0, value
        while value >= 128:
            self.out.append(value & 127 | 128)
            value >>= 7
        self.out.append(value)

    def signed(self, value):
        self.number(value << 1 if value >= 0 else (-value << 1) - 1)

    def text(self, value):
        raw = value.encode()
        self.number(len(raw))
        self.out += raw

    def block(self, other):
        self.number(len(other.out))
        self.out += other.out


class Numbered(dict):
    """Things in the order of their first use."""

    def of(self, thing):
        return self.setdefault(thing, len(self))


class ArchitectureWriter:
    def __init__(self, names):
        self.names = names
        self.expressions, self.shapes, self.tokens, self.graphs = (Numbered() for _ in range(4))

    def _expression(self, terms):
        return self.expressions.of(tuple(sorted(terms, key=str)))

    def _shape(self, shape):
        return self.shapes.of((shape.type, tuple(map(self._expression, shape.dims)),
                               tuple(map(self._expression, shape.strides))))

    def _token(self, token):
        extra = []
        for item in token.extra:
            if item is None:
                extra.append(0)
            elif isinstance(item, bool):
                extra.append(int(item))
            elif hasattr(item, "dims"):
                extra.append(1 + self._shape(item))
            else:
                extra.append(1 + self._expression(item))
        return self.tokens.of((token.kind, token.buffer, self._shape(token.shape), tuple(extra),
                               token.parents, token.frees))

    def graph(self, symbolic):
        sections = tuple((s.per_period, s.inputs, tuple(map(self._token, s.tokens)))
                         for s in symbolic.sections)
        return self.graphs.of((symbolic.layers, symbolic.period, sections))

    def bytes(self, modes):
        """modes: {(attention, slots): [graph number]}."""
        w = Writer()
        w.number(len(self.expressions))
        for terms in self.expressions:
            self._write_expression(w, terms)
        w.number(len(self.shapes))
        for type, dims, strides in self.shapes:
            w.number(type << 1 | bool(strides))
            for e in dims + strides:
                w.number(e)
        w.number(len(self.tokens))
        for kind, buffer, shape, extra, parents, frees in self.tokens:
            w.number(kind << 1 | buffer)
            for e in (shape,) + extra:
                w.number(e)
            for refs in (parents, frees):
                w.number(len(refs))
                for origin, n in refs:
                    w.number(n << 2 | origin)
        w.number(len(self.graphs))
        for layers, period, sections in self.graphs:
            w.number(layers)
            w.number(period)
            w.number(len(sections))
            for per_period, inputs, tokens in sections:
                w.number(inputs << 1 | per_period)
                w.number(len(tokens))
                for t in tokens:
                    w.number(t)
        w.number(len(modes))
        for (attention, slots), graphs in sorted(modes.items()):
            w.number(attention * len(SLOTS) + slots)
            w.number(len(graphs))
            for g in graphs:
                w.number(g)
        return w

    def _write_expression(self, w, terms):
        w.number(len(terms))
        for factor, names, quantity in terms:
            w.signed(factor.numerator)
            w.number(factor.denominator)
            w.number(QUANTITIES.index(quantity))
            w.number(len(names))
            for name in names:
                w.number(self.names.of(name.lstrip("/")) << 1 | (name[0] == "/"))


def file_bytes(version, names, entries):
    """entries: [(architecture, (whole, layers) of structure.describe, Writer)], best first."""
    w = Writer()
    w.out += MAGIC
    w.text(version)
    w.number(len(names))
    for name in names:
        w.text(name)
    w.number(len(entries))
    for name, (whole, layers), block in entries:
        w.text(name)
        w.number(len(layers))
        for value in [whole] + layers:
            w.out += value.to_bytes(8, "little")
        w.block(block)
    return bytes(w.out)
