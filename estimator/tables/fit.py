"""Finds an expression for a dimension that was seen in two models at several contexts.

A dimension is (hyper-parameters) x (context quantity), seldom a sum of two such products. The
quantity is one by which all values of a model divide to one constant; the two constants, one of
each model, are looked up among the products and quotients of hyper-parameters. The cheapest
explanation wins: names before numbers, few factors, quotients and sums last.
"""
import itertools
from fractions import Fraction

from symbols import BUILT_IN, COMMON, QUANTITIES

FACTORS = [Fraction(1), Fraction(2), Fraction(3), Fraction(4), Fraction(1, 2), Fraction(6),
           Fraction(8), Fraction(1, 4), Fraction(5), Fraction(16), Fraction(1, 64)]
NUMBERS = list(range(65)) + [128, 256, 512, 1024, 2048, 4096, 8192]
# Three terms are searched among these only: 2 * inner + 2 * groups * state + heads.
IN_LONG_SUMS = {"embedding_length", "attention.head_count", "attention.head_count_kv",
                "attention.key_length", "attention.value_length", "attention.kv_lora_rank",
                "attention.q_lora_rank"}
# Preferred in this order; the cost of those not named is 1.
ORDER = ["tokens*tokens", "tokens/slot^2*slots", "1", "tokens", "cells", "window", "tokens/stream",
         "tokens/slot", "slots", "streams", "outputs"]
ORDER += [q for q in QUANTITIES if q not in ORDER]
QUANTITY_COST = {"1": 0, "tokens": 0, "cells": 0, "window": 0.1, "tokens/stream": 0.1,
                 "tokens/slot": 0.15, "slots": 0.3, "outputs": 0.28, "streams": 0.25,
                 "cells*streams": 0.3, "window*streams": 0.4}
SUMS = [("tokens", "slots"), ("tokens/slot", "1"), ("tokens", "1"), ("tokens", "streams"),
        ("cells", "1"), ("cells", "tokens"), ("window", "cells"), ("window", "1"),
        ("cells/4", "window"), ("cells/128", "window"), ("cells", "slots"), ("cells/4", "cells"),
        ("cells/128", "cells"), ("cells/4", "1"), ("cells/128", "1"), ("outputs", "1"), ("slots", "1"), ("cells/pool*slots", "1"), ("cells/pool", "1")]


def _cost(term):
    factor, names = term
    if not names:
        return 0.0 if factor == 1 else 0.8 if factor in (2, 3, 4) else 2.2
    cost = 0.0 if factor == 1 else 0.9 if factor == Fraction(1, 64) else 1.0
    if factor not in (1, 2, 3, 4, Fraction(1, 2), Fraction(1, 64)):
        cost = 2.5 if factor <= 64 else 3.0
    cost += {1: 0.5, 2: 1.5}.get(len(names), 4)
    for name in names:
        cost += 4 if name[0] == "/" else 0
        cost += 1 if name == "block_count" else 0
        cost += 0 if name in COMMON else 0.1
    return cost


