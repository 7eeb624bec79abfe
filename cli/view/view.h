// What the commands that look at a fleet share: where it is read from, how it is printed, and the
// words of their columns.
#pragma once

#include <string>

#include "cli/fleet/reader.h"
#include "cli/output/format.h"
#include "cli/output/table.h"
#include "common/time.h"

namespace headroom::cli {

struct ViewOptions {
  FleetOptions fleet;
  Format format = Format::kTable;
  WatchOptions watch;
};
void AddViewFlags(Flags& flags, ViewOptions& options);

// "12s", "3m", "2h", "5d"; "" when never.
std::string Age(std::optional<WallTime> then, WallTime now);
Tone ToneOfPressure(std::string_view pressure);
std::string BytesOr(const std::optional<uint64_t>& bytes);  // "" = unknown

// How a workload does, from its object's status or from an exporter's /v1/models.
struct ModelState {
  std::string kind, ns, name;
  std::string node, phase, message, endpoint;
  std::optional<uint64_t> footprint;  // bytes it was admitted with
  int64_t restarts = 0;
  std::optional<int64_t> download_percent;  // while its files come
};
ModelState StateOf(const Wanted& wanted);
std::vector<ModelState> StatesOf(const Json& models);  // the body of /v1/models
Json ToJson(const ModelState& state);
Tone ToneOfPhase(std::string_view phase);

// A node's exporter, by the address it publishes; "" when it is stale or says none.
std::string ExporterOf(const kube::Node& node, WallTime now);

}  // namespace headroom::cli
