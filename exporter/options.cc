#include "exporter/options.h"

#include <filesystem>

#include "common/ascii.h"
#include "common/flags.h"
#include "common/quantity.h"
#include "estimator/budget.h"
#include "exporter/models/server_kind.h"

namespace headroom::exporter {
namespace {

// Shorter, a slow API server would look like a dead node; longer ones are not believed
// (holder_watch.cc).
constexpr std::chrono::seconds kMinLease{5}, kMaxLease{3599};

constexpr char kUsage[] =
    "headroom-exporter measures this machine's memory, says what models it can still hold, and "
    "runs\n"
    "llama-server for those that were given to it.";

void AddNodeFlags(Flags& flags, AppOptions& o) {
  flags.Add("kubeconfig", o.kubeconfig, "FILE", "serve the models of this Kubernetes cluster");
  flags.Add("manifests", o.manifests, "DIR",
            "serve the models in the YAML files of this folder, without Kubernetes");
  flags.Add("node-name", o.node_name, "NAME", "name of this node; the host name if empty");
  flags.Add("advertise-address", o.advertise_address, "ADDRESS",
            "where other machines reach this node; found out if empty");
  flags.Add("register-node", o.register_node,
            "create the Node object if the cluster has none of that name");
  flags.Add("memory-budget", o.memory_budget, "QUANTITY",
            "memory that models may take, as in 24Gi; by default a share of all memory");
  flags.Add("memory-fraction", o.memory_fraction, "NUMBER",
            "the same as a share of all memory, above 0 and at most 1");
  flags.Add("memory-watchdog-interval", o.watchdog_interval, "how often memory is looked at");
  flags.Add("memory-pressure-warning", o.pressure.warning, "NUMBER",
            "available/total below which memory pressure is a warning");
  flags.Add("memory-pressure-critical", o.pressure.critical, "NUMBER",
            "available/total below which memory pressure is critical");
  flags.Add("eviction-enabled", o.eviction_enabled,
            "stop a model when memory pressure is critical and models hold most of the memory");
  flags.Add("eviction-cool-down", o.eviction_cool_down,
            "how long an evicted model rests at least; doubles each time it is evicted");
  flags.Add("lease-duration", o.lease_duration,
            "how long this node may be out of touch before others take over its models");
}

void AddModelFlags(Flags& flags, AppOptions& o) {
  flags.Add("llama-server", o.llama_server, "PROGRAM",
            "the llama-server to run: a path, or a name to look up in PATH");
  flags.Add(
      "server", "NAME=PROGRAM",
      "the program of another model server: vllm-metal, vllm or mistralrs", "",
      [&o](std::string_view text) -> Result<void> {
        const size_t equals = text.find('=');
        const std::string name(text.substr(0, equals));
        const auto* kind = name.empty() ? nullptr : FindServerKind(name);
        if (kind == nullptr || equals == std::string_view::npos || equals + 1 == text.size()) {
          return Error(Code::kInvalid,
                       "expected vllm-metal=PROGRAM, vllm=PROGRAM or mistralrs=PROGRAM, got "
                       "'" +
                           std::string(text) + "'");
        }
        o.servers[name] = text.substr(equals + 1);
        return {};
      });
  flags.Add("model-host", o.model_host, "ADDRESS", "address each llama-server listens on");
  flags.Add("model-ports", "FIRST-LAST", "ports for the llama-servers", "19900-19999",
            [&o](std::string_view text) -> Result<void> {
              const auto range = ParsePortRange(text);
              if (!range) return range.error();
              o.model_ports = *range;
              return {};
            });
  flags.Add("model-root", o.model_roots, "DIR",
            "folder whose model headers /v1/header may show");
  flags.Add("node-token-file", o.node_token_file, "FILE",
            "file with the token that /v1/header asks for; without it /v1/header is off");
  flags.Add("store-dir", o.store_dir, "DIR",
            "where models from https:// and hf:// are kept; below --state-dir if empty");
  flags.Add(
      "store-limit", "QUANTITY",
      "most that the store may hold, as in 500Gi: what was used longest ago goes when room is "
      "needed, never a file of a known model; nothing is removed without",
      "", [&o](std::string_view text) -> Result<void> {
        const auto bytes = ParseQuantity(text);
        if (!bytes) return bytes.error();
        o.store_limit = *bytes;
        return {};
      });
  flags.Add(
      "source-allow", o.source_allow, "HOST|CIDR",
      "hosts that models may be fetched from, beside huggingface.co and its CDN: HOST[:PORT], "
      "*.DOMAIN, ADDRESS/PREFIX (also admits a private address)");
  flags.Add("source-ca", o.source_ca, "FILE",
            "trust this CA (PEM) for sources instead of the system's");
  flags.Add("hf-token-file", o.hf_token_file, "FILE",
            "file with the token for private and gated models on huggingface.co");
  flags.Add(
      "state-dir", o.state_dir, "DIR",
      "where running models are remembered and logs are kept; ~/.local/state/headroom if empty");
  flags.Add("scrape-models", o.scrape_models,
            "show the model servers' own metrics on /metrics, with their namespace and name");
  flags.Add("compat-metrics", o.compat_metrics, "llmkube",
            "show the series of LLMKube's metal agent on /metrics, too");
  flags.Add("stop-models-on-exit", o.stop_models_on_exit,
            "stop the models when the exporter stops, instead of leaving them to the next one");
}

Result<void> CheckBudget(const AppOptions& o) {
  if (!o.memory_budget.empty() && !o.memory_fraction.empty()) {
    return Error(Code::kInvalid, "--memory-budget and --memory-fraction: give one of them");
  }
  if (o.BudgetSetting().empty()) return {};
  if (!o.memory_fraction.empty()) {
    // Strictly a fraction: as a node's setting, 1.5 would be a quantity of bytes.
    estimator::BudgetTexts texts;
    texts.memory_fraction = o.memory_fraction;
    if (!estimator::CheckBudgetTexts(texts)) {
      return Error(Code::kInvalid,
                   "--memory-fraction: expected a number above 0 and at most 1, got '" +
                       o.memory_fraction + "'; bytes are given by --memory-budget");
    }
  }
  // The real amount of memory does not matter for the form.
  const auto budget = estimator::ResolveNodeBudget(o.BudgetSetting(), uint64_t{1} << 40, 0);
  if (budget) return {};
  return budget.error().Within("--memory-budget");
}

Result<void> CheckFolder(const std::string& folder, std::string_view flag) {
  std::error_code error;
  if (std::filesystem::is_directory(folder, error)) return {};
  return Error(Code::kNotFound, std::string(flag) + " " + folder + ": no such folder");
}

Result<void> Check(const AppOptions& o) {
  if (!o.kubeconfig.empty() && !o.manifests.empty()) {
    return Error(Code::kInvalid, "--kubeconfig and --manifests: give one of them");
  }
  if (const auto listen = net::CheckListenOptions(o); !listen) return listen.error();
  if (!o.compat_metrics.empty() && o.compat_metrics != "llmkube") {
    return Error(Code::kInvalid,
                 "--compat-metrics: expected llmkube, got '" + o.compat_metrics + "'");
  }
  if (const auto pressure = Validate(o.pressure); !pressure) return pressure.error();
  if (o.lease_duration < kMinLease || o.lease_duration > kMaxLease) {
    return Error(Code::kInvalid, "--lease-duration: expected 5s to 3599s");
  }
  if (o.eviction_cool_down.count() <= 0) {
    return Error(Code::kInvalid, "--eviction-cool-down: expected more than 0s");
  }
  if (o.watchdog_interval < std::chrono::seconds(1)) {
    return Error(Code::kInvalid, "--memory-watchdog-interval: expected at least 1s");
  }
  if (!o.manifests.empty()) {
    if (const auto ok = CheckFolder(o.manifests, "--manifests"); !ok) return ok.error();
  }
  for (const std::string& root : o.model_roots) {
    if (const auto ok = CheckFolder(root, "--model-root"); !ok) return ok.error();
  }
  return CheckBudget(o);
}

std::string DefaultStateDir(const GetEnv& getenv) {
  const char* state = getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/headroom";
  const char* home = getenv("HOME");
  if (home != nullptr && *home == '/') return std::string(home) + "/.local/state/headroom";
  return "/var/lib/headroom";
}

}  // namespace

Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args, const GetEnv& getenv,
                                     const std::string& host_name) {
  CommandLine line;
  AppOptions& o = line.options;
  Flags flags("headroom-exporter", kUsage);
  net::AddListenFlags(flags, o);
  AddNodeFlags(flags, o);
  AddModelFlags(flags, o);
  const auto parsed = flags.Parse(args, getenv);
  if (!parsed) return parsed.error();
  if (parsed->help) line.print = flags.Help();
  if (parsed->version) line.print = "headroom-exporter " HEADROOM_VERSION "\n";
  if (!line.print.empty()) return line;
  if (!parsed->positional.empty()) {
    return Error(Code::kInvalid, "unexpected argument '" + parsed->positional[0] + "'; see --help");
  }
  if (const auto ok = Check(o); !ok) return ok.error();
  // Kubernetes wants node names in lower case.
  if (o.node_name.empty()) o.node_name = AsciiLower(host_name);
  if (o.state_dir.empty()) o.state_dir = DefaultStateDir(getenv);
  if (o.store_dir.empty()) o.store_dir = o.state_dir + "/models";
  return line;
}

}  // namespace headroom::exporter
