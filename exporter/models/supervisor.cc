#include "exporter/models/supervisor.h"

#include <algorithm>
#include <utility>

namespace headroom::exporter {
namespace {

using Type = Event::Type;

// One Step: the workload, the time, and the actions gathered so far.
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
      case State::kBackoff:
      case State::kFailed:
      case State::kGone: return true;
      default: return false;
    }
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

void Stepper::Enter(State state, std::string reason) {
  if (it_.state != state) it_.since = now_;
  it_.state = state;
  it_.reason = std::move(reason);
  it_.wake_at.reset();
}

void Stepper::ReleaseSlot() {
  if (std::exchange(it_.slot, false)) Do(Action::kReleaseSlot);
}

void Stepper::Withdraw() {
  if (std::exchange(it_.published, false)) Do(Action::kWithdraw);
}

// A new attempt from the start. Only without a child.
void Stepper::Begin() {
  ReleaseSlot();
  ++it_.attempt;
  Enter(State::kClaiming);
  Do(Action::kClaim);
}

void Stepper::Wait(State state, std::string reason, SupervisorPolicy::Duration retry) {
  ReleaseSlot();
  Enter(state, std::move(reason));
  it_.wake_at = now_ + retry;
}

void Stepper::Stop(Supervised::AfterStop after, std::string reason,
                   SupervisorPolicy::Duration limit) {
  Withdraw();
  it_.after_stop = after;
  if (it_.state == State::kStopping) {  // asked again: the running limit stays
    it_.reason = std::move(reason);
    return;
  }
  Enter(State::kStopping, std::move(reason));
  it_.wake_at = now_ + limit;
  if (it_.pid != 0) Do(Action::kTerminate);
}

void Stepper::Retire() {
  ReleaseSlot();
  Do(Action::kReleaseClaim);
  it_.crashes = it_.restarts = 0;
  it_.spawned_before = false;
  it_.backoff.reset();
  it_.identity.clear();
  Enter(State::kGone);
}

void Stepper::BackOff(std::string reason) {
  if (!it_.backoff) it_.backoff.emplace(policy_.backoff_initial, policy_.backoff_max);
  Wait(State::kBackoff, std::move(reason), it_.backoff->Next(jitter_()));
}

void Stepper::Crashed(std::string reason) {
  if (++it_.crashes < policy_.crash_limit) return BackOff(std::move(reason));
  it_.backoff.reset();
  const std::string count = std::to_string(it_.crashes);
  it_.crashes = 0;
  Wait(State::kFailed, count + " starts in a row failed; the last: " + reason,
       policy_.failed_retry);
}

void Stepper::BecomeReady() {
  ReleaseSlot();
  if (it_.state == State::kLoading) {
    it_.load_duration =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_ - it_.load_started);
    it_.ready_since = now_;
  }
  Enter(State::kReady);
  it_.failures = it_.successes = 0;
  if (!std::exchange(it_.published, true)) Do(Action::kPublish);
}

void Stepper::OnWanted(const Event& event) {
  const bool changed = it_.identity != event.text;
  it_.wanted = true;
  it_.identity = event.text;
  if (it_.state == State::kStopping) {
    if (it_.after_stop == Supervised::AfterStop::kInvalid) {
      it_.after_stop = Supervised::AfterStop::kRestart;
    }
    return;
  }
  if (Running()) {
    if (changed) Stop(Supervised::AfterStop::kRestart, "its specification changed", policy_.drain);
    return;
  }
  it_.crashes = 0;
  it_.backoff.reset();
  Begin();
}

void Stepper::OnInvalid(const Event& event) {
  it_.wanted = true;
  it_.identity.clear();
  if (Running()) return Stop(Supervised::AfterStop::kInvalid, event.text, policy_.drain);
  ReleaseSlot();
  if (!Idle()) {  // a step is under way: its answer is not wanted, nor what it took
    ++it_.attempt;
    Do(Action::kReleaseClaim);
  }
  Enter(State::kFailed, event.text);
}

void Stepper::OnUnwanted() {
  it_.wanted = false;
  if (Running()) return Stop(Supervised::AfterStop::kRestart, "no longer wanted", policy_.drain);
  if (it_.state != State::kGone) Retire();
}

