#include "kube/serving_spec.h"

#include <algorithm>

#include "kube/json_map.h"
#include "kube/runtimes.h"

namespace headroom::kube {
namespace {

// Typed reads that remember the first wrong type instead of failing: the object stays usable for
// everything that does not need the sizes.
class Reader {
 public:
  Reader(const Json& object, std::string path) : object_(object) { spec_.path = std::move(path); }

  std::optional<int64_t> Int(std::string_view name) { return Keep(GetInt(object_, {name})); }
  std::optional<bool> Bool(std::string_view name) { return Keep(GetBool(object_, {name})); }
  std::string Text(std::string_view name) { return Keep(GetString(object_, {name})).value_or(""); }
  std::vector<std::string> List(std::string_view name) {
    auto list = GetStrings(object_, {name});
    if (list) return *list;
    Note(list.error());
    return {};
  }
  const Json* Find(std::string_view name) const { return object_.Find(name); }
  ServingSpec& spec() { return spec_; }

 private:
  template <class T>
  std::optional<T> Keep(Result<std::optional<T>> value) {
    if (value) return *value;
    Note(value.error());
    return std::nullopt;
  }
  void Note(const Error& error) {
    if (spec_.problem.empty()) spec_.problem = spec_.path + "." + error.message();
  }

  const Json& object_;
  ServingSpec spec_;
};

bool Has(const std::vector<std::string>& args, std::string_view flag) {
  return std::any_of(args.begin(), args.end(), [flag](const std::string& arg) {
    return arg == flag || (arg.size() > flag.size() && arg.compare(0, flag.size(), flag) == 0 &&
                           arg[flag.size()] == '=');
  });
}

// LLMKube's table: a mode brings its flags unless extraArgs names them.
void AddMode(const std::string& mode, const std::vector<std::string>& extra,
             std::vector<std::string>& args) {
  struct ModeFlag {
    std::string_view mode, flag, value;
  };
  static constexpr ModeFlag kFlags[] = {
      {"embedding", "--embedding", ""},  {"embedding", "--pooling", "last"},
      {"embedding", "--cache-ram", "0"}, {"rerank", "--reranking", ""},
      {"rerank", "--embedding", ""},     {"rerank", "--pooling", "rank"},
      {"rerank", "--cache-ram", "0"},
  };
  for (const ModeFlag& entry : kFlags) {
    if (entry.mode != mode || Has(extra, entry.flag)) continue;
    args.emplace_back(entry.flag);
    if (!entry.value.empty()) args.emplace_back(entry.value);
  }
}

void AddRope(const Json* rope, std::vector<std::string>& args) {
  if (rope == nullptr) return;
  static constexpr std::string_view kFields[][2] = {{"type", "--rope-scaling"},
                                                    {"factor", "--rope-scale"},
                                                    {"originalContext", "--yarn-orig-ctx"}};
  for (const auto& [field, flag] : kFields) {
    const Json* value = rope->Find(field);
    if (value == nullptr || value->IsNull()) continue;
    args.emplace_back(flag);
    args.push_back(ScalarText(*value));
  }
}

// The fields both objects share.
void ReadCommon(Reader& reader) {
  ServingSpec& spec = reader.spec();
  spec.context_size = reader.Int("contextSize");
  spec.parallel_slots = reader.Int("parallelSlots");
  spec.batch_size = reader.Int("batchSize");
  spec.ubatch_size = reader.Int("uBatchSize");
  spec.flash_attention = reader.Bool("flashAttention");
  const std::string custom_k = reader.Text("cacheTypeCustomK");
  const std::string custom_v = reader.Text("cacheTypeCustomV");
  spec.cache_type_k = custom_k.empty() ? reader.Text("cacheTypeK") : custom_k;
  spec.cache_type_v = custom_v.empty() ? reader.Text("cacheTypeV") : custom_v;
  spec.mode = reader.Text("mode");
  spec.runtime = CanonicalRuntime(reader.Text("runtime"));
  spec.priority = reader.Text("priority");
  spec.eviction_protection = reader.Bool("evictionProtection").value_or(false);
}

// Fields with an argument of their own that say nothing about memory to us, or say it through the
// argument (--no-kv-offload): the estimator reads the arguments.
std::vector<std::string> PassedThrough(Reader& reader, const std::vector<std::string>& extra) {
  std::vector<std::string> args;
  AddRope(reader.Find("ropeScaling"), args);
  static constexpr std::string_view kSwitches[][2] = {{"moeCPUOffload", "--cpu-moe"},
                                                      {"noKvOffload", "--no-kv-offload"},
                                                      {"noWarmup", "--no-warmup"},
                                                      {"jinja", "--jinja"}};
  for (const auto& [field, flag] : kSwitches) {
    if (reader.Bool(field).value_or(false)) args.emplace_back(flag);
  }
  if (const auto layers = reader.Int("moeCPULayers"); layers.value_or(0) > 0) {
    args.insert(args.end(), {"--n-cpu-moe", std::to_string(*layers)});
  }
  if (const auto budget = reader.Int("reasoningBudget")) {
    args.insert(args.end(), {"--reasoning-budget", std::to_string(*budget)});
    const std::string message = reader.Text("reasoningBudgetMessage");
    if (!message.empty()) args.insert(args.end(), {"--reasoning-budget-message", message});
  }
  for (const std::string& tensor : reader.List("tensorOverrides")) {
    args.insert(args.end(), {"--override-tensor", tensor});
  }
  for (const std::string& pair : reader.List("metadataOverrides")) {
    args.insert(args.end(), {"--override-kv", pair});
  }
  AddMode(reader.spec().mode, extra, args);
  return args;
}

}  // namespace

ServingSpec DecodeModelServing(const Json& serving) {
  Reader reader(serving, "spec.serving");
  ReadCommon(reader);
  ServingSpec& spec = reader.spec();
  spec.prompt_cache_mib = reader.Int("promptCacheMiB");
  spec.context_checkpoints = reader.Int("contextCheckpoints");
  spec.mmap = reader.Bool("mmap");
  spec.mmproj = reader.Text("mmproj");
  spec.port = reader.Int("port");
  spec.enabled = reader.Bool("enabled").value_or(true);
  const std::vector<std::string> extra = reader.List("extraArgs");
  AddMode(spec.mode, extra, spec.extra_args);
  spec.extra_args.insert(spec.extra_args.end(), extra.begin(), extra.end());
  return spec;
}

ServingSpec DecodeServiceServing(const Json& json) {
  Reader reader(json, "spec");
  ReadCommon(reader);
  ServingSpec& spec = reader.spec();
  const std::vector<std::string> extra = reader.List("extraArgs");
  spec.extra_args = PassedThrough(reader, extra);
  spec.extra_args.insert(spec.extra_args.end(), extra.begin(), extra.end());
  spec.replicas = reader.Int("replicas").value_or(1);
  spec.suspended = reader.Bool("suspend").value_or(false);
  spec.enabled = !spec.suspended && spec.replicas > 0;
  return spec;
}

}  // namespace headroom::kube
