"""The generator's pure part that puts graphs together from layers (estimator/tables/layers.py)."""
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "estimator/tables"))

from compile import Symbolic, Unsolved  # noqa: E402
from layers import assemble, by_layer, lifetimes  # noqa: E402
from sequences import _de_bruijn  # noqa: E402


def graph(kinds, odd_at=None):
    """A mask, then of each layer a norm, work of its kind on the mask, and a sum with what came in."""
    tokens, parents, uses, names = ["mask"], [[]], [[]], ["mask"]

    def add(token, name, sources):
        tokens.append(token)
        uses.append(sources)
        parents.append(sources[:1])
        names.append(name)
        return len(tokens) - 1

    last = add("embedding", "embedding", [])
    for i, kind in enumerate(kinds):
        norm = add("norm", f"norm-{i}", [last])
        work = add("odd" if i == odd_at else kind, f"work-{i}", [norm, 0])
        last = add("sum", f"out-{i}", [work, last])
    return Symbolic(tokens, parents, uses, names, 1)


class ByLayer(unittest.TestCase):
    def test_gives_any_number_of_layers(self):
        kinds = [["a"] * n for n in (3, 4, 6)]
        layered = by_layer([graph(k) for k in kinds], kinds)
        longer = graph(["a"] * 40)
        tokens, parents, uses = assemble(layered, ["a"] * 40)
        self.assertEqual(tokens, longer.tokens)
        self.assertEqual(lifetimes(parents, uses), lifetimes(longer.parents, longer.uses))

    def test_does_not_know_an_order_that_it_has_not_seen(self):
        kinds = [list("abab"), list("ababab"), list("abababab")]
        layered = by_layer([graph(k) for k in kinds], kinds)
        self.assertIsNotNone(assemble(layered, list("ab" * 9)))
        self.assertIsNone(assemble(layered, list("abba")))

    def test_finds_what_the_context_does_not_explain(self):
        kinds = [["a"] * n for n in (8, 9, 10)]
        with self.assertRaises(Unsolved):
            by_layer([graph(k, odd_at=n) for k, n in zip(kinds, (4, 3, 4))], kinds)

    def test_a_mask_ends_with_its_last_user(self):
        g = graph(["a"] * 3)
        ends, _ = lifetimes(g.parents, g.uses)
        self.assertEqual([i for i, e in enumerate(ends) if 0 in e], [g.names.index("work-2")])


class Sequences(unittest.TestCase):
    def test_hold_all_triples(self):
        sequence = _de_bruijn([0, 1, 2])
        self.assertEqual(len(set(zip(sequence, sequence[1:], sequence[2:]))), 27)


unittest.main()