void Stepper::OnAdopted(const Event& event) {
  if (Running()) return;
  it_.pid = event.pid;
  it_.identity = event.text;
  it_.spawned_before = true;
  it_.slot = true;  // it may still be loading
  it_.load_started = it_.probe_at = now_;
  it_.load_limit = now_ + policy_.load_base;
  Enter(State::kLoading, "adopted from the exporter before");
  Do(Action::kAcquireSlot);
}

void Stepper::OnClaimed(const Event& event) {
  // Withdrawn while the write was under way: what was written must go again.
  const bool invalid = it_.state == State::kFailed && it_.identity.empty();
  if (invalid || (!it_.wanted && it_.state == State::kGone)) return Do(Action::kReleaseClaim);
  if (!IsAnswer(event, State::kClaiming)) return;
  if (!event.fetch) return AwaitSlot();
  Enter(State::kFetching, event.text);
  Do(Action::kFetch);
}

void Stepper::AwaitSlot() {
  Enter(State::kPreflight, "waiting until no other model is loading");
  it_.slot = true;
  Do(Action::kAcquireSlot);
}

void Stepper::OnFetchFailed(const Event& event) {
  if (!IsAnswer(event, State::kFetching)) return;
  // The same bytes would be fetched again for the same answer: only an edit helps.
  if (event.lasting) return Enter(State::kFailed, event.text);
  Wait(State::kFailed, event.text, policy_.failed_retry);
}

void Stepper::OnRefused(const Event& event) {
  if (!IsAnswer(event, State::kClaiming) && !IsAnswer(event, State::kPreflight)) return;
  // A claim made for this attempt is given back, so that another node may take the workload.
  if (it_.state == State::kPreflight) Do(Action::kReleaseClaim);
  Wait(State::kWaitingForMemory, event.text, policy_.waiting_retry);
}

void Stepper::OnStepFailed(const Event& event) {
  const bool fetching = IsAnswer(event, State::kFetching);
  if (!fetching && !IsAnswer(event, State::kClaiming) && !IsAnswer(event, State::kPreflight)) return;
  BackOff(event.text);
}

void Stepper::OnPreflightPassed(const Event& event) {
  if (!IsAnswer(event, State::kPreflight) || !it_.slot) return;
  const auto by_size = std::chrono::seconds(event.bytes / policy_.load_bytes_per_second);
  it_.load_started = it_.probe_at = now_;
  it_.load_limit = now_ + policy_.load_base + by_size;
  it_.load_duration.reset();
  it_.failures = it_.successes = 0;
  it_.spawning = true;
  Enter(State::kLoading);
  Do(Action::kSpawn);
}

void Stepper::OnSpawned(const Event& event) {
  if (!std::exchange(it_.spawning, false)) return;
  it_.pid = event.pid;
  it_.probing = false;
  if (std::exchange(it_.spawned_before, true)) ++it_.restarts;
  if (it_.state == State::kStopping) Do(Action::kTerminate);
}

void Stepper::OnSpawnFailed(const Event& event) {
  if (!std::exchange(it_.spawning, false)) return;
  if (it_.state == State::kStopping) return Stopped();
  Crashed(event.text);
}

// There is no child any more and that was asked for.
void Stepper::Stopped() {
  ReleaseSlot();
  if (!it_.wanted) return Retire();
  switch (it_.after_stop) {
    case Supervised::AfterStop::kRestart: return Begin();
    case Supervised::AfterStop::kInvalid: return Enter(State::kFailed, it_.reason);
    case Supervised::AfterStop::kFailure: return Crashed(it_.reason);
  }
}

void Stepper::OnExited(const Event& event) {
  if (it_.pid == 0 || event.pid != it_.pid) return;
  const bool asked = it_.state == State::kStopping;
  if (it_.state == State::kReady && now_ - it_.ready_since >= policy_.stable_after) {
    it_.crashes = 0;
    it_.backoff.reset();
  }
  const char* when = it_.state == State::kLoading ? " while loading" : "";
  it_.pid = 0;
  it_.probing = false;
  Withdraw();
  ReleaseSlot();
  if (asked || !it_.wanted) return Stopped();
  Crashed("llama-server ended by itself" + std::string(when) + ": " + event.text);
}

