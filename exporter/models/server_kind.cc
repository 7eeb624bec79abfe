#include "exporter/models/server_kind.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <optional>

#include "exporter/models/unhonoured.h"
#include "sources/source.h"

namespace headroom::exporter {
namespace {

constexpr ServerSetting kVllmArguments[] = {{"", "serve"},
                                            {"", "{model}"},
                                            {"--host", "{host}"},
                                            {"--port", "{port}"},
                                            {"--max-model-len", "{context}"}};
// The plugin on MLX; its share is an environment variable.
constexpr ServerSetting kVllmMetalEnvironment[] = {{"VLLM_METAL_MEMORY_FRACTION", "{fraction}"},
                                                   {"VLLM_METAL_USE_MLX", "1"}};
// vLLM's own engine for Apple GPUs; its share is an argument.
constexpr ServerSetting kVllmEngineArguments[] = {{"", "serve"},
                                                  {"", "{model}"},
                                                  {"--host", "{host}"},
                                                  {"--port", "{port}"},
                                                  {"--max-model-len", "{context}"},
                                                  {"--gpu-memory-utilization", "{fraction}"}};
constexpr ServerSetting kVllmEngineEnvironment[] = {{"VLLM_NO_USAGE_STATS", "1"},
                                                    {"GLOO_SOCKET_IFNAME", "lo0"}};
// Its share of memory, weights included, holds for paged attention only, which on Metal is asked
// for.
constexpr ServerSetting kMistralArguments[] = {{"--serve-ip", "{host}"},
                                               {"--port", "{port}"},
                                               {"", "--paged-attn"},
                                               {"--pa-gpu-mem-usage", "{fraction}"},
                                               {"", "plain"},
                                               {"-m", "{model}"}};

constexpr ServerKind kKinds[] = {
    {.name = "", .executable = "llama-server", .arguments = {}, .environment = {}},
    {.name = "vllm-metal",
     .executable = "vllm",
     .arguments = kVllmArguments,
     .environment = kVllmMetalEnvironment},
    {.name = "vllm",
     .executable = "vllm",
     .arguments = kVllmEngineArguments,
     .environment = kVllmEngineEnvironment},
    {.name = "mistralrs",
     .executable = "mistralrs-server",
     .arguments = kMistralArguments,
     .environment = {}},
};

using Values = std::map<std::string_view, std::string, std::less<>>;

// nullopt: something in it is not known.
std::optional<std::string> Fill(std::string_view text, const Values& values) {
  std::string out;
  while (!text.empty()) {
    const size_t open = std::min(text.find('{'), text.size());
    out += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) break;
    const size_t close = text.find('}');
    const auto value = values.find(text.substr(1, close - 1));
    if (value == values.end() || value->second.empty()) return std::nullopt;
    out += value->second;
    text.remove_prefix(close + 1);
  }
  return out;
}

// Rounded down: the engine must not take more than it was granted.
std::string Fraction(uint64_t bytes, uint64_t total) {
  if (bytes == 0 || total == 0) return "";
  const double share = static_cast<double>(bytes) / static_cast<double>(total);
  char text[16];
  std::snprintf(text, sizeof text, "%.4f", std::floor(std::min(share, 1.0) * 1e4) / 1e4);
  return text;
}

// A file or folder of this node, or the name of a repository that the server fetches itself.
Result<std::string> ModelArgument(const std::string& text) {
  constexpr std::string_view kHub = "hf://";
  if (text.starts_with(kHub) && text.find('@') == std::string::npos)
    return text.substr(kHub.size());
  const auto source = sources::ParseSource(text);
  if (!source) return source.error();
  using Where = sources::Source::Where;
  if (source->where == Where::kNodeFile) return source->path;
  const bool name = source->where == Where::kOther && text.find("://") == std::string::npos;
  if (name) return text;
  return Error(Code::kInvalid, "spec.source: " + text +
                                   ": this server takes a folder of the node (file:///path) or a "
                                   "repository (hf://OWNER/REPO)");
}

}  // namespace

const ServerKind* FindServerKind(std::string_view name) {
  const auto found = std::find_if(std::begin(kKinds), std::end(kKinds),
                                  [name](const ServerKind& kind) { return kind.name == name; });
  return found == std::end(kKinds) ? nullptr : found;
}

Result<LaunchPlan> PlanServer(const ServerInput& input) {
  const auto model = ModelArgument(input.workload->source);
  if (!model) return model.error();
  const auto& spec = input.workload->spec;
  Values values = {{"model", *model}, {"host", input.host}};
  if (spec.context_size) values["context"] = std::to_string(*spec.context_size);
  LaunchPlan plan;
  plan.executable = input.executable;
  // What only the launch decides is not part of the identity; what the launch follows from is.
  std::vector<std::string> identity = {input.executable, std::string(input.kind->name),
                                       input.workload->budget.memory_budget.value_or(""),
                                       input.workload->budget.memory_fraction.value_or("")};
  if (spec.port) identity.push_back(std::to_string(*spec.port));
  Values launch = values;
  launch["port"] = std::to_string(input.port);
  launch["fraction"] = Fraction(input.memory_bytes, input.memory_total);
  for (const ServerSetting& setting : input.kind->arguments) {
    identity.push_back(Fill(setting.value, values).value_or(""));
    const auto value = Fill(setting.value, launch);
    if (!value) continue;
    if (!setting.name.empty()) plan.arguments.emplace_back(setting.name);
    if (!value->empty()) plan.arguments.push_back(*value);
  }
  for (const ServerSetting& setting : input.kind->environment) {
    if (const auto value = Fill(setting.value, launch)) {
      plan.environment.push_back(std::string(setting.name) + "=" + *value);
    }
  }
  plan.arguments.insert(plan.arguments.end(), spec.extra_args.begin(), spec.extra_args.end());
  identity.insert(identity.end(), spec.extra_args.begin(), spec.extra_args.end());
  plan.identity = LaunchDigest(identity);
  plan.not_honoured = UnhonouredFields(*input.workload, input.fields, input.model_fields);
  return plan;
}

}  // namespace headroom::exporter
