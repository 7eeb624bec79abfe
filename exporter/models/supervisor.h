// Supervisor: the life of one workload on this node as a pure state machine. It is fed events and
// the time and answers with actions; the manager carries them out and feeds the results back.
//
// Invariants, whatever the order of events: a new llama-server is asked for only after the exit of
// the old one was seen; a stop escalates until that exit; the load slot is held from before the
// pre-flight until the server is ready or gone; the endpoint is published only while ready; a claim
// is given up by whatever ends an attempt for longer than a backoff.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/backoff.h"
#include "common/time.h"

namespace headroom::exporter {

enum class State {
  kPending,           // nothing done yet, or another node runs it
  kWaitingForMemory,  // refused by the verdict; tried again when memory is freed
  kClaiming,          // header read, verdict, one write to the API object
  kFetching,          // the model file comes into the node's store
  kPreflight,         // waiting for other loads, then the verdict with the memory in use now
  kLoading,           // llama-server runs and is not ready yet
  kReady,
  kUnhealthy,  // runs, was ready, does not answer
  kStopping,
  kEvicted,  // stopped because memory was critical; comes back when the evictor says so
  kBackoff,  // failed; the next attempt is timed
  kFailed,   // failed too often, or can never work as it is written
  kGone,     // not wanted, nothing left of it
};
std::string_view ToString(State state);  // "waiting-for-memory"

struct SupervisorPolicy {
  using Duration = std::chrono::milliseconds;
  Duration loading_probe{250}, ready_probe{10'000}, doubtful_probe{2'000};
  int failures_to_unhealthy = 3, successes_to_ready = 2;
  int failures_to_stop = 9;  // in a row, those before "unhealthy" included
  // A load may take this long: mapping and warming up a cold file from a slow disk.
  Duration load_base{120'000};
  uint64_t load_bytes_per_second = 20u << 20;
  // llama-server finishes a running request on SIGTERM, and waits for ever on one whose client
  // keeps the connection; after the limit the process group is killed.
  Duration drain{30'000}, hung_drain{10'000}, kill_again{5'000};
  // Out of touch with the API server another node takes over when our Lease ends (lease_keeper.h);
  // evicted, the memory is wanted back soon.
  Duration fence_drain{5'000}, evict_drain{10'000};
  Duration backoff_initial{1'000}, backoff_max{120'000};
  int crash_limit = 5;             // starts in a row that did not stay up
  Duration stable_after{600'000};  // ready this long: earlier crashes are forgotten
  Duration failed_retry{600'000};
  Duration waiting_retry{15'000}, claimed_elsewhere_retry{30'000}, out_of_touch_retry{2'000};
};

struct Event {
  enum class Type {
    kWanted,           // the workload is new or its spec changed; text = launch identity
    kInvalid,          // as written it can never be launched; text = why
    kUnwanted,         // deleted, suspended, bound elsewhere, or we are shutting down for good
    kAdopted,          // a child of an earlier exporter lives; pid, text = launch identity, bytes,
                       // restarts, load
    kClaimed,          // attempt; fetch, text = what
    kFetched,          // attempt
    kFetchFailed,      // attempt, text, lasting: only an edit can help
    kRefused,          // by the verdict, at the claim or in pre-flight; attempt, text
    kHeldElsewhere,    // attempt, text = who holds the claim
    kOutOfTouch,       // attempt, text; nothing may be claimed or launched now
    kClaimFree,        // the node that held the claim has given it up
    kFenced,           // others may take the workload over soon; text
    kEvicted,          // text = the numbers
    kReadmitted,       // after an eviction
    kStepFailed,       // claim, fetch or pre-flight could not be done; attempt, text
    kSlotGranted,      // attempt
    kPreflightPassed,  // attempt, bytes = size of the model file
    kSpawned,          // pid
    kSpawnFailed,      // text
    kExited,           // pid, text = how
    kProbeOk,          // pid; /health said 200
    kProbeLoading,     // pid; 503
    kProbeFailed,      // pid; anything else, text
    kMemoryFreed,
    kTick,
  };
  Type type = Type::kTick;
  std::string text{};
  uint64_t attempt = 0;
  pid_t pid = 0;
  uint64_t bytes = 0;
  bool fetch = false, lasting = false;
  int restarts = 0;
  std::optional<std::chrono::milliseconds> load{};  // how long it took; unset: it may not be done
  std::chrono::milliseconds retry{
      0};  // kHeldElsewhere: when to ask again at the latest; 0 = unknown
};

enum class Action {
  kClaim,  // answered by kClaimed, kRefused, kHeldElsewhere or kStepFailed
  kReleaseClaim,
  kFetch,        // answered by kFetched, kFetchFailed or kStepFailed
  kAcquireSlot,  // answered by kSlotGranted
  kReleaseSlot,  // also gives up waiting for it
  kPreflight,    // answered by kPreflightPassed, kRefused or kStepFailed
  kSpawn,        // answered by kSpawned or kSpawnFailed; later kExited
  kProbe,        // answered by one of kProbe*
  kTerminate,    // SIGTERM to the group
  kKill,         // SIGKILL to the group
  kPublish,      // the endpoint takes traffic
  kWithdraw,
};
using Actions = std::vector<Action>;

// One workload. Owned by the manager, changed only by Supervisor::Step.
struct Supervised {
  State state = State::kPending;
  std::string reason;  // why it is in this state; "" where the state says it all
  bool wanted = false;
  std::string identity;  // of the launch that is wanted; "" = none can be made
  uint64_t attempt = 0;  // answers to earlier attempts are ignored
  pid_t pid = 0;         // 0 = no child
  bool published = false;
  int restarts = 0;                                        // starts after the first
  std::optional<std::chrono::milliseconds> load_duration;  // of the running server
  SteadyTime since{};                                      // of `state`

  // What the machine alone uses.
  enum class AfterStop { kRestart, kFailure, kInvalid, kFence, kEvict };
  AfterStop after_stop = AfterStop::kRestart;
  bool slot = false;  // held or asked for
  bool spawning = false, probing = false, spawned_before = false, adopted = false;
  int failures = 0, successes = 0, crashes = 0;
  std::optional<Backoff> backoff;
  std::optional<SteadyTime> wake_at;  // retry or stop limit, by state
  SteadyTime probe_at{}, load_limit{}, load_started{}, ready_since{};
};

class Supervisor {
 public:
  // `jitter` gives numbers in [0, 1).
  Supervisor(SupervisorPolicy policy, std::function<double()> jitter)
      : policy_(policy), jitter_(std::move(jitter)) {}

  Actions Step(Supervised& it, const Event& event, SteadyTime now) const;
  // When the next kTick is due; nullopt = only another event can change anything.
  std::optional<SteadyTime> NextWake(const Supervised& it) const;

 private:
  SupervisorPolicy policy_;
  std::function<double()> jitter_;
};

}  // namespace headroom::exporter