class Constants:
    """Constants of two models -> terms [(factor, names)], a name "/x" divides."""

    def __init__(self, architecture, a, t):
        self.a, self.t = a, t
        rank = {name: i for i, name in enumerate(COMMON)}
        self.names = sorted(set(a) & set(t), key=lambda n: (rank.get(n, len(rank)), n))
        self.known = {}
        singles = [(n,) for n in self.names]
        pairs = list(itertools.combinations_with_replacement(self.names, 2))
        built_in = BUILT_IN.get(architecture, [])
        factors = FACTORS + [Fraction(n) for n in built_in]
        # What is met first keeps its value: names, numbers, then by factor.
        self._add(Fraction(1), singles)
        for number in NUMBERS + built_in:
            self._add(Fraction(number), [()])
        for factor in factors:
            self._add(factor, singles)
        for factor in factors:
            self._add(factor, pairs + self._quotients())
        self.parts = [(key, e) for key, e in self.known.items() if len(e[1]) <= 2 and e[0] in (1, 2, 3)]
        low = dict(self.known)
        self._add(Fraction(1), itertools.combinations_with_replacement(self.names, 3))
        self.triples = {key: e for key, e in self.known.items() if key not in low}
        self.known = low
        self.memo = {}

    def _quotients(self):
        a, t = self.a, self.t
        return [(x, "/" + y) for x in self.names for y in self.names
                if x != y and a[x] > a[y] and a[x] % a[y] == 0 and t[x] % t[y] == 0]

    def _add(self, factor, products):
        for names in products:
            term = (factor, names)
            self.known.setdefault((evaluate([term], self.a), evaluate([term], self.t)), term)

    def find(self, a, t):
        key = (Fraction(a), Fraction(t))
        if key not in self.memo:
            self.memo[key] = self._search(key)
        return self.memo[key]

    def _search(self, key):
        if key in self.known:
            return _cost(self.known[key]), [self.known[key]]
        best = self._sums_of_two(key)
        if key in self.triples and best[0] > 6:
            best = (6, [self.triples[key]])
        return best if best[1] else self._sums_of_three(key)

    def _sums_of_two(self, key):
        best = (99, None)
        for part, e in self.parts:
            rest = (key[0] - part[0], key[1] - part[1])
            if rest in self.known:
                other = self.known[rest]
                best = min(best, (4 + _cost(e) + _cost(other), [e, other]), key=lambda x: x[0])
            rest = (part[0] - key[0], part[1] - key[1])
            if rest in self.known:
                factor, names = other = self.known[rest]
                best = min(best, (5 + _cost(e) + _cost(other), [e, (-factor, names)]), key=lambda x: x[0])
        return best

    def _sums_of_three(self, key):
        few = [(k, e) for k, e in self.parts if e[1] and e[0] in (1, 2) and
               all(n in IN_LONG_SUMS or n.startswith(("ssm", "kda", "rope")) for n in e[1])]
        by_key = dict(reversed(few))
        best = (99, None)
        for i, (k1, e1) in enumerate(few):
            for k2, e2 in few[i:]:
                rest = (key[0] - k1[0] - k2[0], key[1] - k1[1] - k2[1])
                if rest in by_key:
                    cost = 9 + _cost(e1) + _cost(e2) + _cost(by_key[rest])
                    best = min(best, (cost, [e1, e2, by_key[rest]]), key=lambda x: x[0])
        return best


def evaluate(terms, sizes):
    total = Fraction(0)
    for factor, names in terms:
        for name in names:
            factor = factor / sizes[name[1:]] if name[0] == "/" else factor * sizes[name]
        total += factor
    return total


class Fitter:
    """samples_a, samples_t: the quantities of each configuration that the values come from."""

    def __init__(self, constants, samples_a, samples_t):
        self.constants, self.samples = constants, (samples_a, samples_t)
        self.has_state = "ssm.state_size" in constants.names
        self.memo = {}
        self.usable = [q for q in ORDER if all(s[q] for s in samples_a + samples_t)]

    def fit(self, values_a, values_t):
        """A tuple of (factor, names, quantity), or None."""
        key = (tuple(values_a), tuple(values_t))
        if key not in self.memo:
            self.memo[key] = self._product(key) or self._sum(key)
        return self.memo[key]

    def _product(self, values):
        best, found = 99, None
        for quantity in self.usable:
            constants = [{Fraction(v, s[quantity]) for v, s in zip(*side)}
                         for side in zip(values, self.samples)]
            if any(len(c) != 1 for c in constants):
                continue
            cost, terms = self.constants.find(constants[0].pop(), constants[1].pop())
            cost += QUANTITY_COST.get(quantity, 1.0)
            if terms is not None and cost < best:
                best, found = cost, tuple((f, names, quantity) for f, names in terms)
        return found

    def _sum(self, values):
        best, found = 99, None
        for first, second in SUMS:
            if first not in self.usable or second not in self.usable:
                continue
            solved = [_solve(v, s, first, second) for v, s in zip(values, self.samples)]
            if None in solved:
                continue
            cost1, terms1 = self.constants.find(solved[0][0], solved[1][0])
            cost2, terms2 = self.constants.find(solved[0][1], solved[1][1])
            if terms1 is None or terms2 is None or cost1 + cost2 >= best:
                continue
            best = cost1 + cost2
            found = tuple([(f, n, first) for f, n in terms1] + [(f, n, second) for f, n in terms2])
        return found


def _solve(values, samples, first, second):
    """x, y with x * first + y * second = value in every sample; None if there are none."""
    rows = [(s[first], s[second], v) for s, v in zip(samples, values)]
    a, b, v = rows[0]
    for c, d, w in rows[1:]:
        determinant = a * d - c * b
        if determinant:
            x, y = Fraction(v * d - w * b, determinant), Fraction(a * w - c * v, determinant)
            return (x, y) if all(x * r[0] + y * r[1] == r[2] for r in rows) else None
    return None
