// What the API object says about a workload of this node: the status merge patch and the event for
// a state. Pure. Model: status.serving; InferenceService: the fields LLMKube's clients read.
// Conditions of other owners are kept.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/json.h"
#include "common/time.h"
#include "exporter/memory/sample.h"
#include "exporter/models/supervisor.h"
#include "kube/events.h"
#include "kube/objects.h"
#include "sources/download.h"

namespace headroom::exporter {

struct StatusInput {
  kube::Kind kind = kube::Kind::kModel;
  int64_t generation = 0;
  Json current;  // the object's status as last seen
  State state = State::kPending;
  std::string reason;
  bool claimed = false;       // by this node
  bool check_failed = false;  // the memory check itself could not be done
  std::string node;
  std::string endpoint;  // "http://10.0.0.7:19900", "" = nothing listens
  uint64_t footprint = 0;
  int restarts = 0;
  std::vector<std::string> not_honoured;
  std::optional<sources::DownloadProgress> download{};  // told only while downloading
  bool running = false;                                 // there is a process
  std::string stopped{};                                // StopReason() of a service that is gone
  std::optional<WallTime> started{};                    // of the running process
  std::optional<ProcessMemory> memory{};                // of the running process, as last told
  std::string exceeded{};                               // Usage::Text()
  Pressure pressure = Pressure::kUnknown;               // of this node's memory
};

// {"status": {...}} for application/merge-patch+json on the status subresource.
Json StatusPatch(const StatusInput& input, WallTime now);

// States that come and go within one attempt are not worth a write.
bool IsReported(State state);

// The event for entering `state`; nullopt where nothing happened that a person wants to read.
std::optional<kube::EventText> StateEvent(State state, const std::string& reason, bool check_failed,
                                          const std::string& node);
// And for what is reported beside the state: fields without effect, memory beyond the estimate,
// or on its way there.
kube::EventText FieldsEvent(const std::vector<std::string>& not_honoured);
kube::EventText ExceededEvent(const std::string& exceeded, const std::string& node);
kube::EventText GrowthEvent(const std::string& growth, const std::string& node);

}  // namespace headroom::exporter
