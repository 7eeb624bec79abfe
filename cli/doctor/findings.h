// What a doctor says: findings, each with its remedy. Judging is pure; the facts are gathered by
// machine.cc and cluster.cc.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "cli/cli.h"
#include "common/json.h"
#include "common/time.h"
#include "kube/objects.h"

namespace headroom::cli {

struct Finding {
  enum class Level { kOk, kNote, kWarning, kFailure } level = Level::kOk;
  std::string check;   // "llama-server"
  std::string text;    // what was found
  std::string remedy;  // what to do about it; "" for kOk and kNote
};

std::string FindingsText(const std::vector<Finding>& findings, bool color);
Json FindingsJson(const std::vector<Finding>& findings);
bool AnyFailure(const std::vector<Finding>& findings);

// One model's estimate beside what the installed llama.cpp says itself.
struct ComparedEstimate {
  std::string model;      // a path
  std::string problem;    // why there is nothing to compare, "" = none
  uint64_t ours = 0;      // ComparableBytes()
  std::string fit_print;  // what llama-fit-params printed
};

// This machine.
struct MachineFacts {
  bool darwin = false;
  std::string os_release;  // of the kernel: "24.4.0" is macOS 15
  bool root = false;
  // llama-server: what --version and --help print, or why they do not.
  std::optional<std::string> llama_version_text, llama_help;
  std::string llama_problem;
  // The exporter's /memstats, if one answers at `exporter`; else why not and whether the port is
  // free.
  std::string exporter;
  Json memstats;
  std::string exporter_problem;
  bool port_free = false;
  Json metal;                   // of headroom-exporter --probe-metal; null = it could not be run
  std::string wired_collector;  // iogpu.disable_wired_collector, "" = unknown
  std::string state_dir;
  bool state_exists = false, state_writable = false;
  std::optional<uint64_t> free_bytes;
  std::vector<ComparedEstimate> estimates;
  std::string not_compared;  // why `estimates` is empty
};
std::vector<Finding> JudgeMachine(const MachineFacts& facts);

// A cluster.
struct ClusterFacts {
  std::string version;                 // of the API server; "" = see `problem`
  std::string problem;                 // why it cannot be asked
  std::vector<std::string> resources;  // of our API group
  Json webhook;       // the entry fit.headroom.dev of its configuration; null = none
  std::string probe;  // what the API server said to a model that must be denied
  bool probe_allowed = false;
  std::vector<std::pair<std::string, bool>> rights;  // "list models" -> allowed
  std::vector<kube::Node> nodes;
};
std::vector<Finding> JudgeCluster(const ClusterFacts& facts, WallTime now);

}  // namespace headroom::cli
