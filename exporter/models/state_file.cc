#include "exporter/models/state_file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>

#include "common/files.h"
#include "common/json.h"

namespace headroom::exporter {
namespace {

constexpr int64_t kVersion = 1;

Error Bad(size_t index, std::string_view what) {
  return Error(Code::kInvalid, "models[" + std::to_string(index) + "]: " + std::string(what));
}

Result<ChildRecord> DecodeRecord(const Json& json, size_t index) {
  ChildRecord record;
  record.key = StringOr(json, {"key"});
  record.identity = StringOr(json, {"identity"});
  const int64_t pid = IntOr(json, {"pid"}, 0);
  const int64_t port = IntOr(json, {"port"}, 0);
  const Json* start = json.Find("startTime");
  const Json* footprint = json.Find("footprintBytes");
  if (record.key.empty() || record.identity.empty()) return Bad(index, "key or identity missing");
  // 1 is init; a negative or zero pid would signal whole groups.
  if (pid <= 1 || pid > std::numeric_limits<pid_t>::max()) return Bad(index, "pid out of range");
  if (port <= 0 || port > 65535) return Bad(index, "port out of range");
  if (start == nullptr || !start->AsUint()) return Bad(index, "startTime missing");
  record.pid = static_cast<pid_t>(pid);
  record.port = static_cast<uint16_t>(port);
  record.start_time = *start->AsUint();
  record.bound = BoolOr(json, {"bound"}, false);
  record.footprint = footprint != nullptr ? footprint->AsUint().value_or(0) : 0;
  if (const auto started = ParseRfc3339(StringOr(json, {"startedAt"}))) record.started = *started;
  const int64_t restarts = IntOr(json, {"restarts"}, 0);
  record.restarts = static_cast<int>(std::clamp<int64_t>(restarts, 0, 1'000'000));
  const int64_t load = IntOr(json, {"loadMilliseconds"}, -1);
  if (load >= 0) record.load_duration = std::chrono::milliseconds(load);
  return record;
}

}  // namespace

std::string EncodeState(const std::vector<ChildRecord>& children) {
  Json state = Json::MakeObject();
  state.Set("version", kVersion);
  Json models = Json::MakeArray();
  for (const ChildRecord& child : children) {
    Json record = Json::MakeObject();
    record.Set("key", child.key);
    record.Set("pid", static_cast<int64_t>(child.pid));
    record.Set("startTime", child.start_time);
    record.Set("port", static_cast<int64_t>(child.port));
    record.Set("identity", child.identity);
    record.Set("footprintBytes", child.footprint);
    record.Set("bound", child.bound);
    if (child.started) record.Set("startedAt", FormatRfc3339(*child.started));
    record.Set("restarts", child.restarts);
    if (child.load_duration) record.Set("loadMilliseconds", child.load_duration->count());
    models.Append(std::move(record));
  }
  state.Set("models", std::move(models));
  return WriteJsonPretty(state);
}

Result<std::vector<ChildRecord>> DecodeState(std::string_view text) {
  const auto json = ParseJson(text);
  if (!json) return json.error();
  const int64_t version = IntOr(*json, {"version"}, 0);
  if (version != kVersion) {
    return Error(Code::kUnsupported, "version: expected 1, found " + std::to_string(version));
  }
  const Json* models = json->Find("models");
  if (models == nullptr || models->AsArray() == nullptr) {
    return Error(Code::kInvalid, "models: expected an array");
  }
  std::vector<ChildRecord> children;
  for (const Json& model : *models->AsArray()) {
    auto record = DecodeRecord(model, children.size());
    if (!record) return record.error();
    children.push_back(std::move(*record));
  }
  return children;
}

Result<std::unique_ptr<StateDir>> StateDir::Open(const std::string& folder) {
  std::error_code error;
  if (std::filesystem::create_directories(folder, error)) {
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
  }
  if (error) return Error(Code::kIo, "--state-dir " + folder + ": " + error.message());
  const std::string path = folder + "/lock";
  const int lock = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (lock < 0) return Error(Code::kIo, "--state-dir: " + path + ": " + std::strerror(errno));
  if (::flock(lock, LOCK_EX | LOCK_NB) != 0) {
    ::close(lock);
    return Error(Code::kConflict, "--state-dir " + folder +
                                      ": another headroom-exporter uses it; stop that one or "
                                      "give this one its own folder");
  }
  std::unique_ptr<StateDir> dir(new StateDir(folder, lock));
  const std::string holder = std::to_string(::getpid()) + "\n";
  if (::ftruncate(lock, 0) != 0 ||
      ::write(lock, holder.data(), holder.size()) != static_cast<ssize_t>(holder.size())) {
    return Error(Code::kIo, "--state-dir: " + path + ": " + std::strerror(errno));
  }
  return dir;
}

StateDir::~StateDir() { ::close(lock_); }

Result<std::vector<ChildRecord>> StateDir::Load() const {
  const auto text = ReadFile(File());
  if (!text) {
    if (text.error().code() == Code::kNotFound) return std::vector<ChildRecord>();
    return text.error();
  }
  auto children = DecodeState(*text);
  if (!children) {
    return children.error().Within(File() +
                                   " (stop the llama-servers of this node and remove the file)");
  }
  return children;
}

Result<void> StateDir::Save(const std::vector<ChildRecord>& children) const {
  return WriteFileAtomically(File(), EncodeState(children), 0600);
}

}  // namespace headroom::exporter
