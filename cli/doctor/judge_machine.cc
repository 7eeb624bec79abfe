#include <algorithm>
#include <charconv>

#include "cli/doctor/estimates.h"
#include "common/quantity.h"

namespace headroom::cli {
namespace {

using Level = Finding::Level;

// Arguments that fix every size of a launch; without one a model may take more than was admitted.
constexpr std::string_view kSizingFlags[] = {"--ctx-size",     "--parallel",       "--cache-type-k",
                                             "--cache-type-v", "--ubatch-size",    "--cache-ram",
                                             "--fit",          "--ctx-checkpoints"};
constexpr uint64_t kLowSpace = 20ull << 30;  // of a store: less than one mid-sized model
constexpr int kSequoia = 24;                 // Darwin of macOS 15, which asks for the local network

std::string FirstLine(const std::string& text) { return text.substr(0, text.find('\n')); }

void JudgeLlamaServer(const MachineFacts& facts, std::vector<Finding>& out) {
  if (!facts.llama_version_text) {
    out.push_back({Level::kFailure, "llama-server", facts.llama_problem,
                   "install llama.cpp (brew install llama.cpp), or name it by --llama-server"});
    return;
  }
  out.push_back({Level::kOk, "llama-server", FirstLine(*facts.llama_version_text), ""});
  std::string missing;
  for (const std::string_view flag : kSizingFlags) {
    if (facts.llama_help.value_or("").find(flag) != std::string::npos) continue;
    missing += (missing.empty() ? "" : ", ") + std::string(flag);
  }
  if (missing.empty()) return;
  out.push_back({Level::kWarning, "llama-server flags", "it does not know " + missing,
                 "upgrade llama.cpp: what it cannot be told it chooses itself"});
}

void JudgeMetal(const MachineFacts& facts, std::vector<Finding>& out) {
  if (!facts.darwin) {
    out.push_back({Level::kNote, "metal", "not a Mac: models run on the CPU", ""});
    return;
  }
  const bool exporter = facts.memstats.IsObject();
  const std::string device = exporter ? StringOr(facts.memstats, {"gpu", "device"})
                                      : StringOr(facts.metal, {"metal", "name"});
  const int64_t limit = exporter ? IntOr(facts.memstats, {"gpu", "workingSetLimit"}, 0)
                                 : IntOr(facts.metal, {"metal", "recommendedMaxWorkingSetSize"}, 0);
  if (device.empty() && !exporter && facts.metal.IsNull()) {
    out.push_back({Level::kWarning, "metal", "nobody could be asked about the GPU",
                   "install headroom-exporter beside headroom, or start it"});
    return;
  }
  if (device.empty()) {
    out.push_back({Level::kFailure, "metal", "no Metal device is visible to this session",
                   "run the exporter as a LaunchDaemon or in a logged-in session; over ssh Metal "
                   "may hide its device"});
    return;
  }
  out.push_back(
      {limit > 0 ? Level::kOk : Level::kWarning, "metal",
       device + (limit > 0 ? ", working set limit " + FormatBytes(static_cast<uint64_t>(limit))
                           : ", no working set limit known"),
       limit > 0 ? "" : "budgets are not capped by the GPU; set --memory-budget"});
}

void JudgeWired(const MachineFacts& facts, std::vector<Finding>& out) {
  if (!facts.darwin || facts.wired_collector.empty()) return;
  if (facts.wired_collector == "0") {
    out.push_back({Level::kNote, "wired collector",
                   "on: idle models are unwired after a second, so wired memory swings", ""});
  } else {
    out.push_back({Level::kWarning, "wired collector",
                   "off (iogpu.disable_wired_collector=" + facts.wired_collector +
                       "): the system cannot take the GPU's memory back under pressure",
                   "sudo sysctl iogpu.disable_wired_collector=0, unless latency matters more"});
  }
}

void JudgeLocalNetwork(const MachineFacts& facts, std::vector<Finding>& out) {
  int release = 0;
  std::from_chars(facts.os_release.data(), facts.os_release.data() + facts.os_release.size(),
                  release);
  if (!facts.darwin || release < kSequoia || facts.root) return;
  out.push_back({Level::kNote, "local network",
                 "macOS 15 and newer ask before a program of a user may use the local network; "
                 "System Settings > Privacy & Security > Local Network lists who may",
                 ""});
}

void JudgeExporter(const MachineFacts& facts, std::vector<Finding>& out) {
  if (facts.memstats.IsObject()) {
    const std::string pressure = StringOr(facts.memstats, {"pressure"});
    out.push_back({Level::kOk, "exporter", "answers at " + facts.exporter, ""});
    out.push_back({pressure == "normal" ? Level::kOk : Level::kWarning, "memory pressure",
                   pressure.empty() ? "unknown" : pressure,
                   pressure == "normal" ? "" : "headroom top tells what takes the memory"});
    return;
  }
  if (facts.port_free) {
    out.push_back(
        {Level::kNote, "exporter", "none answers at " + facts.exporter + "; its port is free", ""});
  } else {
    out.push_back({Level::kFailure, "exporter",
                   facts.exporter + " is taken by another program: " + facts.exporter_problem,
                   "end that program, or give the exporter another --listen"});
  }
}

void JudgeStore(const MachineFacts& facts, std::vector<Finding>& out) {
  if (facts.state_exists && !facts.state_writable) {
    out.push_back({Level::kFailure, "state folder", facts.state_dir + " is not writable by you",
                   "give it to the user that runs the exporter, or name another --state-dir"});
  } else {
    out.push_back({Level::kOk, "state folder",
                   facts.state_dir + (facts.state_exists ? "" : " (made at the first start)"), ""});
  }
  if (!facts.free_bytes) return;
  const bool low = *facts.free_bytes < kLowSpace;
  out.push_back({low ? Level::kWarning : Level::kOk, "store space",
                 FormatBytes(*facts.free_bytes) + " free for downloaded models",
                 low ? "free some space, or move the store with --store-dir" : ""});
}

void JudgeEstimates(const MachineFacts& facts, std::vector<Finding>& out) {
  if (!facts.not_compared.empty()) {
    out.push_back({Level::kNote, "estimate", facts.not_compared, ""});
  }
  for (const ComparedEstimate& one : facts.estimates) out.push_back(JudgeComparison(one));
}

}  // namespace

std::vector<Finding> JudgeMachine(const MachineFacts& facts) {
  std::vector<Finding> out;
  JudgeLlamaServer(facts, out);
  JudgeEstimates(facts, out);
  JudgeMetal(facts, out);
  JudgeWired(facts, out);
  JudgeExporter(facts, out);
  JudgeStore(facts, out);
  JudgeLocalNetwork(facts, out);
  return out;
}

}  // namespace headroom::cli
