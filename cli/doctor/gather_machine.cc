#include <sys/utsname.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>

#include "cli/doctor/gather.h"
#include "cli/doctor/run_program.h"
#include "cli/fleet/reader.h"
#include "net/http_server.h"
#include "sources/store_file.h"

namespace headroom::cli {
namespace {

namespace asio = boost::asio;

std::string StateDir() {
  const char* state = std::getenv("XDG_STATE_HOME");
  if (state != nullptr && *state == '/') return std::string(state) + "/headroom";
  const char* home = std::getenv("HOME");
  return home != nullptr && *home == '/' ? std::string(home) + "/.local/state/headroom"
                                         : "/var/lib/headroom";
}

// The nearest folder above that exists: what is made later will lie on its disk.
std::string Existing(std::filesystem::path path) {
  std::error_code error;
  while (path.has_parent_path() && !std::filesystem::exists(path, error)) {
    path = path.parent_path();
  }
  return path.string();
}

void GatherStore(MachineFacts& facts) {
  std::error_code error;
  facts.state_exists = std::filesystem::exists(facts.state_dir, error);
  facts.state_writable = ::access(facts.state_dir.c_str(), W_OK) == 0;
  if (const auto free = sources::FreeDiskBytes(Existing(facts.state_dir))) {
    facts.free_bytes = *free;
  }
}

void GatherExporter(MachineFacts& facts) {
  facts.exporter = kLocalExporter;
  auto stats = GetJson(kLocalExporter, "/memstats");
  if (stats) {
    facts.memstats = std::move(*stats);
    return;
  }
  facts.exporter_problem = stats.error().message();
  asio::io_context io(1);
  const std::string address = std::string(kLocalExporter).substr(sizeof "http://" - 1);
  facts.port_free =
      net::HttpServer::Listen(io.get_executor(), {.listen = address}, nullptr).has_value();
}

}  // namespace

MachineFacts GatherMachine(const MachineQuestions& questions) {
  MachineFacts facts;
  utsname host{};
  if (::uname(&host) == 0) {
    facts.darwin = std::string_view(host.sysname) == "Darwin";
    facts.os_release = host.release;
  }
  facts.root = ::geteuid() == 0;
  facts.state_dir = questions.state_dir.empty() ? StateDir() : questions.state_dir;
  auto version = ProgramOutput(questions.llama_server, {"--version"}, true);
  if (version) {
    facts.llama_version_text = std::move(*version);
    if (auto help = ProgramOutput(questions.llama_server, {"--help"}, false)) {
      facts.llama_help = std::move(*help);
    }
  } else {
    facts.llama_problem = version.error().message();
  }
  GatherExporter(facts);
  GatherStore(facts);
  GatherEstimates(questions, facts);
  if (!facts.darwin) return facts;
  if (facts.memstats.IsNull()) {
    const auto probe = ProgramOutput("headroom-exporter", {"--probe-metal"}, false);
    const auto json = probe ? ParseJson(*probe) : Result<Json>(probe.error());
    if (json) facts.metal = *json;
  }
  if (auto value =
          ProgramOutput("/usr/sbin/sysctl", {"-n", "iogpu.disable_wired_collector"}, false)) {
    facts.wired_collector = value->substr(0, value->find('\n'));
  }
  return facts;
}

}  // namespace headroom::cli
