"""The table file: see README.md for the format; estimator/graph/table.cc reads it.

All integers are LEB128 varints, signed ones zigzag. Everything that repeats is written once and
referred to by number: expressions, shapes and tokens of an architecture, names of the file.
"""
from configurations import SLOTS
from layers import FIRST, LAST, NOTHING, WHOLE, Placed
from symbols import QUANTITIES

MAGIC = b"HRGRAPH2"


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
    def __init__(self, names, kinds):
        """kinds: of the layers of the model that whole graphs are taken from."""
        self.names = names
        self.expressions, self.shapes, self.tokens = Numbered(), Numbered(), Numbered()
        self.lists, self.graphs, self.kinds = Numbered(), Numbered(), Numbered()
        for kind in [NOTHING, *kinds]:
            self.kinds.of(kind)

    def _expression(self, terms):
        return self.expressions.of(tuple(sorted(terms, key=str)))

    def _shape(self, shape):
        return self.shapes.of((shape.type, tuple(map(self._expression, shape.dims)),
                               tuple(map(self._expression, shape.strides))))

    def _token(self, placed):
        token, extra = placed.token, []
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
                               self._references(placed.parents), self._references(placed.uses)))

    def _references(self, references):
        """(origin, number, kind or None)"""
        return tuple((origin, n[1], self._kind(n[0])) if isinstance(n, tuple) else (origin, n, None)
                     for origin, n in references)

    def _kind(self, name):
        return self.kinds.of(name.rstrip(FIRST + LAST))

    def _list(self, placed):
        return self.lists.of(tuple(map(self._token, placed)))

    def graph(self, layered):
        inputs = lambda tokens: self._list([Placed(t, (), ()) for t in tokens])
        kind = lambda k: self._kind(k) << 2 | (LAST in k) << 1 | (FIRST in k)
        name = kind if layered.radius != WHOLE else int
        layers = tuple((tuple(map(name, context)), inputs(own), self._list(tokens))
                       for context, (own, tokens) in sorted(layered.layers.items()))
        return self.graphs.of((inputs(layered.before), inputs(layered.after),
                               layered.radius + 1 << 1 | layered.marked, layers))

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
        for kind, buffer, shape, extra, parents, uses in self.tokens:
            w.number(kind << 1 | buffer)
            for e in (shape,) + extra:
                w.number(e)
            for refs in (parents, uses):
                w.number(len(refs))
                for origin, n, kind in refs:
                    w.number(n << 3 | origin)
                    if kind is not None:
                        w.number(kind)
        w.number(len(self.lists))
        for tokens in self.lists:
            w.number(len(tokens))
            for t in tokens:
                w.number(t)
        w.number(len(self.graphs))
        for before, after, radius, layers in self.graphs:
            for value in (before, after, radius, len(layers)):
                w.number(value)
            for context, inputs, tokens in layers:
                for value in context + (inputs, tokens):
                    w.number(value)
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
    """entries: [(architecture, structure of the whole, kinds of layers, Writer)]."""
    w = Writer()
    w.out += MAGIC
    w.text(version)
    w.number(len(names))
    for name in names:
        w.text(name)
    w.number(len(entries))
    for name, whole, kinds, block in entries:
        w.text(name)
        w.number(len(kinds))
        for value in [whole, *kinds]:
            w.out += int(value, 16).to_bytes(8, "little")
        w.block(block)
    return bytes(w.out)
