// One step of the state machine, for supervisor*.cc only: the workload, the time, and the actions
// gathered so far.
#pragma once

#include <functional>
#include <string>
#include <utility>

#include "exporter/models/supervisor.h"

namespace headroom::exporter {

class Stepper {
 public:
  Stepper(const SupervisorPolicy& policy, const std::function<double()>& jitter, Supervised& it,
          SteadyTime now)
      : policy_(policy), jitter_(jitter), it_(it), now_(now) {}

  Actions Take() { return std::move(actions_); }
  void On(const Event& event);

 private:
  bool Running() const { return it_.pid != 0 || it_.spawning; }
  bool Idle() const {
    switch (it_.state) {
      case State::kPending:
      case State::kWaitingForMemory:
      case State::kEvicted:
      case State::kBackoff:
      case State::kFailed:
      case State::kGone: return true;
      default: return false;
    }
  }
  // How long a server may take to load a file of this size.
  SupervisorPolicy::Duration LoadTime(uint64_t bytes) const {
    return policy_.load_base + std::chrono::seconds(bytes / policy_.load_bytes_per_second);
  }
  bool IsAnswer(const Event& event, State state) const {
    return it_.state == state && event.attempt == it_.attempt;
  }

  void Enter(State state, std::string reason = "");
  void Do(Action action) { actions_.push_back(action); }
  void ReleaseSlot();
  void Withdraw();
  void Begin();
  void Wait(State state, std::string reason, SupervisorPolicy::Duration retry);
  void Stop(Supervised::AfterStop after, std::string reason, SupervisorPolicy::Duration limit);
  void Stopped();
  void Retire();
  void BackOff(std::string reason);
  void Crashed(std::string reason);
  void BecomeReady();

  void OnWanted(const Event& event);
  void OnInvalid(const Event& event);
  void OnUnwanted();
  void OnFenced(const Event& event);
  void OnEvicted(const Event& event);
  void OnAdopted(const Event& event);
  void OnClaimed(const Event& event);
  void OnRefused(const Event& event);
  void OnStepFailed(const Event& event);
  void OnFetchFailed(const Event& event);
  void AwaitSlot();
  void OnPreflightPassed(const Event& event);
  void OnSpawned(const Event& event);
  void OnSpawnFailed(const Event& event);
  void OnExited(const Event& event);
  void OnProbe(const Event& event);
  void OnProbeBad(const Event& event);
  void OnTick();

  const SupervisorPolicy& policy_;
  const std::function<double()>& jitter_;
  Supervised& it_;
  SteadyTime now_;
  Actions actions_;
};

}  // namespace headroom::exporter
