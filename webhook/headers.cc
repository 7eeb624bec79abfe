#include "webhook/headers.h"

#include "estimator/budget.h"

namespace headroom::webhook {
namespace {

using admission::Sizing;
using sources::Source;

// A file may lie on one of several nodes only; more than this is not worth the time of a request.
constexpr size_t kMaxNodesAsked = 3;

// The first of `nodes` that can be asked for `source`.
std::vector<HeaderNeed> PlacesOn(const Source& source, const admission::Nodes& nodes,
                                 WallTime now) {
  std::vector<HeaderNeed> places;
  for (const kube::Node* node : nodes) {
    const estimator::NodeCapacity& capacity = node->capacity;
    if (!node->publishes || capacity.metrics_address.empty()) continue;
    if (estimator::IsStale(capacity, now)) continue;
    places.push_back({source, node->meta.name, {capacity.metrics_address, node->addresses}});
    if (places.size() == kMaxNodesAsked) break;
  }
  return places;
}

struct Found {
  HeaderState state;
  bool missing = false;
};

// The first place that has it; a place that is not known yet is asked before the next one.
Found FindHeader(const std::vector<HeaderNeed>& places, const HeaderLookup& lookup,
                 std::vector<HeaderNeed>& needs) {
  Found out;
  out.state.kind = HeaderState::Kind::kFailed;
  for (const HeaderNeed& place : places) {
    HeaderState state = lookup(place);
    if (state.kind == HeaderState::Kind::kMissing) {
      needs.push_back(place);
      return {state, true};
    }
    if (state.kind != HeaderState::Kind::kFailed) return {state, false};
    // The host of a source says more than a node that has no copy of it.
    if (place.remote()) out.state.reason = state.reason;
    if (out.state.reason.empty()) out.state.reason = "node " + place.node + ": " + state.reason;
  }
  return out;
}

// A source and who may have it.
struct Wanted {
  Source source;
  const admission::Nodes& targets;
  admission::Nodes fetched_by;
};

Found FindAnywhere(const Wanted& wanted, const SizeSources& from, std::vector<HeaderNeed>& needs) {
  if (wanted.source.where == Source::Where::kNodeFile) {
    return FindHeader(PlacesOn(wanted.source, wanted.targets, from.now), from.lookup, needs);
  }
  const HeaderNeed host{wanted.source, "", {}};
  const HeaderState known = from.lookup(host);
  if (known.kind == HeaderState::Kind::kReady) return {known, false};
  auto places = PlacesOn(wanted.source, wanted.fetched_by, from.now);
  places.push_back(host);
  return FindHeader(places, from.lookup, needs);
}

// kReady, or sizing.reason or sizing.pending is set because the size stays unknown.
HeaderState Lookup(const Wanted& wanted, const SizeSources& from, std::vector<HeaderNeed>& needs,
                   Sizing& sizing) {
  const Source& source = wanted.source;
  const std::string subject = "header of " + Describe(source) + ": ";
  if (source.where == Source::Where::kOther) {
    sizing.reason = subject + "this kind of source cannot be read at admission";
    return {};
  }
  const Found found = FindAnywhere(wanted, from, needs);
  if (found.missing) return {};
  if (found.state.kind == HeaderState::Kind::kReady) return found.state;
  sizing.pending = found.state.kind == HeaderState::Kind::kPending;
  std::string why = sizing.pending ? "is being fetched" : found.state.reason;
  if (why.empty()) {
    why =
        "no live target node says where its exporter listens (annotation headroom.dev/"
        "metrics-address)";
  }
  sizing.reason = subject + why;
  return {};
}

}  // namespace

Sizing SizeOf(const kube::Workload& workload, const admission::Nodes& targets,
              const SizeSources& from, std::vector<HeaderNeed>& needs) {
  Sizing sizing;
  sizing.reason = kube::UnestimatedReason(workload);
  if (!sizing.reason.empty()) return sizing;
  const auto source = sources::ParseSource(workload.source);
  if (!source) {
    sizing.reason = source.error().message();
    return sizing;
  }
  sizing.source = Describe(*source);
  sizing.file_on_node = source->where == Source::Where::kNodeFile;
  Wanted wanted{*source, targets, {}};
  if (source->where == Source::Where::kHttps) {
    wanted.fetched_by = from.view.NodesThatFetched(workload.source);
  }
  const HeaderState state = Lookup(wanted, from, needs, sizing);
  const sources::ModelHeader* header = state.header;
  if (header == nullptr) return sizing;
  if (header->projector) {
    sizing.reason = "spec.source: is a projector (mmproj) and no language model";
    return sizing;
  }
  if (!workload.spec.mmproj.empty()) {
    const auto projector = sources::ParseBeside(workload.spec.mmproj, *source);
    if (!projector) {
      sizing.reason = "mmproj: " + projector.error().message();
      return sizing;
    }
    wanted.source = *projector;
    const auto* file = Lookup(wanted, from, needs, sizing).header;
    if (file == nullptr) return sizing;
    sizing.mmproj_bytes = file->model.file_bytes;
  }
  sizing.model = &header->model;
  sizing.footprints = state.footprints;
  sizing.bytes_read = header->bytes_read;
  return sizing;
}

}  // namespace headroom::webhook
