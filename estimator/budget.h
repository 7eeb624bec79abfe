// Budget: the bytes a node grants to models, by precedence: the Model's memoryBudget, its
// memoryFraction, the node's own setting, else adaptive (0.67 of memory up to 36 GiB, else 0.75);
// never above the GPU working-set limit. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace headroom::estimator {

// A workload that a node counts in its `committed`.
struct Commitment {
  std::string key = {};  // kube::Workload::Key(): "Model/team-a/llama"
  uint64_t bytes = 0;
  friend bool operator==(const Commitment&, const Commitment&) = default;
};

// What a node publishes about itself (annotations headroom.dev/*). Bytes.
struct NodeCapacity {
  std::string name = {};
  uint64_t memory_total = 0;
  std::optional<uint64_t> memory_budget = {};  // as the node resolved its own setting
  std::string budget_source = {};              // "flag 0.80", "adaptive 0.67": how it did
  uint64_t gpu_working_set = 0;                // 0 = no GPU limit known
  uint64_t available = 0, wired = 0, committed = 0;
  // Which workloads `committed` is for, by key; what they do not add up to is of models that
  // cannot be named. Who knows some of them itself counts each once.
  std::vector<Commitment> commitments = {};
  std::string pressure = "unknown";   // normal | warning | critical | unknown
  std::string accelerator = "metal";  // metal | cpu
  std::string runtime_version = {}, metrics_address = {}, agent_version = {};
  std::optional<WallTime> observed_at = {};
  bool schedulable = true;  // spec.unschedulable is not set, Ready is not False
  // Why the annotations cannot be used (HR-201), naming key, value and expected form; "" = fine.
  std::string invalid = {};
};

// A Model's own wishes, as written in the manifest; unset = not given.
struct BudgetTexts {
  std::optional<std::string> memory_budget = {};    // a quantity
  std::optional<std::string> memory_fraction = {};  // a number in (0, 1]
  std::string path = "spec.hardware";               // prefix of the field path in errors
};

struct Budget {
  uint64_t bytes = 0;
  std::string derivation = {};  // "48.0 GiB total x 0.75 (adaptive) = 36.0 GiB"
  bool from_model = false;      // memoryBudget or memoryFraction decided
  bool capped = false;          // the GPU working set was the lower one
};

// Bytes of a node's own setting ("0.8" = fraction, "24Gi" = absolute, "" = adaptive) and its source
// text for the annotation: what the exporter publishes.
struct NodeBudget {
  uint64_t bytes = 0;
  std::string source = {};
};
Result<NodeBudget> ResolveNodeBudget(std::string_view setting, uint64_t memory_total,
                                     uint64_t gpu_working_set);
double AdaptiveFraction(uint64_t memory_total);

// Errors are kInvalid and start with the field path: "spec.hardware.memoryFraction: expected a
// number above 0 and at most 1, got '1.5'".
Result<void> CheckBudgetTexts(const BudgetTexts& texts);
Result<Budget> ResolveBudget(const BudgetTexts& texts, const NodeCapacity& node);

// A node whose annotations are older than this is no candidate: its exporter is down.
inline constexpr std::chrono::minutes kStaleAfter{3};
bool IsStale(const NodeCapacity& node, WallTime now);

}  // namespace headroom::estimator
