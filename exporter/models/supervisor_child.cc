// What the child does and says: its start, its health, its end.
#include "exporter/models/supervisor_step.h"

namespace headroom::exporter {

using Type = Event::Type;

void Stepper::BecomeReady() {
  ReleaseSlot();
  if (it_.state == State::kLoading) {
    const auto took =
        std::chrono::duration_cast<std::chrono::milliseconds>(now_ - it_.load_started);
    if (!it_.adopted) it_.load_duration = took;  // when that one began is not known so exactly
    it_.ready_since = now_;
  }
  Enter(State::kReady);
  it_.failures = it_.successes = 0;
  if (!std::exchange(it_.published, true)) Do(Action::kPublish);
}

void Stepper::OnAdopted(const Event& event) {
  if (Running()) return;
  it_.pid = event.pid;
  it_.identity = event.text;
  it_.spawned_before = it_.adopted = true;
  it_.restarts = event.restarts;
  it_.load_duration = event.load;
  it_.slot = true;  // it may still be loading
  it_.load_started = it_.probe_at = now_;
  it_.load_limit = now_ + LoadTime(event.bytes);
  Enter(State::kLoading, "adopted from the exporter before");
  Do(Action::kAcquireSlot);
}

void Stepper::OnSpawned(const Event& event) {
  if (!std::exchange(it_.spawning, false)) return;
  it_.pid = event.pid;
  it_.probing = it_.adopted = false;
  if (std::exchange(it_.spawned_before, true)) ++it_.restarts;
  if (it_.state == State::kStopping) Do(Action::kTerminate);
}

void Stepper::OnSpawnFailed(const Event& event) {
  if (!std::exchange(it_.spawning, false)) return;
  if (it_.state == State::kStopping) return Stopped();
  Crashed(event.text);
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

}  // namespace headroom::exporter
