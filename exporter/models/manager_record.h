// What the manager keeps of one workload beside its state machine. Internal to manager*.cc.
#pragma once

#include "exporter/models/claim.h"
#include "exporter/models/manager.h"
#include "exporter/models/status.h"
#include "exporter/models/usage.h"
#include "sources/header_source.h"

namespace headroom::exporter {

struct Manager::Record {
  Key key;
  Supervised it;
  std::optional<WorkloadSet::Entry> entry;  // as last seen; kept after it is gone, to clean up

  // Set by the claim step.
  std::optional<sources::ModelHeader> header;
  std::string header_stamp;  // of the file `header` was read from
  estimator::ServingOptions serving;
  std::vector<std::string> not_honoured;
  std::optional<uint64_t> declared;  // need of a server that is not estimated
  uint64_t footprint = 0;
  bool reserved = false;     // counts as committed though no process runs yet
  bool claimed = false;      // by us, as far as we know
  int releasing = 0;         // releases of the claim under way; a new claim waits for them
  bool reaffirming = false;  // a claim of ours that the object lost is being written again
  bool fenced = false;       // the running child was told to stop, see Manager::FenceWhereDue
  bool check_failed = false;
  // There may be a Service and an EndpointSlice of ours, also one of an exporter before this one.
  bool endpoint_left = true;

  std::optional<sources::DownloadProgress> download;  // while it is fetched
  SteadyTime download_told{};

  // Of the running child.
  uint16_t port = 0;
  uint64_t start_time = 0;
  bool adopted = false;
  bool bound = false;             // to this node by name: no other may run it
  std::string launched_identity;  // which may differ from the one wanted by now
  std::optional<WallTime> started;
  std::optional<Loaded> loaded;  // as it says once it is ready
  Usage usage;

  // What was told to others.
  State told = State::kPending;
  std::string told_reason;
  SteadyTime told_at{};
  bool status_due = false, status_running = false, event_due = false;
  bool exceeded_due = false;  // the event, like event_due
  bool fields_due = false;    // likewise
  std::vector<std::string> told_not_honoured;
  std::vector<kube::EventText> more_events;  // beside the one of the state
  EventRing events;                          // as told, for people who ask this node
  int tasks = 0;                             // in flight; the record must stay

  bool Counts() const { return it.pid != 0 || it.spawning || reserved; }
};

inline std::string ObjectPath(const kube::Workload& workload, std::string_view subresource = "") {
  return kube::ResourcePath(kube::TypeOf(workload.kind), workload.meta.ns, workload.meta.name,
                            subresource);
}

// The API server is away, or does not take our credentials (any more).
inline bool IsUnreachable(const Error& error) {
  return error.code() == Code::kUnavailable || error.code() == Code::kTimeout ||
         error.code() == Code::kUnauthorized;
}

}  // namespace headroom::exporter
