// The answers to the steps before a launch: claim, fetch, pre-flight.
#include "exporter/models/supervisor_step.h"

namespace headroom::exporter {

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
  Do(Action::kReleaseClaim);
  // The same bytes would be fetched again for the same answer: only an edit helps.
  if (event.lasting) return Enter(State::kFailed, event.text);
  Wait(State::kFailed, event.text, policy_.failed_retry);
}

void Stepper::OnRefused(const Event& event) {
  if (!IsAnswer(event, State::kClaiming) && !IsAnswer(event, State::kPreflight)) return;
  // A claim, of this attempt or of an earlier one, is given back: another node may have the room.
  Do(Action::kReleaseClaim);
  Wait(State::kWaitingForMemory, event.text, policy_.waiting_retry);
}

void Stepper::OnStepFailed(const Event& event) {
  const bool fetching = IsAnswer(event, State::kFetching);
  if (!fetching && !IsAnswer(event, State::kClaiming) && !IsAnswer(event, State::kPreflight))
    return;
  BackOff(event.text);
}

void Stepper::OnPreflightPassed(const Event& event) {
  if (!IsAnswer(event, State::kPreflight) || !it_.slot) return;
  it_.load_started = it_.probe_at = now_;
  it_.load_limit = now_ + LoadTime(event.bytes);
  it_.load_duration.reset();
  it_.failures = it_.successes = 0;
  it_.spawning = true;
  Enter(State::kLoading);
  Do(Action::kSpawn);
}

}  // namespace headroom::exporter
