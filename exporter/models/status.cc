#include "exporter/models/status.h"

#include <string_view>

namespace headroom::exporter {
namespace {

constexpr std::string_view kSuspended = "Suspended";

// CamelCase, as status.serving.phase and as reason of conditions and events.
std::string_view Phase(State state) {
  switch (state) {
    case State::kPending: return "Pending";
    case State::kWaitingForMemory: return "WaitingForMemory";
    case State::kClaiming: return "Claiming";
    case State::kFetching: return "Downloading";
    case State::kPreflight: return "Preflight";
    case State::kLoading: return "Loading";
    case State::kReady: return "Ready";
    case State::kUnhealthy: return "Unhealthy";
    case State::kStopping: return "Stopping";
    case State::kEvicted: return "Evicted";
    case State::kBackoff: return "Backoff";
    case State::kFailed: return "Failed";
    case State::kGone: return "Stopped";
  }
  return "Unknown";
}

// The values LLMKube's CRD admits for InferenceService.status.phase.
std::string_view ServicePhase(const StatusInput& input) {
  switch (input.state) {
    case State::kLoading: return "Creating";
    case State::kReady: return "Ready";
    case State::kUnhealthy:
    case State::kStopping:
    case State::kBackoff: return "Progressing";
    case State::kFailed: return "Failed";
    case State::kGone: return input.stopped == kSuspended ? kSuspended : "Stopped";
    default: return "Pending";
  }
}

struct Condition {
  std::string_view type;
  bool value = false;
  std::string_view reason;
  std::string message;
};

// An array is replaced whole by a merge patch, so it must hold everybody's conditions.
void SetCondition(Json::Array& conditions, const Condition& wanted, int64_t generation,
                  WallTime now) {
  const std::string_view value = wanted.value ? "True" : "False";
  Json* found = nullptr;
  for (Json& condition : conditions) {
    if (StringOr(condition, {"type"}) == wanted.type) found = &condition;
  }
  if (found == nullptr) found = &conditions.emplace_back(Json::MakeObject());
  if (StringOr(*found, {"status"}) != value) {
    found->Set("lastTransitionTime", FormatRfc3339(now));
  }
  found->Set("type", wanted.type);
  found->Set("status", value);
  found->Set("reason", wanted.reason);
  found->Set("message", wanted.message);
  if (generation > 0) found->Set("observedGeneration", generation);
}

std::string Lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
  return text;
}

// LLMKube's condition: True for Warning, Critical and Evicted, False for Normal.
std::optional<Condition> PressureCondition(const StatusInput& input) {
  if (input.state == State::kEvicted)
    return Condition{"MemoryPressure", true, "Evicted", input.reason};
  const std::string message = "memory pressure on node " + input.node;
  switch (input.pressure) {
    case Pressure::kNormal: return Condition{"MemoryPressure", false, "Normal", message};
    case Pressure::kWarning: return Condition{"MemoryPressure", true, "Warning", message};
    case Pressure::kCritical: return Condition{"MemoryPressure", true, "Critical", message};
    case Pressure::kUnknown: break;
  }
  return std::nullopt;  // what was last known stays
}

Json Conditions(const StatusInput& input, WallTime now) {
  Json::Array conditions;
  if (const Json* current = input.current.Find("conditions")) {
    if (const Json::Array* array = current->AsArray()) conditions = *array;
  }
  const auto set = [&](Condition wanted) {
    SetCondition(conditions, wanted, input.generation, now);
  };
  const bool ready = input.state == State::kReady;
  set({"Available", ready, input.stopped.empty() ? Phase(input.state) : input.stopped,
       ready ? input.endpoint : input.reason});
  set({"Claimed", input.claimed, input.claimed ? "Claimed" : "NotClaimed",
       input.claimed ? "by node " + input.node : ""});
  if (auto pressure = PressureCondition(input)) set(std::move(*pressure));
  const auto set_or_remove = [&](std::string_view type, std::string_view reason,
                                 std::string message) {
    if (!message.empty()) return set({type, true, reason, std::move(message)});
    std::erase_if(conditions, [type](const Json& c) { return StringOr(c, {"type"}) == type; });
  };
  set_or_remove("FieldsIgnored", "NotHonoured", Lines(input.not_honoured));
  set_or_remove("FootprintExceeded", "OverEstimate", input.exceeded);
  return Json(std::move(conditions));
}

Json DownloadOrNull(const StatusInput& input) {
  if (input.state != State::kFetching || !input.download) return Json();
  Json download = Json::MakeObject();
  download.Set("bytes", input.download->bytes);
  download.Set("totalBytes", input.download->total);
  download.Set("percent", input.download->Percent());
  return download;
}

Json ProcessOrNull(const std::optional<ProcessMemory>& memory) {
  if (!memory) return Json();
  Json process = Json::MakeObject();
  process.Set("footprintBytes", memory->footprint ? Json(*memory->footprint) : Json());
  process.Set("residentBytes", memory->resident);
  return process;
}

Json TextOrNull(std::string_view text) { return text.empty() ? Json() : Json(text); }

}  // namespace

