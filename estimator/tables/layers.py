"""A graph for any sequence of layers, from the graphs of a few models.

Each graph is cut where its layers begin. What a layer adds to the graph depends on its own kind
and on those of its neighbours, because Metal's reordering moves nodes across the border: that is
its context. Layers of the same context must be the same in all models, or the graph is unsolved.
"""
import re
from collections import defaultdict
from dataclasses import dataclass

from allocation import last_uses
from compile import Unsolved

# A tensor that a token refers to: so many before it; number among the inputs of its own layer;
# number from the first input; so many before the end of the inputs; number from the first node;
# number from the first node of the layer before; (kind, number from the first node of the first layer
# of that kind); the same of the latest layer of that kind before this one.
HERE, OWN_INPUT, INPUT, INPUTS_END, NODE, PREVIOUS, FIRST_OF_KIND, LATEST_OF_KIND = range(8)
WHOLE = -1
NOTHING = ""  # the kind beside the first and the last layer
# Mark the first and the last layer of a kind: where work is split between GPU and CPU, inputs are
# copied where they are first used, or behind the last split.
FIRST, LAST = "<", ">"
# (neighbours on each side that count, whether the marks do): what explains all models is taken.
WAYS = ((1, False), (1, True), (2, False), (2, True))


@dataclass(frozen=True)
class Placed:
    """A token with its references as (origin, number)."""
    token: object
    parents: tuple
    uses: tuple


@dataclass
class Layered:
    before: list   # inputs of no layer, before and after those of the layers
    after: list
    radius: int    # WHOLE: one context stands for all layers together: their number, 0 for any
    marked: bool   # contexts tell the first and last layer of a kind
    layers: dict   # {context: (inputs, [Placed])}


def contexts_of(kinds, radius, marked):
    """The context of each layer: its kind between those of its neighbours."""
    last = {k: i for i, k in enumerate(kinds)}
    mark = lambda i, k: FIRST * (kinds.index(k) == i) + LAST * (last[k] == i)
    names = [k + mark(i, k) if marked else k for i, k in enumerate(kinds)]
    padded = [NOTHING] * radius + names + [NOTHING] * radius
    return [tuple(padded[i:i + 2 * radius + 1]) for i in range(len(kinds))]


def whole(graph, layers=0):
    """The graph of one model as it is, for models with as many layers; 0: their number does not count."""
    name = lambda here, n: (INPUT, n) if n < graph.inputs else (HERE, here - n)
    ends, parents = lifetimes(graph.parents, graph.uses)
    placed = [Placed(token, tuple(name(i, n) for n in parents[i]), tuple(name(i, n) for n in ends[i]))
              for i, token in enumerate(graph.tokens)]
    if any(p.uses for p in placed[:graph.inputs]):
        raise Unsolved("an input is freed before the first operation")
    return Layered(graph.tokens[:graph.inputs], [], WHOLE, False, {(layers,): ([], placed[graph.inputs:])})


class _Cut:
    """A graph cut into layers: layer i holds the nodes from starts[i] to starts[i + 1]."""

    def __init__(self, graph, kinds, anchor):
        self.graph, self.kinds = graph, kinds
        begins = [_first(graph.names, f"{anchor}-{i}", graph.inputs) for i in range(len(kinds))]
        if None in begins or any(x >= y for x, y in zip(begins, begins[1:])):
            raise Unsolved(f"'{anchor}' does not part the layers")
        self.starts = [graph.inputs] + begins[1:] + [len(graph.tokens)]
        self.inputs_of = [[] for _ in kinds]
        self.own = {}  # input: (layer, number among its inputs)

    def layer_of(self, n):
        return next(i for i in range(len(self.kinds)) if n < self.starts[i + 1])

    def find_own_inputs(self):
        """Inputs that only one layer uses; they lie side by side."""
        users = defaultdict(set)
        for i, uses in enumerate(self.graph.uses):
            for n in uses:
                if n < self.graph.inputs and i >= self.graph.inputs:
                    users[n].add(self.layer_of(i))
        for n in range(self.graph.inputs):
            if len(users[n]) == 1:
                layer = users[n].pop()
                self.own[n] = layer, len(self.inputs_of[layer])
                self.inputs_of[layer].append(n)
        own = sorted(self.own)
        if [self.own[n][0] for n in own] != sorted(self.own[n][0] for n in own):
            raise Unsolved("inputs of layers are not in their order")
        if own and own[-1] - own[0] + 1 != len(own):
            raise Unsolved("inputs of layers do not lie side by side")

    def shared(self):
        """(before, after): inputs of no layer."""
        rest = [n for n in range(self.graph.inputs) if n not in self.own]
        border = min(self.own, default=self.graph.inputs)
        return [n for n in rest if n < border], [n for n in rest if n > border]

    def references(self, here, target, layer):
        """All ways to name the target, the likeliest first."""
        inputs = self.graph.inputs
        if target < inputs:
            if target in self.own:
                owner, number = self.own[target]
                return [(OWN_INPUT, number)] if owner == layer else []
            before, _ = self.shared_inputs
            return [(INPUT, target)] if target in before else [(INPUTS_END, inputs - target)]
        if target >= self.starts[layer]:
            return [(HERE, here - target), (NODE, target - inputs)]
        owner = self.layer_of(target)
        kind, number = self.kinds[owner], target - self.starts[owner]
        near = [(HERE, here - target), (PREVIOUS, number)] if owner == layer - 1 else []
        far = []
        if self.kinds.index(kind) == owner:
            far.append((FIRST_OF_KIND, (kind, number)))
        if kind not in self.kinds[owner + 1:layer]:
            far.append((LATEST_OF_KIND, (kind, number)))
        return near + far + [(NODE, target - inputs)]

    def layer(self, i):
        """Tokens of a layer, each with the ways to name what it refers to."""
        first, end = self.starts[i], self.starts[i + 1]
        last = last_uses(self.graph.uses[first:end])
        out = []
        for here in range(first, end):
            mine = lambda numbers: [self.references(here, n, i) for n in numbers
                                    if last[n] == here - first]
            out.append((self.graph.tokens[here], mine(self.graph.parents[here]),
                        mine(self.graph.uses[here])))
        return out


