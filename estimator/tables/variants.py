"""Structures beside that of ARCHITECTURE-a and -t: the same pair with other optional tensors or
switches, as published models have them. Each is (architecture, edit); the edit is applied to both
headers of the pair. The name is that of the part: ARCHITECTURE+what."""
import re

from deepen import periodic, with_layers
from gguf_header import Header
from symbols import integers

F32, U32 = 0, 4


class Edit:
    """A copy of a header, to be changed."""

    def __init__(self, header):
        self.header = Header(dict(header.metadata), list(header.tensors))
        self.prefix = header.architecture + "."
        self.known = integers(header)

    def set(self, key, value, type=U32):
        self.header.metadata[self.prefix + key] = type, value
        return self

    def unset(self, *keys):
        for key in keys:
            self.header.metadata.pop(self.prefix + key, None)
        return self

    def remove(self, pattern):
        self.header.tensors = [t for t in self.header.tensors if not re.search(pattern, t[0])]
        return self

    def add(self, suffix, dims, type=F32, beside=None):
        """To every layer, or to those that have a tensor `beside`."""
        known = self.known["block_count"]
        names = {t[0] for t in self.header.tensors}
        self.header.tensors += [(f"blk.{n}.{suffix}", dims, type) for n in range(known)
                                if beside is None or f"blk.{n}.{beside}" in names]
        return self

    def layers(self, count, period=1):
        self.header = with_layers(self.header, periodic(self.known["block_count"], count, period))
        self.known = integers(self.header)
        return self

    def resize(self, pattern, old, new):
        self.header.tensors = [(n, [new if d == old else d for d in dims] if re.search(pattern, n) else dims, t)
                               for n, dims, t in self.header.tensors]
        return self


def _experts(e, count=(11, 29), used=5, type=1):
    """Routed experts in place of the dense feed-forward part."""
    k = e.known
    embedding, wide = k["embedding_length"], k["feed_forward_length"]
    experts = count[0] if embedding < 1200 else count[1]
    e.set("expert_count", experts).set("expert_used_count", used)
    e.remove(r"ffn_(gate|up|down)\.weight")
    return (e.add("ffn_gate_inp.weight", [embedding, experts])
            .add("ffn_gate_exps.weight", [embedding, wide, experts], type)
            .add("ffn_down_exps.weight", [wide, embedding, experts], type)
            .add("ffn_up_exps.weight", [embedding, wide, experts], type))


def _groups(e):
    """Experts in groups: their number must be a multiple."""
    old = e.known["expert_count"]
    new = 16 if old < 16 else 32
    return (e.set("expert_count", new).set("expert_group_count", 4).set("expert_group_used_count", 2)
            .resize(r"exps|gate_inp|exp_probs", old, new))


def _softmax(e):
    return e.set("expert_gating_func", 1).remove("exp_probs_b")


def _no_q_lora(e):
    heads, head = e.known["attention.head_count"], e.known["attention.key_length_mla"]
    e.remove(r"attn_q_(a|b|a_norm)\.weight").unset("attention.q_lora_rank")
    return e.add("attn_q.weight", [e.known["embedding_length"], heads * head], 1)


def _qk_norms(e):
    k = e.known
    heads, kv_heads = k["attention.head_count"], k["attention.head_count_kv"]
    head = k["embedding_length"] // heads
    return e.add("attn_q_norm.weight", [head, heads]).add("attn_k_norm.weight", [head, kv_heads])


def _biases(e, *suffixes):
    """A bias beside each weight; its size is that of the weight's output."""
    for suffix in suffixes:
        for name, dims, _ in list(e.header.tensors):
            if re.fullmatch(rf"(blk\.\d+\.)?{suffix}\.weight", name):
                e.header.tensors.append((name[:-len("weight")] + "bias", [dims[-1]], F32))
    return e


def _shared_expert(e):
    embedding = e.known["embedding_length"]
    wide = 544 if embedding < 1200 else 992
    e.set("expert_shared_feed_forward_length", wide)
    return (e.add("ffn_gate_shexp.weight", [embedding, wide], 1)
            .add("ffn_up_shexp.weight", [embedding, wide], 1)
            .add("ffn_down_shexp.weight", [wide, embedding], 1))


def _gemma4_experts(e):
    embedding = e.known["embedding_length"]
    experts, wide = (11, 416) if embedding < 1200 else (29, 736)
    e.set("expert_count", experts).set("expert_used_count", 5).set("expert_feed_forward_length", wide)
    for name in ("ffn_gate_inp.scale", "pre_ffw_norm_2.weight", "post_ffw_norm_1.weight",
                 "post_ffw_norm_2.weight"):
        e.add(name, [embedding])
    return (e.add("ffn_gate_inp.weight", [embedding, experts])
            .add("ffn_gate_exps.weight", [embedding, wide, experts], 1)
            .add("ffn_up_exps.weight", [embedding, wide, experts], 1)
            .add("ffn_down_exps.weight", [wide, embedding, experts], 1))


def _no_per_layer_embeddings(e):
    e.set("embedding_length_per_layer_input", 0).set("attention.shared_kv_layers", 0)
    return e.remove(r"per_layer|inp_gate|\.proj\.weight|\.post_norm\.weight")


def _dense_granite(e):
    wide, embedding = e.known["feed_forward_length"], e.known["embedding_length"]
    e.unset("expert_count", "expert_used_count").remove(r"exps|shexp|ffn_gate_inp")
    return (e.add("ffn_gate.weight", [embedding, wide], 1).add("ffn_up.weight", [embedding, wide], 1)
            .add("ffn_down.weight", [wide, embedding], 1))


def _second_norm(e):
    embedding = e.known["embedding_length"]
    return e.add("attn_norm_2.weight", [embedding]).add("attn_norm_2.bias", [embedding])


VARIANTS = {
    "llama+experts": _experts,
    "llama+biases": lambda e: _biases(e, "attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate",
                                      "ffn_up", "ffn_down"),
    "granite+experts": _experts,
    "minicpm+experts": _experts,
    "granitemoe+shared": _shared_expert,
    "granitehybrid+dense": _dense_granite,
    "gemma3+no-window": lambda e: e.unset("attention.sliding_window"),
    "olmo2+no-window": lambda e: e.unset("attention.sliding_window"),
    "exaone4+window": lambda e: e.layers(64, 4),
    "baichuan+rope": lambda e: e.layers(32),
    "command-r+qk-norms": lambda e: _qk_norms(e).layers(64),
    "deepseek2+groups": _groups,
    "deepseek2+softmax": _softmax,
    "deepseek2+softmax+groups": lambda e: _softmax(_groups(e)),
    "deepseek2+lite": lambda e: _no_q_lora(e).layers(27),
    "gptneox+sequential": lambda e: e.set("use_parallel_residual", False, 7),
    "falcon+second-norm": _second_norm,
    "stablelm+parallel": lambda e: e.remove(r"ffn_norm\.").set("use_parallel_residual", True, 7),
    "gemma4+experts": _gemma4_experts,
    "gemma4+no-ple": _no_per_layer_embeddings,
    "mpt+biases": lambda e: _biases(e, "output_norm", "attn_norm", "attn_qkv", "attn_output", "ffn_norm",
                                    "ffn_down", "ffn_up", "attn_q_norm", "attn_k_norm"),
}


def edited(name, header):
    return VARIANTS[name](Edit(header)).header
