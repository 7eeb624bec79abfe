// Command-line options of headroom-exporter: parsing and everything that can be checked before
// anything is started. docs/node.md describes them.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "common/result.h"
#include "exporter/memory/pressure.h"
#include "exporter/models/ports.h"
#include "net/listen_options.h"

namespace headroom::exporter {

struct AppOptions : net::ListenOptions {
  // Not in Prometheus' list of allocated ports, and below the ranges systems take ports from.
  AppOptions() { listen = "127.0.0.1:19834"; }

  std::string kubeconfig, manifests;
  std::string node_name;
  std::string advertise_address;
  bool register_node = true;
  std::string memory_budget, memory_fraction;
  std::vector<std::string> model_roots;
  std::string state_dir;
  std::string store_dir;
  uint64_t store_limit = 0;  // bytes; 0 = none
  std::vector<std::string> source_allow;
  std::string source_ca, hf_token_file;
  std::string llama_server = "llama-server";
  std::map<std::string, std::string> servers;  // --server NAME=PROGRAM
  std::string node_token_file;
  bool scrape_models = true;
  std::string compat_metrics;  // "" or "llmkube"
  std::chrono::milliseconds watchdog_interval{10'000};
  PressureOptions pressure;
  bool eviction_enabled = false;
  std::chrono::milliseconds eviction_cool_down{60'000};
  std::chrono::milliseconds lease_duration{40'000};
  bool stop_models_on_exit = false;
  std::string model_host = "127.0.0.1";
  PortRange model_ports{19900, 19999};

  // What estimator::ResolveNodeBudget reads: the one of the two settings that is given.
  const std::string& BudgetSetting() const {
    return memory_budget.empty() ? memory_fraction : memory_budget;
  }
};

struct CommandLine {
  AppOptions options;
  std::string print;  // --help or --version: print this and exit 0
};

using GetEnv = std::function<const char*(const char*)>;

// Errors are one line for the operator and name the flag.
Result<CommandLine> ParseCommandLine(const std::vector<std::string>& args, const GetEnv& getenv,
                                     const std::string& host_name);

}  // namespace headroom::exporter
