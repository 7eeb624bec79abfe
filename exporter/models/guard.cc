#include "exporter/models/guard.h"

#include <unistd.h>

#include <charconv>
#include <csignal>
#include <filesystem>
#include <thread>
#include <vector>

#include "common/files.h"
#include "common/log.h"
#include "exporter/models/state_file.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::milliseconds kLook{250};
constexpr std::chrono::seconds kAgain{5};

std::string DeadlineFile(const std::string& folder) { return folder + "/lease"; }

// Those that live and that other nodes may run too.
std::vector<ChildRecord> Guarded(const std::string& folder) {
  std::vector<ChildRecord> guarded;
  const auto text = ReadFile(folder + "/models.json");
  const auto children = text ? DecodeState(*text) : text.error();
  if (!children) return guarded;
  for (const ChildRecord& child : *children) {
    const bool lives = net::ProcessStartTime(child.pid) == child.start_time;
    if (lives && !child.bound) guarded.push_back(child);
  }
  return guarded;
}

void End(const ChildRecord& child) {
  LogWarn("the Lease has ended and no exporter has stopped a model that others may run",
          {{"workload", child.key}, {"pid", static_cast<int64_t>(child.pid)}});
  (void)net::SignalGroup(child.pid, SIGKILL);
}

}  // namespace

std::string EncodeDeadline(SteadyTime deadline) {
  const auto since =
      std::chrono::duration_cast<std::chrono::nanoseconds>(deadline.time_since_epoch());
  return std::to_string(since.count()) + "\n";
}

std::optional<SteadyTime> DecodeDeadline(std::string_view text) {
  int64_t nanoseconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), nanoseconds);
  const bool whole =
      std::string_view(end, static_cast<size_t>(text.data() + text.size() - end)) == "\n";
  if (error != std::errc() || !whole) return std::nullopt;
  return SteadyTime(
      std::chrono::duration_cast<SteadyTime::duration>(std::chrono::nanoseconds(nanoseconds)));
}

Result<void> SaveDeadline(const std::string& folder, SteadyTime deadline) {
  return WriteFileAtomically(DeadlineFile(folder), EncodeDeadline(deadline), 0600);
}

int RunGuard(const std::string& folder) {
  const pid_t exporter = ::getppid();
  for (;;) {
    std::this_thread::sleep_for(kLook);
    const auto guarded = Guarded(folder);
    if (guarded.empty() && ::getppid() != exporter) return 0;
    if (guarded.empty()) continue;
    const auto text = ReadFile(DeadlineFile(folder));
    const auto deadline = text ? DecodeDeadline(*text) : std::nullopt;
    if (!deadline || std::chrono::steady_clock::now() < *deadline) continue;
    for (const ChildRecord& child : guarded) End(child);
  }
}

asio::awaitable<void> KeepGuard(net::Reaper& reaper, std::string executable, std::string folder) {
  std::error_code ignored;
  std::filesystem::create_directories(folder + "/logs", ignored);
  for (;;) {
    net::SpawnOptions options;
    options.executable = executable;
    options.arguments = {"--guard", folder};
    options.output_file = folder + "/logs/guard.log";
    const auto pid = net::Spawn(options);
    if (!pid) LogError("no guard for the models", {{"error", pid.error()}});
    while (pid && !co_await reaper.Wait(*pid, net::After(std::chrono::hours(1)))) {
    }
    co_await net::SleepFor(kAgain);
  }
}

}  // namespace headroom::exporter
