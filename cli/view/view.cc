#include "cli/view/view.h"

#include "common/ascii.h"
#include "common/quantity.h"

namespace headroom::cli {

void AddViewFlags(Flags& flags, ViewOptions& options) {
  AddFormatFlag(flags, options.format);
  AddWatchFlags(flags, options.watch);
  AddFleetFlags(flags, options.fleet);
}

std::string Age(std::optional<WallTime> then, WallTime now) {
  if (!then) return "";
  const auto seconds =
      std::max<int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now - *then).count());
  if (seconds < 120) return std::to_string(seconds) + "s";
  if (seconds < 2 * 3600) return std::to_string(seconds / 60) + "m";
  if (seconds < 48 * 3600) return std::to_string(seconds / 3600) + "h";
  return std::to_string(seconds / 86'400) + "d";
}

Tone ToneOfPressure(std::string_view pressure) {
  if (pressure == "normal") return Tone::kGood;
  return pressure == "critical" ? Tone::kBad : Tone::kWarn;
}

Tone ToneOfPhase(std::string_view phase) {
  const std::string word = AsciiLower(phase);
  if (word == "ready") return Tone::kGood;
  if (word == "failed" || word == "unhealthy" || word == "backoff") return Tone::kBad;
  return word.starts_with("waiting") ? Tone::kWarn : Tone::kPlain;
}

std::string BytesOr(const std::optional<uint64_t>& bytes) {
  return bytes ? FormatBytes(*bytes) : "";
}

ModelState StateOf(const Wanted& wanted) {
  const kube::Workload& workload = wanted.workload;
  ModelState state;
  state.kind = kube::TypeOf(workload.kind).kind;
  state.ns = workload.meta.ns;
  state.name = workload.meta.name;
  state.node = wanted.node;
  state.footprint = workload.claimed_footprint;
  const Json* status = wanted.object.Find(
      workload.kind == kube::Kind::kModel ? JsonPath{"status", "serving"} : JsonPath{"status"});
  state.phase = workload.claimed_by.empty() ? "Pending" : "Claimed";
  if (status == nullptr) return state;
  state.phase = StringOr(*status, {"phase"}, state.phase);
  state.message = StringOr(*status, {"message"}, StringOr(*status, {"schedulingMessage"}));
  state.endpoint = StringOr(*status, {"endpoint"});
  state.restarts = IntOr(*status, {"restarts"}, 0);
  const int64_t bytes = IntOr(*status, {"footprintBytes"}, 0);
  if (bytes > 0) state.footprint = static_cast<uint64_t>(bytes);
  return state;
}

std::vector<ModelState> StatesOf(const Json& models) {
  std::vector<ModelState> out;
  const Json* list = models.Find("models");
  if (list == nullptr || list->AsArray() == nullptr) return out;
  for (const Json& item : *list->AsArray()) {
    ModelState state;
    state.kind = StringOr(item, {"kind"});
    state.ns = StringOr(item, {"namespace"});
    state.name = StringOr(item, {"name"});
    state.node = StringOr(models, {"node"});
    state.phase = StringOr(item, {"state"});
    state.message = StringOr(item, {"reason"});
    state.endpoint = StringOr(item, {"endpoint"});
    state.restarts = IntOr(item, {"restarts"}, 0);
    if (item.Find("downloadPercent") != nullptr) {
      state.download_percent = IntOr(item, {"downloadPercent"}, 0);
    }
    const int64_t bytes = IntOr(item, {"footprintBytes"}, 0);
    if (bytes > 0) state.footprint = static_cast<uint64_t>(bytes);
    out.push_back(std::move(state));
  }
  return out;
}

Json ToJson(const ModelState& state) {
  Json out = Json::MakeObject();
  out.Set("kind", state.kind);
  out.Set("namespace", state.ns);
  out.Set("name", state.name);
  out.Set("node", state.node.empty() ? Json() : Json(state.node));
  out.Set("phase", state.phase);
  out.Set("message", state.message.empty() ? Json() : Json(state.message));
  out.Set("endpoint", state.endpoint.empty() ? Json() : Json(state.endpoint));
  out.Set("footprintBytes", state.footprint ? Json(*state.footprint) : Json());
  out.Set("restarts", state.restarts);
  return out;
}

std::string ExporterOf(const kube::Node& node, WallTime now) {
  if (!node.publishes || estimator::IsStale(node.capacity, now)) return "";
  return node.capacity.metrics_address;
}

}  // namespace headroom::cli
