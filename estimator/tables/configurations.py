"""The configurations that graphs are taken from: odd numbers, so that no two quantities agree."""
from dataclasses import dataclass

from symbols import pad

# What decides about the attention part of a graph: (flash, type of K, type of V). Quantised types
# stand for all of their kind. The position is the number in the table file: append only.
ATTENTION = [("auto", "f16", "f16"), ("auto", "q8_0", "q8_0"), ("auto", "f16", "q8_0"),
             ("off", "f16", "f16"), ("auto", "q8_0", "q4_0")]
# Slots: one, several in one unified cache, several with a stream each; as llama-server a row of
# logits for each slot. "batch": one slot, a row for each token. The position is the number, too.
SLOTS = ["one", "unified", "apart", "batch"]
# (slots, context, ubatch)
POINTS = {
    "one": [(1, 16640, 352), (1, 9728, 608), (1, 33536, 736)],
    "unified": [(4, 16640, 352), (3, 9728, 606), (4, 33536, 740), (3, 5120, 417)],
    "apart": [(2, 16640, 352), (3, 9985, 606), (2, 33536, 736), (3, 30720, 417)],
    "batch": [(1, 16640, 352), (1, 9728, 608), (1, 33536, 736)],
}


@dataclass
class Context:
    """As estimator/memory/shape.h."""
    slots: int
    context: int
    ubatch: int
    outputs: int
    unified: bool
    cells: int = 0
    streams: int = 0
    tokens: int = 0

    def __post_init__(self):
        whole = pad(self.context, 256)
        self.cells = whole if self.unified else pad(whole // self.slots, 256)
        self.streams = 1 if self.unified else self.slots
        self.tokens = pad(min(self.cells * self.streams, self.ubatch), self.slots)
        self.outputs = min(self.outputs, self.tokens)


def contexts(slots):
    return [Context(n, c, u, 2048 if slots == "batch" else n, unified=slots == "unified")
            for n, c, u in POINTS[slots]]


def line(context, attention):
    flash, k, v = attention
    return (f"context={context.context} batch=2048 ubatch={context.ubatch} slots={context.slots} "
            f"outputs={context.outputs} unified={int(context.unified)} flash={flash} k={k} v={v}\n")


def grid():
    """All modes (attention, slots); rows of logits for a whole batch are for tools, not servers."""
    return [(a, s) for a in range(len(ATTENTION)) for s, slots in enumerate(SLOTS)
            if slots != "batch" or a == 0]