void Stepper::OnProbe(const Event& event) {
  if (it_.pid == 0 || event.pid != it_.pid) return;
  it_.probing = false;
  if (event.type != Type::kProbeOk) return OnProbeBad(event);
  it_.failures = 0;
  if (it_.state == State::kLoading) {
    BecomeReady();
  } else if (it_.state == State::kUnhealthy && ++it_.successes >= policy_.successes_to_ready) {
    BecomeReady();
  }
  it_.probe_at =
      now_ + (it_.state == State::kUnhealthy ? policy_.doubtful_probe : policy_.ready_probe);
}

void Stepper::OnProbeBad(const Event& event) {
  if (it_.state == State::kLoading) {  // 503 or not listening yet: the child's life decides
    it_.probe_at = now_ + policy_.loading_probe;
    return;
  }
  if (it_.state != State::kReady && it_.state != State::kUnhealthy) return;
  it_.probe_at = now_ + policy_.doubtful_probe;
  it_.successes = 0;
  ++it_.failures;
  const std::string text = event.text.empty() ? "it says that it is loading" : event.text;
  const std::string reason =
      "/health failed " + std::to_string(it_.failures) + " times in a row: " + text;
  if (it_.failures >= policy_.failures_to_stop) {
    Stop(Supervised::AfterStop::kFailure, reason, policy_.hung_drain);
  } else if (it_.failures >= policy_.failures_to_unhealthy) {
    Withdraw();
    Enter(State::kUnhealthy, reason);
  }
}

void Stepper::OnTick() {
  switch (it_.state) {
    case State::kLoading:
      if (now_ >= it_.load_limit) {
        const auto limit =
            std::chrono::duration_cast<std::chrono::seconds>(it_.load_limit - it_.load_started);
        return Stop(Supervised::AfterStop::kFailure,
                    "not ready after " + std::to_string(limit.count()) +
                        " s, the limit for a file of this size",
                    policy_.hung_drain);
      }
      [[fallthrough]];
    case State::kReady:
    case State::kUnhealthy:
      if (it_.pid == 0 || it_.probing || now_ < it_.probe_at) return;
      it_.probing = true;
      return Do(Action::kProbe);
    case State::kStopping:
      if (it_.pid == 0 || !it_.wake_at || now_ < *it_.wake_at) return;
      it_.wake_at = now_ + policy_.kill_again;
      return Do(Action::kKill);
    default:
      if (Idle() && it_.wanted && it_.wake_at && now_ >= *it_.wake_at) Begin();
  }
}

void Stepper::On(const Event& event) {
  switch (event.type) {
    case Type::kWanted: return OnWanted(event);
    case Type::kInvalid: return OnInvalid(event);
    case Type::kUnwanted: return OnUnwanted();
    case Type::kAdopted: return OnAdopted(event);
    case Type::kClaimed: return OnClaimed(event);
    case Type::kRefused: return OnRefused(event);
    case Type::kHeldElsewhere:
      if (!IsAnswer(event, State::kClaiming)) return;
      return Wait(State::kPending, event.text, policy_.claimed_elsewhere_retry);
    case Type::kStepFailed: return OnStepFailed(event);
    case Type::kFetched:
      if (IsAnswer(event, State::kFetching)) AwaitSlot();
      return;
    case Type::kFetchFailed: return OnFetchFailed(event);
    case Type::kSlotGranted:
      if (!IsAnswer(event, State::kPreflight) || !it_.slot) return;
      Enter(State::kPreflight);
      return Do(Action::kPreflight);
    case Type::kPreflightPassed: return OnPreflightPassed(event);
    case Type::kSpawned: return OnSpawned(event);
    case Type::kSpawnFailed: return OnSpawnFailed(event);
    case Type::kExited: return OnExited(event);
    case Type::kProbeOk:
    case Type::kProbeLoading:
    case Type::kProbeFailed: return OnProbe(event);
    case Type::kMemoryFreed:
      if (it_.state == State::kWaitingForMemory && it_.wanted) Begin();
      return;
    case Type::kTick: return OnTick();
  }
}

}  // namespace

Actions Supervisor::Step(Supervised& it, const Event& event, SteadyTime now) const {
  Stepper stepper(policy_, jitter_, it, now);
  stepper.On(event);
  return stepper.Take();
}

}  // namespace headroom::exporter
