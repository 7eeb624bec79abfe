"""The models that a table is made from: sequences of layers in which all contexts occur that
layers of published models have. What llama.cpp refuses to load is left out."""
import itertools
import random

from deepen import loaded_layers, periodic

# Architectures whose kinds of layers repeat by a rule of the code, with the period.
PERIODS = {"afmoe": 4, "cohere2": 4, "cohere2moe": 4, "exaone-moe": 4, "exaone4": 4, "gemma2": 2, "gemma3": 6,
           "gemma3n": 5, "gpt-oss": 2, "llama4": 4, "minimax-01": 4, "olmo2": 4, "qwen35": 4,
           "qwen35moe": 4, "qwen3next": 4, "smallthinker": 4, "smollm3": 4}
# Architectures whose file says of each layer what kind it is: any order may come.
FREE = {"granite_swa", "granitehybrid", "jamba", "kimi-linear", "nemotron_h", "nemotron_h_moe"}
# Architectures where the number of layers, or their order, changes the buffers. Of the others one
# list serves all numbers: the rows of longer models agree.
BY_LAYER = FREE | set("""cohere2 cohere2moe deepseek2 deepseek32 dots3note exaone-moe falcon-h1 gemma3
gemma4 glm-dsa glm5-next gptneox granite_swa hy_v4 kimi-k3 llama4 mamba2 minimax-01 minimax-m3 plamo
plamo2 qwen35 qwen35moe qwen3next qwen4exp rwkv6 smallthinker t5encoder""".split())
MOST_LEADING = 4
SHUFFLED = 6  # sequences by chance, for each kind


def _all_orders(kinds):
    """Every three neighbours, beginning and end, and first layers of a kind among others; kinds: a
    layer of each kind."""
    out = [[x, y, *kinds, x, y] for x, y in itertools.product(kinds, repeat=2)]
    chance = random.Random(1)  # the same sequences in every run
    for _ in range(SHUFFLED * len(kinds)):
        late = chance.sample(kinds, len(kinds))  # the last ones come late
        front = [chance.choice(late[:1 + n // 4]) for n in range(4 * len(kinds))]
        out.append(front + chance.sample(kinds, len(kinds)))
    return out + [_de_bruijn(kinds)]


def _de_bruijn(kinds):
    """A sequence that holds all triples: greedily the one not seen yet, the last kind first."""
    seen, sequence = set(), [kinds[0]] * 2
    while True:
        pair = tuple(sequence[-2:])
        following = next((k for k in reversed(kinds) if pair + (k,) not in seen), None)
        if following is None:
            return sequence
        seen.add(pair + (following,))
        sequence.append(following)


def sequences(header, kinds):
    """kinds: of each loaded layer. The last of several sequences is for comparison only."""
    have = loaded_layers(header)
    if header.architecture not in BY_LAYER:
        return [list(range(have))]
    representatives = [kinds.index(k) for k in dict.fromkeys(kinds)]
    if header.architecture in FREE and len(representatives) > 1:
        return _all_orders(representatives) + [list(range(have)) * 2]
    period = PERIODS.get(header.architecture, 1)
    shortest = max(have, 3 * period + 1)
    out = [periodic(have, n, period) for n in [have, *range(shortest, shortest + period + 1)]]
    if kinds[0] != kinds[-1] and header.value(header.architecture + ".leading_dense_block_count"):
        rest = [n for n in range(have) if kinds[n] != kinds[0]]
        out += [[0] * lead + rest + rest[-1:] for lead in range(MOST_LEADING + 1)]
    return out + [periodic(have, shortest + 2 * period + 1, period)]
