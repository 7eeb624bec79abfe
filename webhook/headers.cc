#include "webhook/headers.h"

#include "estimator/budget.h"

namespace headroom::webhook {
namespace {

using sources::Source;

// A file may lie on one of several nodes only; more than this is not worth the time of a request.
constexpr size_t kMaxNodesAsked = 3;

// The nodes to ask for a file, or one pseudo need for a remote source.
std::vector<HeaderNeed> Places(const Source& source, const std::vector<const kube::Node*>& targets,
                               WallTime now) {
  if (source.where == Source::Where::kHttps) return {HeaderNeed{source, "", ""}};
  std::vector<HeaderNeed> places;
  for (const kube::Node* node : targets) {
    const estimator::NodeCapacity& capacity = node->capacity;
    if (!node->publishes || capacity.metrics_address.empty()) continue;
    if (estimator::IsStale(capacity, now)) continue;
    places.push_back({source, node->meta.name, capacity.metrics_address});
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
    if (!out.state.reason.empty()) continue;
    out.state.reason =
        place.node.empty() ? state.reason : "node " + place.node + ": " + state.reason;
  }
  return out;
}

std::string NoPlaceReason(const Source& source) {
  if (source.where == Source::Where::kOther) {
    return "the header of this kind of source cannot be read at admission";
  }
  return "no live target node says where its exporter listens (annotation headroom.dev/"
         "metrics-address)";
}

// Sets sizing.reason or sizing.pending where the size stays unknown.
const sources::ModelHeader* Lookup(const Source& source,
                                   const std::vector<const kube::Node*>& targets,
                                   const HeaderLookup& lookup, WallTime now,
                                   std::vector<HeaderNeed>& needs, Sizing& sizing) {
  const auto places = source.where == Source::Where::kOther ? std::vector<HeaderNeed>()
                                                            : Places(source, targets, now);
  if (places.empty()) {
    sizing.reason = "header of " + Describe(source) + ": " + NoPlaceReason(source);
    return nullptr;
  }
  const Found found = FindHeader(places, lookup, needs);
  if (found.missing) return nullptr;
  if (found.state.kind == HeaderState::Kind::kReady) return found.state.header;
  sizing.pending = found.state.kind == HeaderState::Kind::kPending;
  sizing.reason = "header of " + Describe(source) + ": " +
                  (sizing.pending ? "is being fetched" : found.state.reason);
  return nullptr;
}

}  // namespace

Sizing SizeOf(const kube::Workload& workload, const std::vector<const kube::Node*>& targets,
              const HeaderLookup& lookup, WallTime now, std::vector<HeaderNeed>& needs) {
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
  const auto* header = Lookup(*source, targets, lookup, now, needs, sizing);
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
    const auto* file = Lookup(*projector, targets, lookup, now, needs, sizing);
    if (file == nullptr) return sizing;
    sizing.mmproj_bytes = file->model.file_bytes;
  }
  sizing.model = &header->model;
  sizing.bytes_read = header->bytes_read;
  return sizing;
}

}  // namespace headroom::webhook
