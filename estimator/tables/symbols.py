"""The names that sizes are written in: hyper-parameters of the model and quantities of a context.

estimator/graph/symbols.cc computes the same names for the model and context at hand; a name added
here must be added there.
"""
# Integers of the metadata that are never a dimension of a tensor (limits, switches, periods).
NOT_A_SIZE = set("""context_length leading_dense_block_count attention.indexer.top_k
attention.sliding_window interleave_moe_layer_step expert_gating_func pooling_type
experts_per_group full_attention_interval token_shift_count rescale_every_n_layers
attention.group_norm_groups n_deepstack_layers attention.shared_kv_layers hrm.h_cycles hrm.l_cycles
moe_every_n_layers num_loops adapters.count attn_res.block_size rope.dimension_sections
attention.indexer.block_size attention.indexer.local_blocks attention.compress_ratios
hash_layer_count hyper_connection.sinkhorn_iterations ple.ngram_size ple.heads_per_ngram
expert_shared_count nextn_predict_layers attention.indexer.types hrm.layers_per_stack
adapters.token_ids_activate adapters.token_ids_substitute ple.layers ple.eos_token_id
ple.layer_multipliers ple.head_offsets ple.head_vocab_sizes decoder_start_token_id
decoder_block_count attention.recurrent_layers""".split())
# Only these hold something for each layer in one tensor.
WITH_LAYERS = {"gemma3n", "gemma4"}
E_, H, HKV, DK, DV = ("embedding_length", "attention.head_count", "attention.head_count_kv",
                      "attention.key_length", "attention.value_length")
# Cheap first: the order in which equal explanations are preferred.
COMMON = [E_, H, DK, DV, HKV, "feed_forward_length", "vocab_size", "expert_feed_forward_length",
          "expert_used_count", "expert_count", "expert_shared_feed_forward_length"]
# Numbers that an architecture has in its code instead of its metadata.
BUILT_IN = {"gemma3n": [256], "qwen3tts": [3072]}


def integers(header):
    """Every integer of the metadata; of an array the largest."""
    prefix = header.architecture + "."
    out = {}
    for key in header.metadata:
        if not key.startswith(prefix):
            continue
        value = header.value(key)
        if isinstance(value, list):
            whole = [v for v in value if isinstance(v, int) and not isinstance(v, bool)]
            value = max(whole) if whole and len(whole) == len(value) else None
        if isinstance(value, int) and not isinstance(value, bool):
            out[key[len(prefix):]] = value
    tokens = header.value("tokenizer.ggml.tokens")
    if tokens is not None:
        out["vocab_size"] = len(tokens)
    if out.get(H):
        for name, value in ((HKV, out[H]), (DK, out[E_] // out[H]), (DV, out[E_] // out[H])):
            out.setdefault(name, value)
    return out


def sizes(header):
    """{name: value} of what may appear in an expression."""
    architecture = header.architecture
    out = {}
    for name, value in integers(header).items():
        useful = value > 1 or (value == 1 and name == "ssm.group_count")
        if name in NOT_A_SIZE or not useful:
            continue
        if name == "block_count" and architecture not in WITH_LAYERS:
            continue
        out[name] = value
    for name in (DK, "attention.indexer.key_length"):
        if out.get(name, 1) % 64 == 0:  # the Hadamard step works on the power of two in it
            power = out[name] & -out[name]
            out["pow2:" + name] = power
            out["odd:" + name] = out[name] // power
    if architecture == "plamo2":
        out["dt_rank"] = max(64, out[E_] // 16)
    if out.get("wkv.head_size"):
        out["wkv_heads"] = out[E_] // out["wkv.head_size"]
    return out


def pad(x, n):
    return -(-x // n) * n


def window_of(header):
    """llama_hparams::n_swa; 0: none."""
    known = integers(header)
    window = known.get("attention.sliding_window", 0)
    if header.architecture == "smallthinker":
        return 4096
    if header.architecture == "llama4" and window == 0 and "attention.sliding_window" not in known:
        return 8192
    return window


# What dimensions grow with. The position is the number in the table file: append only.
QUANTITIES = [
    "1", "tokens", "cells", "window", "slots", "streams", "outputs", "tokens/slot",
    "tokens/stream", "cells*streams", "window*streams", "cells*tokens", "cells*tokens/stream",
    "window*tokens", "tokens*tokens", "tokens/slot^2*slots", "tokens*slots", "tokens+slots",
    "tokens/slot+conv-1", "tokens+conv*slots-slots", "tokens/slot+1", "tokens+1", "top_k",
    "cells/4", "cells/128", "cells/4+window", "cells/128+window", "cells/block", "cells/pool",
    "chunks", "chunked", "window*tokens/stream", "cells/pool*slots",
]


def quantities(header, context):
    """{name: value} for one configuration (see configurations.py)."""
    known = integers(header)
    cells, streams, slots = context.cells, context.streams, context.slots
    apart = header.architecture == "deepseek4"  # a stream each even in a unified cache
    if apart:
        streams = slots
    window = window_of(header)
    limit = window * (slots if context.unified and not apart else 1) + context.ubatch
    window = pad(min(cells, limit), 256) if window else cells
    tokens = context.tokens
    each, per_stream = tokens // slots, tokens // streams
    conv = known.get("ssm.conv_kernel", known.get("shortconv.l_cache", 1))
    pooled = -(-cells // max(1, known.get("attention.indexer.kpool", 4)))
    quarter, hundredth = (pad(-(-cells // ratio), 256) for ratio in (4, 128))
    values = [
        1, tokens, cells, window, slots, streams, context.outputs, each, per_stream,
        cells * streams, window * streams, cells * tokens, cells * per_stream, window * tokens,
        tokens * tokens, each * each * slots, tokens * slots, tokens + slots, each + conv - 1,
        tokens + (conv - 1) * slots, each + 1, tokens + 1,
        min(known.get("attention.indexer.top_k", 0), cells), quarter, hundredth, quarter + window,
        hundredth + window, -(-cells // max(1, known.get("attention.indexer.block_size", 1))),
        pooled, -(-each // 64),
        pad(each, 64), window * per_stream, pooled * slots,
    ]
    return dict(zip(QUANTITIES, values))