def _first(names, name, start):
    return next((i for i in range(start, len(names)) if names[i] == name), None)


def _agree(ways):
    """The first way to name a target that all layers of a context share."""
    for way in ways[0]:
        if all(way in other for other in ways[1:]):
            return way
    raise Unsolved("layers of one context refer to different tensors")


def _merge(occurrences):
    first = occurrences[0]
    if any([t[0] for t in o] != [t[0] for t in first] for o in occurrences):
        raise Unsolved("layers of one context differ")
    out = []
    for column in zip(*occurrences):
        token = column[0][0]
        refs = []
        for which in (1, 2):
            if len({len(c[which]) for c in column}) > 1:
                raise Unsolved("layers of one context use different tensors")
            refs.append(tuple(_agree(slot) for slot in zip(*(c[which] for c in column))))
        out.append(Placed(token, *refs))
    return out


def _build(cuts, radius, marked):
    found = defaultdict(list)
    for cut in cuts:
        for i, context in enumerate(contexts_of(cut.kinds, radius, marked)):
            inputs = [cut.graph.tokens[n] for n in cut.inputs_of[i]]
            found[context].append((inputs, cut.layer(i)))
    layers = {}
    for context, occurrences in found.items():
        if any(o[0] != occurrences[0][0] for o in occurrences):
            raise Unsolved("layers of one context have different inputs")
        layers[context] = occurrences[0][0], _merge([o[1] for o in occurrences])
    tokens = lambda cut, numbers: [cut.graph.tokens[n] for n in numbers]
    shared = [[tokens(c, part) for part in c.shared_inputs] for c in cuts]
    if any(s != shared[0] for s in shared):
        raise Unsolved("inputs of the whole graph differ")
    return Layered(*shared[0], radius, marked, layers)


def assemble(layered, kinds):
    """(tokens, parents, uses) as the estimator lays them out; None if a context is unknown."""
    contexts = contexts_of(kinds, layered.radius, layered.marked)
    if any(c not in layered.layers for c in contexts):
        return None
    parts = [layered.layers[c] for c in contexts]
    tokens, own = list(layered.before), []
    for inputs, _ in parts:
        own.append(len(tokens))
        tokens += inputs
    tokens += layered.after
    inputs = len(tokens)
    parents, uses = [[] for _ in tokens], [[] for _ in tokens]
    starts, first, latest = [inputs], {}, {}
    for i, (_, placed) in enumerate(parts):
        starts.append(len(tokens))
        for p in placed:
            here = len(tokens)

            def number(ref):
                origin, n = ref
                if origin == FIRST_OF_KIND:
                    return first[n[0]] + n[1]
                if origin == LATEST_OF_KIND:
                    return latest[n[0]] + n[1]
                return {HERE: here - n, OWN_INPUT: own[i] + n, INPUT: n, INPUTS_END: inputs - n,
                        NODE: inputs + n, PREVIOUS: starts[i] + n}[origin]

            tokens.append(p.token)
            parents.append(list(map(number, p.parents)))
            uses.append(list(map(number, p.uses)))
        first.setdefault(kinds[i], starts[-1])
        latest[kinds[i]] = starts[-1]
    return tokens, parents, uses


def lifetimes(parents, uses):
    """What the allocator sees of references: who ends where, and who may be taken over there."""
    last = last_uses(uses)
    ends = [[n for n in u if last[n] == i] for i, u in enumerate(uses)]
    return ends, [[p for p in ps if last.get(p) == i] for i, ps in enumerate(parents)]


def _check(layered, graph, kinds):
    built = assemble(layered, kinds)
    if built is None:
        raise Unsolved("a longer model has layers of other contexts")
    tokens, parents, uses = built
    if tokens != graph.tokens or lifetimes(parents, uses) != lifetimes(graph.parents, graph.uses):
        raise Unsolved("the layers do not give a longer model")


def _anchors(graph, count):
    """Names that every layer has a tensor of, in the order of the first layer."""
    layers = defaultdict(set)
    for name in graph.names[graph.inputs:]:
        found = re.fullmatch(r"(.+)-(\d+)", name)
        if found:
            layers[found[1]].add(int(found[2]))
    return [name for name, have in layers.items() if have >= set(range(count))]


def by_layer(graphs, kinds):
    """graphs: Symbolic of models with layers of `kinds`; the last one is only compared with."""
    problems = {}
    for own_inputs in (False, True):
        for anchor in _anchors(graphs[0], len(kinds[0])):
            for radius, marked in WAYS:
                try:
                    cuts = [_Cut(g, k, anchor) for g, k in zip(graphs, kinds)]
                    for cut in cuts:
                        if own_inputs:
                            cut.find_own_inputs()
                        cut.shared_inputs = cut.shared()
                    layered = _build(cuts[:-1], radius, marked)
                    for g, k in zip(graphs, kinds):
                        _check(layered, g, k)
                    return layered
                except Unsolved as unsolved:
                    problems.setdefault(str(unsolved), f"{anchor} {radius}")
    raise Unsolved("; ".join(f"{v}: {k}" for k, v in problems.items()) or "no tensor is named in every layer")
