#include "exporter/models/launch.h"

#include <algorithm>
#include <array>

#include "exporter/models/unhonoured.h"

namespace headroom::exporter {
namespace {

using estimator::FlashAttention;
using estimator::ServingOptions;

// The node decides these: another value would break supervision or what was admitted, load memory
// nobody has counted, or open the node's files. Each takes one value.
constexpr auto kReserved = std::to_array<std::string_view>({"-m",
                                                            "--model",
                                                            "--host",
                                                            "--port",
                                                            "-fit",
                                                            "--fit",
                                                            "--api-prefix",
                                                            "--ssl-key-file",
                                                            "--ssl-cert-file",
                                                            "--models-dir",
                                                            "--models-preset",
                                                            "-mu",
                                                            "--model-url",
                                                            "-hf",
                                                            "-hfr",
                                                            "--hf-repo",
                                                            "-hff",
                                                            "--hf-file",
                                                            "-md",
                                                            "--model-draft",
                                                            "--spec-draft-model",
                                                            "-hfd",
                                                            "-hfrd",
                                                            "--hf-repo-draft",
                                                            "--spec-draft-hf",
                                                            "-mm",
                                                            "--mmproj",
                                                            "-mmu",
                                                            "--mmproj-url",
                                                            "--lora",
                                                            "--lora-scaled",
                                                            "--control-vector",
                                                            "--control-vector-scaled",
                                                            "--path",
                                                            "--slot-save-path",
                                                            "--media-path",
                                                            "--rpc"});

std::string Count(uint32_t value) {
  return value == ServingOptions::kUnlimited ? "-1" : std::to_string(value);
}

std::string Text(FlashAttention value) {
  switch (value) {
    case FlashAttention::kOn: return "on";
    case FlashAttention::kOff: return "off";
    case FlashAttention::kAuto: break;
  }
  return "auto";
}

bool Contains(const std::vector<std::string>& args, std::string_view flag) {
  return std::any_of(args.begin(), args.end(), [flag](const std::string& arg) {
    return arg == flag || (arg.size() > flag.size() && arg.compare(0, flag.size(), flag) == 0 &&
                           arg[flag.size()] == '=');
  });
}

class Builder {
 public:
  explicit Builder(const LaunchInput& input) : input_(input) {}

  // An argument the installed version does not know is left out: what it would limit or switch does
  // not exist there.
  void Add(std::string_view flag, std::string value) {
    if (!input_.runtime->Supports(flag)) return;
    plan_.arguments.emplace_back(flag);
    plan_.arguments.push_back(std::move(value));
  }
  void Add(std::string_view flag) {
    if (input_.runtime->Supports(flag)) plan_.arguments.emplace_back(flag);
  }
  void NotHonoured(std::string line) { plan_.not_honoured.push_back(std::move(line)); }

  void AddMemory();
  void AddOffload();
  Result<void> AddExtra();
  LaunchPlan Take();

 private:
  const LaunchInput& input_;
  LaunchPlan plan_;
};

void Builder::AddMemory() {
  const ServingOptions& serving = input_.serving;
  Add("--ctx-size", std::to_string(serving.context));
  Add("--parallel", std::to_string(serving.Slots()));
  Add(serving.Unified() ? "--kv-unified" : "--no-kv-unified");
  Add("--batch-size", std::to_string(serving.batch));
  Add("--ubatch-size", std::to_string(serving.ubatch));
  Add("--flash-attn", Text(serving.flash_attention));
  Add("--cache-type-k", serving.cache_type_k);
  Add("--cache-type-v", serving.cache_type_v);
  Add("--cache-ram", Count(serving.prompt_cache_mib));
  Add("--ctx-checkpoints", std::to_string(serving.context_checkpoints));
  if (serving.swa_full) Add("--swa-full");
  if (serving.load_mode == estimator::LoadMode::kNone) {
    if (input_.runtime->Supports("--load-mode")) {
      Add("--load-mode", "none");
    } else {
      Add("--no-mmap");
    }
  }
  // Fitting would silently shrink the context that was asked for and admitted.
  Add("--fit", "off");
}

void Builder::AddOffload() {
  if (input_.serving.device == estimator::Device::kCpu) {
    Add("--n-gpu-layers", "0");
    return;
  }
  const int64_t layers = input_.workload->spec.gpu_layers.value_or(0);
  Add("--n-gpu-layers", layers == 0 ? "99" : std::to_string(layers));
}

Result<void> Builder::AddExtra() {
  const auto& extra = input_.workload->spec.extra_args;
  const std::string path = input_.workload->spec.path + ".extraArgs: ";
  for (size_t i = 0; i < extra.size(); ++i) {
    const std::string flag = extra[i].substr(0, extra[i].find('='));
    if (std::find(kReserved.begin(), kReserved.end(), flag) != kReserved.end()) {
      NotHonoured(path + flag + ": set by the node");
      const bool value_follows = flag == extra[i] && i + 1 < extra.size();
      if (value_follows) ++i;
      continue;
    }
    const bool long_name =
        flag.size() > 2 && flag.compare(0, 2, "--") == 0 && flag.find(' ') == std::string::npos;
    if (long_name && !input_.runtime->Supports(flag)) {
      return Error(Code::kInvalid, path + "llama-server " + input_.runtime->version +
                                       " has no argument " + flag + "; see " +
                                       input_.runtime->executable + " --help");
    }
    plan_.arguments.push_back(extra[i]);
  }
  return {};
}

}  // namespace

// FNV-1a: stable over restarts and builds, which std::hash is not.
std::string LaunchDigest(const std::vector<std::string>& words) {
  uint64_t hash = 0xcbf29ce484222325u;
  const auto mix = [&hash](unsigned char byte) { hash = (hash ^ byte) * 0x100000001b3u; };
  for (const std::string& word : words) {
    for (const char c : word) mix(static_cast<unsigned char>(c));
    mix(0);
  }
  constexpr char kHex[] = "0123456789abcdef";
  std::string text(16, '0');
  for (int i = 15; i >= 0; --i, hash >>= 4) text[i] = kHex[hash & 15];
  return text;
}

namespace {

LaunchPlan Builder::Take() {
  std::vector<std::string> identity = plan_.arguments;
  identity.push_back(input_.runtime->executable);
  identity.push_back(input_.host);
  identity.push_back(input_.workload->sha256);  // another file under the same name
  if (const auto asked = input_.workload->spec.port) identity.push_back(std::to_string(*asked));
  plan_.identity = LaunchDigest(identity);
  plan_.executable = input_.runtime->executable;
  const std::vector<std::string> address = {"--host", input_.host, "--port",
                                            std::to_string(input_.port)};
  plan_.arguments.insert(plan_.arguments.begin() + 2, address.begin(), address.end());
  return std::move(plan_);
}

}  // namespace

Result<LaunchPlan> PlanLaunch(const LaunchInput& input) {
  const std::string& format = input.workload->format;
  if (!format.empty() && format != "gguf") {
    return Error(Code::kInvalid, "spec.format: llama-server reads gguf, not " + format);
  }
  Builder builder(input);
  builder.Add("--model", input.model_path);
  if (!input.mmproj_path.empty()) builder.Add("--mmproj", input.mmproj_path);
  builder.AddMemory();
  builder.AddOffload();
  if (!Contains(input.workload->spec.extra_args, "--metrics")) builder.Add("--metrics");
  for (std::string& line : UnhonouredFields(*input.workload, input.fields, input.model_fields)) {
    builder.NotHonoured(std::move(line));
  }
  if (auto extra = builder.AddExtra(); !extra) return extra.error();
  return builder.Take();
}

}  // namespace headroom::exporter
