// A supervisor under a clock that the test moves. For the tests of the supervisor.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "exporter/models/supervisor.h"

namespace headroom::exporter::test {

using namespace std::chrono_literals;
using Type = Event::Type;

// A workload under a supervisor with a clock that the test moves.
struct World {
  SupervisorPolicy policy;
  Supervised it;
  SteadyTime now{};

  Actions On(Event event) {
    return Supervisor(policy, [] { return 0.0; }).Step(it, event, now);
  }
  Actions Tick(SupervisorPolicy::Duration later = 0ms) {
    now += later;
    return On({});
  }
  std::optional<SteadyTime> Wake() const {
    return Supervisor(policy, [] { return 0.0; }).NextWake(it);
  }
  Actions Wanted(std::string identity = "a") {
    return On({.type = Type::kWanted, .text = std::move(identity)});
  }
  Actions Claimed() { return On({.type = Type::kClaimed, .attempt = it.attempt}); }
  Actions Granted() { return On({.type = Type::kSlotGranted, .attempt = it.attempt}); }
  Actions Passed(uint64_t bytes = 0) {
    return On({.type = Type::kPreflightPassed, .attempt = it.attempt, .bytes = bytes});
  }
  Actions Spawned(pid_t pid) { return On({.type = Type::kSpawned, .pid = pid}); }
  Actions Exited(pid_t pid, std::string text = "exit code 1") {
    return On({.type = Type::kExited, .text = std::move(text), .pid = pid});
  }
  Actions Probe(Type type, std::string text = "") {
    return On({.type = type, .text = std::move(text), .pid = it.pid});
  }
  void Launch(pid_t pid) {
    if (it.state != State::kClaiming) Wanted();
    Claimed();
    Granted();
    Passed();
    Spawned(pid);
  }
  void MakeReady(pid_t pid) {
    Launch(pid);
    Tick();
    Probe(Type::kProbeOk);
  }
};

}  // namespace headroom::exporter::test
