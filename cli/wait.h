// `headroom apply --wait`: follows what was applied on this machine's exporter until it serves.
// Deciding is pure; the loop around it asks the exporter.
#pragma once

#include <string>
#include <vector>

#include "cli/cli.h"
#include "cli/output/progress.h"
#include "common/json.h"
#include "common/time.h"

namespace headroom::cli {

// A model to wait for. Of one that was `changed` the exporter shows the old state until it has
// looked at the folder again.
struct Awaited {
  std::string kind, ns, name;
  bool changed = false;
};
// Whether an object is served by itself: a Model without spec.serving is only weights.
bool IsServed(const Json& object);

class Waiting {
 public:
  Waiting(std::vector<Awaited> models, SteadyTime now, std::chrono::milliseconds timeout);

  struct Step {
    std::vector<std::string> served;    // lines to print: who serves now, and where
    std::optional<Error> failed;        // somebody will not, or not in time
    std::optional<ProgressState> next;  // who is waited for; unset = all serve
  };
  // `models`: the body of the exporter's /v1/models.
  Step Look(const Json& models, SteadyTime now);

 private:
  std::vector<Awaited> models_;  // that do not serve yet
  SteadyTime started_, deadline_;
};

// Blocking. Prints who serves; kFailed with the reason when one will not.
int WaitUntilServed(Streams streams, const std::string& exporter, std::vector<Awaited> models,
                    std::chrono::milliseconds timeout);

}  // namespace headroom::cli
