// The model servers a node can launch, as data: what to start, with which arguments and
// environment, and where it says that it is well. One more server is one more entry; llama-server's
// arguments are its own matter (launch.h), since they decide its footprint. Pure.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"
#include "exporter/models/launch.h"

namespace headroom::exporter {

// {model} {host} {port} {context} {fraction} in `value` are filled in; an entry that needs one that
// is not known is left out.
struct ServerSetting {
  std::string_view name;   // "--port"; "" = the value alone
  std::string_view value;  // "" = the name alone
};

struct ServerKind {
  std::string_view name;        // kube::ServingSpec::runtime; "" = llama-server
  std::string_view executable;  // looked up in PATH, unless --runtime names another
  std::span<const ServerSetting> arguments, environment;
  std::string_view health_path = "/health";
};

// nullptr: not known.
const ServerKind* FindServerKind(std::string_view name);

struct ServerInput {
  const ServerKind* kind = nullptr;
  const kube::Workload* workload = nullptr;
  Json fields, model_fields;
  std::string executable;
  std::string host;
  uint16_t port = 0;
  // What it is granted, of how much: 0 = not known yet. The engines take a share of memory for
  // themselves; some of all memory, some of what Metal recommends. The share of all memory is the
  // smaller amount either way.
  uint64_t memory_bytes = 0, memory_total = 0;
};

// Errors (kInvalid): a source this server cannot be pointed at.
Result<LaunchPlan> PlanServer(const ServerInput& input);

}  // namespace headroom::exporter
