#include "estimator/graph/structure.h"

#include <algorithm>
#include <charconv>
#include <set>
#include <string>
#include <string_view>

#include "estimator/graph/symbols.h"

namespace headroom::estimator {
namespace {

// Tensors whose presence changes no allocation: the allocator does not see weights, and what is
// computed from these takes over its input's memory or stands for another tensor.
bool IsNeutral(std::string_view name) {
  constexpr std::string_view kNames[] = {"output.weight", "rope_freqs.weight",
                                         "rope_factors_long.weight", "rope_factors_short.weight"};
  return std::ranges::find(kNames, name) != std::end(kNames);
}

// "blk.12.attn_q.weight" -> 12 and "attn_q.weight"; false for tensors of no layer.
bool SplitLayerName(std::string_view name, uint32_t& layer, std::string_view& suffix) {
  constexpr std::string_view kPrefix = "blk.";
  if (!name.starts_with(kPrefix)) return false;
  const char* begin = name.data() + kPrefix.size();
  const char* end = name.data() + name.size();
  const auto [rest, error] = std::from_chars(begin, end, layer);
  if (error != std::errc() || rest == end || *rest != '.') return false;
  suffix = std::string_view(rest + 1, static_cast<size_t>(end - rest - 1));
  return true;
}

// "enc.blk.3.attn_q.weight" -> "enc.blk.#.attn_q.weight"
std::string WithoutNumbers(std::string_view name) {
  std::string out;
  for (const char c : name) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit || !out.ends_with('.')) {
      if (!(digit && out.ends_with('#'))) out += c;
    } else {
      out += '#';
    }
  }
  return out;
}

uint64_t Hash(const std::set<std::string>& names) {
  std::string all;
  for (const std::string& name : names) all += name + '\n';
  return SymbolKey(all);
}

uint64_t Number(const ModelFile& model, std::string_view name) {
  const uint64_t* value = FindSymbol(model.symbols, SymbolKey(name));
  return value == nullptr ? 0 : *value;
}

// Head sizes that Metal's flash attention takes (ggml_metal_device_supports_op), and whether the
// rotation of a quantised cache applies.
std::string HeadClass(const ModelFile& model) {
  constexpr uint64_t kSizes[] = {32, 40, 48, 64, 72, 80, 96, 112, 128, 192, 256, 320, 512, 576};
  const uint64_t k = Number(model, "attention.key_length");
  const uint64_t v = Number(model, "attention.value_length");
  const bool flash = std::ranges::find(kSizes, k) != std::end(kSizes) && k >= v;
  return std::string(flash ? "f" : "-") + (k % 64 == 0 ? "k" : "-") + (v % 64 == 0 ? "v" : "-");
}

// The inputs of a graph depend on which of these there are.
std::string MemoryClass(const Layer& layer) {
  constexpr const char* kCaches[] = {" none", " full", " window"};
  return std::string(layer.recurrent ? "memory state" : "memory") +
         kCaches[static_cast<size_t>(layer.cache)] + (layer.index_k_width > 0 ? " index" : "");
}

std::string Switches(const GgufHeader& header, const ModelFile& model) {
  const std::string prefix = model.architecture + ".";
  std::string out = "heads " + HeadClass(model);
  if (model.hyper.window > 0) out += " window";
  if (header.Bool(prefix + "use_parallel_residual").value_or(false)) out += " parallel";
  if (Number(model, "expert_group_count") > 1) out += " groups";
  if (Number(model, "expert_used_count") == 1) out += " one-expert";
  if (Number(model, "ssm.group_count") == 1) out += " one-group";
  if (header.Find(prefix + "attention.indexer.types") != nullptr) out += " indexer-types";
  if (model.architecture == "baichuan" && model.layers.size() == 32) out += " rope";
  return out;
}

}  // namespace

GraphStructure DescribeStructure(const std::vector<GgufHeader>& parts, const ModelFile& model) {
  std::set<std::string> whole = {Switches(parts[0], model)};
  std::vector<std::set<std::string>> by_layer;
  for (const Layer& layer : model.layers) {
    by_layer.push_back({MemoryClass(layer)});
    whole.insert(MemoryClass(layer));
  }
  for (const GgufHeader& part : parts) {
    for (const GgufTensor& tensor : part.tensors) {
      uint32_t layer = 0;
      std::string_view suffix;
      if (!SplitLayerName(tensor.name, layer, suffix)) {
        if (!IsNeutral(tensor.name)) whole.insert(WithoutNumbers(tensor.name));
      } else if (layer < by_layer.size() && !IsNeutral(suffix)) {
        by_layer[layer].insert(WithoutNumbers(suffix));
      }
    }
  }
  GraphStructure out;
  out.whole = Hash(whole);
  for (const auto& names : by_layer) out.layers.push_back(Hash(names));
  return out;
}

}  // namespace headroom::estimator