Json StatusPatch(const StatusInput& input, WallTime now) {
  const bool ready = input.state == State::kReady;
  const bool waiting = input.state == State::kWaitingForMemory || input.state == State::kEvicted;
  const std::string_view scheduling = input.check_failed ? "MemoryCheckFailed"
                                      : waiting          ? "InsufficientMemory"
                                                         : "";
  Json patch;
  Json& status = patch.Make({"status"});
  status.Set("conditions", Conditions(input, now));
  const bool service = input.kind == kube::Kind::kInferenceService;
  Json& view = service ? status : status.Make({"serving"});
  view.Set("phase", service ? ServicePhase(input) : Phase(input.state));
  view.Set("endpoint", ready ? TextOrNull(input.endpoint) : Json());
  view.Set("schedulingStatus", TextOrNull(scheduling));
  view.Set("schedulingMessage", scheduling.empty() ? Json() : TextOrNull(input.reason));
  if (service) {
    view.Set("replicas", input.running ? 1 : 0);  // as the scale subresource has it
    view.Set("readyReplicas", ready ? 1 : 0);
    view.Set("desiredReplicas", input.state == State::kGone ? 0 : 1);
    view.Set("lastUpdated", FormatRfc3339(now));
    return patch;
  }
  view.Set("node", input.claimed ? TextOrNull(input.node) : Json());
  view.Set("message", TextOrNull(input.reason));
  view.Set("footprintBytes", input.footprint > 0 ? Json(input.footprint) : Json());
  view.Set("restarts", input.restarts);
  view.Set("startedAt", input.started ? Json(FormatRfc3339(*input.started)) : Json());
  view.Set("process", ProcessOrNull(input.memory));
  view.Set("download", DownloadOrNull(input));
  return patch;
}

bool IsReported(State state) { return state != State::kClaiming && state != State::kPreflight; }

std::optional<kube::EventText> StateEvent(State state, const std::string& reason, bool check_failed,
                                          const std::string& node) {
  const std::string where = " on node " + node;
  switch (state) {
    case State::kWaitingForMemory: return kube::EventText{true, "InsufficientMemory", reason};
    case State::kEvicted: return kube::EventText{true, "Evicted", reason + where};
    case State::kFetching: return kube::EventText{false, "Downloading", reason + where};
    case State::kLoading:
      return kube::EventText{false, "Loading", "llama-server loads the model" + where};
    case State::kReady: return kube::EventText{false, "Ready", "serving" + where};
    case State::kUnhealthy: return kube::EventText{true, "Unhealthy", reason};
    case State::kBackoff:
      return kube::EventText{true, check_failed ? "MemoryCheckFailed" : "BackOff", reason};
    case State::kFailed: return kube::EventText{true, "Failed", reason};
    case State::kGone: return kube::EventText{false, "Stopped", "stopped" + where};
    default: return std::nullopt;
  }
}

kube::EventText FieldsEvent(const std::vector<std::string>& not_honoured) {
  return {true, "FieldsIgnored", "have no effect on this node:\n" + Lines(not_honoured)};
}

kube::EventText ExceededEvent(const std::string& exceeded, const std::string& node) {
  return {true, "FootprintExceeded", "the model server on node " + node + " " + exceeded};
}

kube::EventText GrowthEvent(const std::string& growth, const std::string& node) {
  return {true, "FootprintGrowing", "the model server on node " + node + " " + growth};
}

}  // namespace headroom::exporter
