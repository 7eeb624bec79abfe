// What must survive the exporter: which llama-server runs for which workload. One small JSON file,
// replaced atomically at each start and exit of a child, so that the next exporter adopts the
// children of this one. The folder is locked: two exporters on it would run everything twice.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace headroom::exporter {

struct ChildRecord {
  std::string key;  // kube::Workload::Key()
  pid_t pid = 0;
  uint64_t start_time = 0;  // net::ProcessStartTime: with the pid it names one process
  uint16_t port = 0;
  std::string identity;  // of the launch (LaunchPlan)
  uint64_t footprint = 0;
  bool bound = false;  // by name to this node: it goes on without the API server
  // What is told of it. A file of an older version has none of these.
  std::optional<WallTime> started{};  // in whole seconds
  int restarts = 0;
  std::optional<std::chrono::milliseconds> load_duration{};  // unset while it loads
  friend bool operator==(const ChildRecord&, const ChildRecord&) = default;
};

std::string EncodeState(const std::vector<ChildRecord>& children);
// Errors name what is wrong; records are never guessed, since a wrong pid would be signalled.
Result<std::vector<ChildRecord>> DecodeState(std::string_view text);

class StateDir {
 public:
  // Makes the folder (0700) and locks it by the file "lock", which holds our process id (newsyslog
  // reads it). Errors name the folder and, where another exporter holds it, say so.
  static Result<std::unique_ptr<StateDir>> Open(const std::string& folder);
  ~StateDir();

  Result<std::vector<ChildRecord>> Load() const;  // no file yet: empty
  Result<void> Save(const std::vector<ChildRecord>& children) const;
  const std::string& folder() const { return folder_; }

 private:
  StateDir(std::string folder, int lock) : folder_(std::move(folder)), lock_(lock) {}
  std::string File() const { return folder_ + "/models.json"; }

  std::string folder_;
  int lock_;
};

}  // namespace headroom::exporter
