#include "kube/workload.h"

#include <algorithm>
#include <charconv>

#include "kube/json_map.h"
#include "kube/runtimes.h"

namespace headroom::kube {
namespace {

using estimator::FlashAttention;
using estimator::ServingOptions;

constexpr int64_t kServiceContext = 2048;  // LLMKube's, for an unset contextSize

std::string AnnotationOf(const Meta& meta, std::string_view key) {
  const auto it = meta.annotations.find(key);
  return it == meta.annotations.end() ? "" : it->second;
}

void ReadClaim(Workload& workload) {
  workload.claimed_by = AnnotationOf(workload.meta, kClaimedByAnnotation);
  const std::string text = AnnotationOf(workload.meta, kFootprintAnnotation);
  uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
  if (!text.empty() && error == std::errc() && end == text.data() + text.size()) {
    workload.claimed_footprint = bytes;
  }
}

bool Matches(const StringMap& selector, const Node& node) {
  return std::all_of(selector.begin(), selector.end(), [&node](const auto& want) {
    const auto it = node.meta.labels.find(want.first);
    return it != node.meta.labels.end() && it->second == want.second;
  });
}

// A numeric field into the estimator's type, with its range in the error.
struct NumberField {
  std::string_view name;
  const std::optional<int64_t>& value;
  int64_t min, max;
  uint32_t& target;
};
Result<void> Take(const std::string& path, const NumberField& field) {
  if (!field.value) return {};
  if (*field.value < field.min || *field.value > field.max) {
    return Error(Code::kInvalid,
                 path + "." + std::string(field.name) + ": expected " + std::to_string(field.min) +
                     " to " + std::to_string(field.max) + ", got " + std::to_string(*field.value));
  }
  // -1 is llama-server's "no limit".
  field.target =
      *field.value < 0 ? ServingOptions::kUnlimited : static_cast<uint32_t>(*field.value);
  return {};
}

Result<void> TakeNumbers(const ServingSpec& spec, ServingOptions& out) {
  constexpr int64_t kMaxContext = INT32_MAX;
  const NumberField fields[] = {
      {"contextSize", spec.context_size, 0, kMaxContext, out.context},
      {"parallelSlots", spec.parallel_slots, 1, 256, out.parallel},
      {"batchSize", spec.batch_size, 1, kMaxContext, out.batch},
      {"uBatchSize", spec.ubatch_size, 1, kMaxContext, out.ubatch},
      {"promptCacheMiB", spec.prompt_cache_mib, -1, kMaxContext, out.prompt_cache_mib},
      {"contextCheckpoints", spec.context_checkpoints, 0, 100'000, out.context_checkpoints},
  };
  for (const NumberField& field : fields) {
    if (const auto taken = Take(spec.path, field); !taken) return taken.error();
  }
  return {};
}

Result<void> TakeCacheType(const std::string& path, const std::string& text, std::string& target) {
  if (text.empty()) return {};
  const auto type = estimator::ParseCacheType(text);
  if (!type) return type.error().Within(path);
  target = *type;
  return {};
}

FlashAttention FlashAttentionOf(Kind kind, const std::optional<bool>& wish) {
  if (kind == Kind::kModel) {
    if (!wish) return FlashAttention::kAuto;
    return *wish ? FlashAttention::kOn : FlashAttention::kOff;
  }
  // LLMKube: on unless said otherwise, and "false" only omits the flag.
  return wish.value_or(true) ? FlashAttention::kOn : FlashAttention::kAuto;
}

}  // namespace

std::string Workload::Describe() const {
  if (kind == Kind::kModel) return "Model " + meta.Key();
  return "InferenceService " + meta.Key() + " (Model " + model_key + ")";
}

std::string Workload::Key() const { return std::string(TypeOf(kind).kind) + "/" + meta.Key(); }

Workload UnservedWorkload(const Model& model) {
  Workload workload;
  workload.meta = model.meta;
  workload.model_key = model.meta.Key();
  workload.source = model.source;
  workload.sha256 = model.sha256;
  workload.source_secret = model.source_secret;
  workload.accelerator = model.accelerator;
  workload.format = model.format;
  workload.budget = model.budget;
  workload.node_name = model.node_name;
  workload.node_selector = model.node_selector;
  return workload;
}

std::optional<Workload> WorkloadOf(const Model& model) {
  if (!model.serving || !model.serving->enabled) return std::nullopt;
  Workload workload = UnservedWorkload(model);
  workload.spec = *model.serving;
  if (workload.spec.mmproj.empty()) workload.spec.mmproj = model.mmproj;
  ReadClaim(workload);
  return workload;
}

std::optional<Workload> WorkloadOf(const InferenceService& service, const Model& model) {
  // Other servers are containers of the cluster, unless the model is for Metal.
  const std::string& runtime = service.serving.runtime;
  const bool native = model.accelerator == "metal" && IsNativeRuntime(runtime);
  if ((!runtime.empty() && !native) || !service.serving.enabled) return std::nullopt;
  Workload workload = UnservedWorkload(model);
  workload.kind = Kind::kInferenceService;
  workload.meta = service.meta;
  workload.spec = service.serving;
  workload.spec.mmproj = model.mmproj;
  workload.spec.gpu_layers = model.gpu_layers;
  if (!service.node_name.empty()) workload.node_name = service.node_name;
  if (!service.node_selector.empty()) workload.node_selector = service.node_selector;
  ReadClaim(workload);
  return workload;
}

Result<ServingOptions> ServingOptionsOf(const Workload& workload) {
  const ServingSpec& spec = workload.spec;
  if (!spec.problem.empty()) return Error(Code::kInvalid, spec.problem);
  if (!spec.runtime.empty() && !IsNativeRuntime(spec.runtime)) {
    return Error(Code::kInvalid, spec.path +
                                     ".runtime: expected llama-server, vllm-metal, vllm or "
                                     "mistralrs, got '" +
                                     spec.runtime + "'");
  }
  ServingOptions out;
  if (workload.kind == Kind::kInferenceService) out.context = kServiceContext;
  if (const auto taken = TakeNumbers(spec, out); !taken) return taken.error();
  if (!spec.runtime.empty()) return out;  // the rest is llama-server's
  out.flash_attention = FlashAttentionOf(workload.kind, spec.flash_attention);
  if (auto k = TakeCacheType(spec.path + ".cacheTypeK", spec.cache_type_k, out.cache_type_k); !k) {
    return k.error();
  }
  if (auto v = TakeCacheType(spec.path + ".cacheTypeV", spec.cache_type_v, out.cache_type_v); !v) {
    return v.error();
  }
  if (spec.mmap == false) out.load_mode = estimator::LoadMode::kNone;
  if (workload.accelerator == "cpu") out.device = estimator::Device::kCpu;
  out.embeddings = spec.mode == "embedding" || spec.mode == "rerank";
  if (const auto applied = estimator::ApplyArgs(out, spec.extra_args); !applied) {
    // "extraArgs: ..." becomes the whole field path.
    return Error(applied.error().code(), spec.path + "." + applied.error().message());
  }
  return out;
}

std::string UnestimatedReason(const Workload& workload) {
  const std::string& runtime = workload.spec.runtime;
  if (runtime.empty()) return "";
  return "the memory of a " + runtime +
         " server is not estimated; declare it by spec.hardware.memoryBudget";
}

bool ContextIsDefault(const Workload& workload, const ServingOptions& options) {
  // What extraArgs say is not in context_size; the default's very number from there is no harm.
  return workload.kind == Kind::kInferenceService && !workload.spec.context_size &&
         options.context == kServiceContext;
}

bool IsOurs(const Workload& workload, const std::vector<const Node*>& nodes) {
  if (workload.accelerator == "metal") return true;
  return std::any_of(nodes.begin(), nodes.end(), [&workload](const Node* node) {
    if (!node->publishes) return false;
    if (!workload.node_name.empty()) return node->meta.name == workload.node_name;
    return !workload.node_selector.empty() && Matches(workload.node_selector, *node);
  });
}

std::vector<const Node*> TargetNodes(const Workload& workload,
                                     const std::vector<const Node*>& nodes) {
  std::vector<const Node*> out;
  const auto select = [&](auto&& wanted) {
    std::copy_if(nodes.begin(), nodes.end(), std::back_inserter(out), wanted);
  };
  if (!workload.node_name.empty()) {
    select([&](const Node* node) { return node->meta.name == workload.node_name; });
    return out;
  }
  if (!workload.node_selector.empty()) {
    select([&](const Node* n) { return n->publishes && Matches(workload.node_selector, *n); });
    return out;
  }
  select([](const Node* n) { return n->publishes && n->capacity.accelerator == "metal"; });
  if (out.empty() && workload.accelerator != "metal") {
    select([](const Node* node) { return node->publishes; });
  }
  return out;
}

}  // namespace headroom::kube
