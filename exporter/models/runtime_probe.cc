#include "exporter/models/runtime_probe.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kProbeTimeout{20};  // a cold start from a slow disk

// Changes when the file does (an upgrade in place).
std::string StampOf(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) return "";
  return path + " " + std::to_string(info.st_ino) + " " + std::to_string(info.st_size) + " " +
         std::to_string(info.st_mtime);
}

bool IsProgram(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode) &&
         ::access(path.c_str(), X_OK) == 0;
}

}  // namespace

Result<std::string> FindExecutable(const std::string& name, const char* path_variable) {
  const std::string advice = "; install llama.cpp or name it by --llama-server";
  if (name.find('/') != std::string::npos) {
    if (!IsProgram(name)) return Error(Code::kNotFound, name + ": no such program" + advice);
    return std::filesystem::absolute(name).string();
  }
  std::string_view rest = path_variable != nullptr ? path_variable : "";
  while (!rest.empty()) {
    const std::string_view folder = rest.substr(0, rest.find(':'));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    const std::string path = std::string(folder) + "/" + name;
    if (!folder.empty() && IsProgram(path)) return path;
  }
  return Error(Code::kNotFound, name + ": not found in PATH" + advice);
}

asio::awaitable<Result<std::string>> RuntimeProbe::Run(std::string path, std::string flag) {
  net::SpawnOptions options;
  options.executable = path;
  options.arguments = {flag};
  options.capture_stderr = flag == "--version";  // it is said there; --help goes to stdout
  const net::Deadline deadline = net::After(kProbeTimeout);
  auto captured = co_await net::Capture(reaper_, std::move(options), deadline);
  if (!captured) co_return captured.error().Within(path + " " + flag);
  if (!captured->status.ok()) {
    co_return Error(Code::kUnsupported, path + " " + flag + ": " + captured->status.ToString() +
                                            ": " + captured->output.substr(0, 200));
  }
  co_return std::move(captured->output);
}

asio::awaitable<Result<Runtime>> RuntimeProbe::Get() {
  auto path = FindExecutable(wanted_, std::getenv("PATH"));
  if (!path) co_return path.error();
  const std::string stamp = StampOf(*path);
  if (known_ && stamp == stamp_) co_return *known_;
  auto version_text = co_await Run(*path, "--version");
  if (!version_text) co_return version_text.error();
  auto version = ParseRuntimeVersion(*version_text);
  if (!version) co_return version.error().Within(*path);
  auto help = co_await Run(*path, "--help");
  if (!help) co_return help.error();
  auto flags = ParseRuntimeFlags(*help);
  if (!flags) co_return flags.error().Within(*path);
  known_ = Runtime{*path, std::move(*version), std::move(*flags)};
  stamp_ = stamp;
  co_return *known_;
}

}  // namespace headroom::exporter
