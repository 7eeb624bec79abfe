#include "exporter/models/supervisor.h"

#include <algorithm>
#include <utility>

#include "exporter/models/supervisor_step.h"

namespace headroom::exporter {

using Type = Event::Type;

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
  Do(Action::kReleaseClaim);  // it may do better elsewhere
  const std::string count = std::to_string(it_.crashes);
  it_.crashes = 0;
  Wait(State::kFailed, count + " starts in a row failed; the last: " + reason,
       policy_.failed_retry);
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

// There is no child any more and that was asked for.
void Stepper::Stopped() {
  ReleaseSlot();
  if (!it_.wanted) return Retire();
  switch (it_.after_stop) {
    case Supervised::AfterStop::kRestart: return Begin();
    case Supervised::AfterStop::kInvalid:
      Do(Action::kReleaseClaim);
      return Enter(State::kFailed, it_.reason);
    case Supervised::AfterStop::kEvict:
      Do(Action::kReleaseClaim);
      return Enter(State::kEvicted, it_.reason);
    case Supervised::AfterStop::kFence:
      return Wait(State::kPending, it_.reason, policy_.out_of_touch_retry);
    case Supervised::AfterStop::kFailure: return Crashed(it_.reason);
  }
}

// It has to be gone in time, also when it was being stopped with more patience.
void Stepper::OnFenced(const Event& event) {
  if (!Running()) return;
  const SteadyTime limit = now_ + policy_.fence_drain;
  Stop(Supervised::AfterStop::kFence, event.text, policy_.fence_drain);
  it_.wake_at = std::min(*it_.wake_at, limit);
}

void Stepper::OnEvicted(const Event& event) {
  if (!Running() || it_.state == State::kStopping) return;
  Stop(Supervised::AfterStop::kEvict, event.text, policy_.evict_drain);
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
      return Wait(State::kPending, event.text,
                  event.retry.count() > 0 ? std::min(event.retry, policy_.claimed_elsewhere_retry)
                                          : policy_.claimed_elsewhere_retry);
    case Type::kOutOfTouch:
      if (!IsAnswer(event, State::kClaiming) && !IsAnswer(event, State::kPreflight)) return;
      return Wait(State::kPending, event.text, policy_.out_of_touch_retry);
    case Type::kClaimFree:
      if (it_.state == State::kPending && it_.wanted) Begin();
      return;
    case Type::kFenced: return OnFenced(event);
    case Type::kEvicted: return OnEvicted(event);
    case Type::kReadmitted:
      if (it_.state == State::kEvicted && it_.wanted) Begin();
      return;
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

Actions Supervisor::Step(Supervised& it, const Event& event, SteadyTime now) const {
  Stepper stepper(policy_, jitter_, it, now);
  stepper.On(event);
  return stepper.Take();
}

}  // namespace headroom::exporter
