"""One graph for any number of layers, from the graphs of n, n + p and n + 2p layers.

The longer list is the shorter one with a period inserted. Where a token of the period refers to is
seen by comparing it with the token one period earlier; the third list is the check.
"""
from compile import (HERE, INPUTS_END, PERIOD, START, Section, Symbolic, Token, Unsolved)


class _List:
    """Tokens with references as plain numbers."""

    def __init__(self, symbolic):
        inputs, nodes = symbolic.sections
        self.inputs = len(inputs.tokens)
        self.tokens = inputs.tokens + nodes.tokens
        self.keys = [(t.kind, t.buffer, t.shape, t.extra) for t in self.tokens]
        number = lambda i, ref: ref[1] if ref[0] == START else i - ref[1]
        self.parents = [[number(i, r) for r in t.parents] for i, t in enumerate(self.tokens)]
        self.frees = [sorted(number(i, r) for r in t.frees) for i, t in enumerate(self.tokens)]


def _cuts(short, long):
    """Positions at which `long` is `short` with something inserted, the last first."""
    more = len(long) - len(short)
    prefix = 0
    while prefix < len(short) and short[prefix] == long[prefix]:
        prefix += 1
    suffix = 0
    while suffix < len(short) and short[-1 - suffix] == long[-1 - suffix]:
        suffix += 1
    if more < 0 or prefix + suffix < len(short):
        raise Unsolved("no period of layers can be inserted")
    return range(min(prefix, len(short)), len(short) - suffix - 1, -1)


class _Unroller:
    def __init__(self, a, b, input_cut, cut):
        self.a, self.b, self.cut = a, b, cut
        self.input_cut = input_cut
        self.more_inputs = b.inputs - a.inputs
        self.more = len(b.tokens) - len(a.tokens) - self.more_inputs

    def _reference(self, target, here, others, other_here, other_inputs, shift):
        """target as seen from here in b; `others` are the targets of the same token elsewhere."""
        if target >= self.b.inputs:
            if here - target in [other_here - o for o in others]:
                return HERE, here - target
            if self.more_inputs == 0 and target in others:
                return START, target
            raise Unsolved("a reference to another period")
        if target in others and target < self.input_cut:
            return START, target
        from_end = self.b.inputs - target
        if target >= self.input_cut + self.more_inputs and from_end in [other_inputs - o for o in others]:
            return INPUTS_END, from_end
        if shift and target - shift in others and self.input_cut <= target < self.input_cut + shift:
            return PERIOD, target - self.input_cut
        raise Unsolved("a reference to another period's input")

    def _token(self, i, other_list, j, period=False):
        """Token i of b; it corresponds to token j of other_list."""
        b, t = self.b, self.b.tokens[i]
        if b.keys[i] != other_list.keys[j]:
            raise Unsolved("the period does not repeat")
        parents, frees = other_list.parents[j], other_list.frees[j]
        if len(parents) != len(b.parents[i]) or len(frees) != len(b.frees[i]):
            raise Unsolved("references differ between periods")
        shift = self.more_inputs if period else 0
        encode = lambda targets, others: tuple(
            self._reference(x, i, others, j, other_list.inputs, shift) for x in targets)
        return Token(t.kind, t.buffer, t.shape, t.extra, encode(b.parents[i], parents),
                     tuple(sorted(encode(b.frees[i], frees))))

    def run(self):
        a, b, cut, more = self.a, self.b, self.cut, self.more
        first, last = self.input_cut, self.input_cut + self.more_inputs
        node = b.inputs
        before = [self._token(node + i, a, a.inputs + i) for i in range(cut)]
        period = [self._token(node + i, b, node + i - more, True) for i in range(cut, cut + more)]
        after = [self._token(node + i, a, a.inputs + i - more)
                 for i in range(cut + more, len(b.tokens) - node)]
        sections = [Section(b.tokens[:first], inputs=True),
                    Section(b.tokens[first:last], inputs=True, per_period=True),
                    Section(b.tokens[last:node], inputs=True), Section(before),
                    Section(period, per_period=True), Section(after)]
        return [s for s in sections if s.tokens]


def expand(sections, periods):
    """(keys, parents, frees) as the estimator lays them out."""
    tokens, of_period, inputs, first_input, per_period = [], [], 0, 0, 0
    for s in sections:
        if s.inputs and s.per_period:
            first_input, per_period = len(tokens), len(s.tokens)
        for n in range(periods if s.per_period else 1):
            tokens += s.tokens
            of_period += [n] * len(s.tokens)
        if s.inputs:
            inputs = len(tokens)

    def number(i, ref):
        origin, n = ref
        if origin == PERIOD:
            return first_input + n + of_period[i] * per_period
        return {HERE: i - n, START: n, INPUTS_END: inputs - n}[origin]

    return ([(t.kind, t.buffer, t.shape, t.extra) for t in tokens],
            [[number(i, r) for r in t.parents] for i, t in enumerate(tokens)],
            [sorted(number(i, r) for r in t.frees) for i, t in enumerate(tokens)])


def unroll(symbolic, layers, period):
    """symbolic: the plain graphs for layers, layers + period and layers + 2 * period."""
    a, b, c = map(_List, symbolic)
    problem = "no cut"
    for input_cut in _cuts(a.keys[:a.inputs], b.keys[:b.inputs]):
        for cut in _cuts(a.keys[a.inputs:], b.keys[b.inputs:]):
            unroller = _Unroller(a, b, input_cut, cut)
            if unroller.more > cut:
                continue  # no period before it to compare with
            try:
                sections = unroller.run()
                if expand(sections, 2) == (c.keys, c.parents, c.frees):
                    return Symbolic(sections, layers, period)
                problem = "two periods do not give the longer list"
            except Unsolved as unsolved:
                problem = str(unsolved)
    raise Unsolved(f"layers do not unroll: {problem}")
