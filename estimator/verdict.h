// Decide: may this workload be put on one of these nodes? The one decision that webhook, agent
// pre-flight and command line share. Pure: everything it needs is in the Request.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/json.h"
#include "common/result.h"
#include "common/time.h"
#include "estimator/budget.h"
#include "estimator/footprint.h"

namespace headroom::estimator {

class FootprintMemo;

// A model already bound to a node (or admitted a moment ago and not claimed yet).
struct Occupant {
  std::string name = {};  // "team-a/qwen-32b"
  uint64_t footprint_bytes = 0;
};

// How occupants without a name are called; nobody can be told to stop them.
inline constexpr std::string_view kOtherModels = "other models";
// How a workload's own replicas are called; stopping them is no way to run one more.
inline constexpr std::string_view kOtherReplicas = "its other replicas";

struct Candidate {
  NodeCapacity node = {};  // its `committed` is not looked at: the two below say what counts
  // Each workload once, without the one that is asked for.
  std::vector<Occupant> occupants = {};
  uint64_t other_bytes = 0;  // of workloads that cannot be named
};

struct Workload {
  std::string kind = "Model";  // Model | InferenceService
  std::string name = {};       // "team-a/llama-70b"
  // Where the serving options come from, for "Assumed:"; "" = the Model's spec.serving.
  std::string service = {};  // "team-a/chat"
};

// Which fields the texts name; the defaults suit a Model with spec.serving.
struct FieldNames {
  std::string context = "spec.serving.contextSize";
  std::string cache_type_k = "spec.serving.cacheTypeK", cache_type_v = "spec.serving.cacheTypeV";
  std::string node = "spec.nodeName";
  std::string source = "spec.source";
  std::string prompt_cache = "spec.serving.promptCacheMiB";
};

struct UnknownSize {
  enum class Why : uint8_t { kUnreadable, kPending } why = Why::kUnreadable;
  std::string reason =
      {};  // ours, ASCII, no upstream text: "header of spec.source unreachable in 3s"
};

struct Request {
  Workload workload = {};
  FieldNames fields = {};
  std::string source = {};           // "hf org/repo file.gguf @ 3f2a1c" for the Estimate line
  uint64_t header_bytes_read = 0;    // 0 = do not say
  bool file_on_node = false;         // a path, not a download: other nodes need not have it
  const ModelFile* model = nullptr;  // borrowed for the call; nullptr = see `unknown`
  // Of `model`: what it remembers is not estimated anew. May be null.
  FootprintMemo* footprints = nullptr;
  UnknownSize unknown = {};
  bool allow_unknown = false;  // --unknown-size=warn
  ServingOptions serving = {};
  bool context_default = false;  // serving.context is a default, the manifest names none
  BudgetTexts budget = {};
  std::vector<Candidate> candidates = {};  // the target nodes
  std::vector<Candidate> others = {};  // further nodes with our annotations: for suggestions only
  // Pre-flight: memory that is really available now is a hard limit (the candidate's
  // node.available); at admission it is only a warning.
  bool preflight = false;
  WallTime now = {};
};

enum class Rule : uint8_t {
  kAllowed,
  kOverBudget,     // HR-101: more than the node can ever give
  kFitsNoNode,     // HR-102: more than any known node can ever give
  kOccupied,       // HR-103: fits the empty node, not beside what runs there
  kNoCandidate,    // HR-104: no target node is known, or all are stale or unschedulable
  kInUse,          // HR-105: pre-flight: other processes use the memory now
  kNodeBudget,     // HR-201: the node's annotations are missing or malformed
  kModelBudget,    // HR-202: memoryBudget or memoryFraction malformed
  kUnknownSize,    // HR-301
  kHeaderPending,  // HR-302: being fetched, retry
  kRefused,        // HR-401: llama.cpp itself refuses this configuration
};
std::string_view RuleId(Rule rule);  // "HR-101"; "" for kAllowed

struct CandidateView {
  std::string node = {};
  enum class State : uint8_t {
    kFits,
    kOccupied,
    kTooSmall,
    kInUse,
    kStale,
    kUnschedulable,
    kInvalid,
    kRefused
  } state = State::kTooSmall;
  std::string why = {};      // text for kStale, kUnschedulable, kInvalid, kRefused
  Footprint footprint = {};  // for this node's runtime version and accelerator
  Budget budget = {};
  std::string accelerator = {};
  uint64_t need = 0;  // footprint, or the declared memoryBudget if unknown
  uint64_t committed = 0, headroom = 0, shortfall = 0, available = 0;
  std::vector<Occupant> occupants = {};  // largest first
};

// A change that has been tried with the same arithmetic and fits.
struct Suggestion {
  enum class Kind : uint8_t {
    kOtherNode,  // on `node`, as it is
    kServing,    // with `serving`: context, cache types, prompt cache or several of them
    kStop,       // after stopping `stop`
    kWeights,    // with a file of at most `weights_bytes`
  } kind = Kind::kServing;
  std::string text = {};               // one ASCII line
  std::string node = {};               // where it then fits
  ServingOptions serving = {};         // with the change applied
  std::vector<std::string> stop = {};  // kStop: names of the occupants to stop
  uint64_t weights_bytes = 0;          // kWeights: file bytes that would fit
  uint64_t footprint_bytes = 0;        // after the change
};

struct Verdict {
  bool allowed = false;
  Rule rule = Rule::kNoCandidate;
  Workload workload = {};
  FieldNames fields = {};
  std::string source = {};
  uint64_t header_bytes_read = 0;
  std::string detail = {};  // HR-2xx, 301, 302, 401: the error's own text
  ServingOptions serving = {};
  bool context_assumed = false;  // the manifest names no context size: a default, or the model's
  std::optional<HyperParameters> hyper = {};   // for the KV cache line
  std::vector<CandidateView> candidates = {};  // fitting first, then closest first
  std::vector<Suggestion> suggestions = {};
  std::vector<std::string> warnings = {};  // one-line ASCII, unlimited; see explain.h Warnings()

  // The candidate the verdict speaks about: the first; nullptr if there is none.
  const CandidateView* Chosen() const { return candidates.empty() ? nullptr : &candidates[0]; }
  // Bytes that admission reserves: the chosen candidate's footprint (largest of all that fit).
  uint64_t FootprintBytes() const;
};

Verdict Decide(const Request& request);

}  // namespace headroom::estimator
