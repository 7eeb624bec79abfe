// Model servers other than llama-server: they fetch their own models and tell nothing of their
// arguments; their size is declared, or the sum of safetensors headers.
#include <cstdlib>

#include "common/checked.h"
#include "common/files.h"
#include "exporter/models/api_key.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"
#include "exporter/models/server_kind.h"
#include "sources/safetensors.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

// Beside the weights: the KV cache the engine allocates at start, and what it works with. A rule of
// thumb; vLLM's engines are held to it by the share of memory they are started with.
constexpr uint64_t kEngineBytes = uint64_t{1} << 30;

// A file of keys, not of anything else.
constexpr size_t kKeyFileLimit = 64u << 10;

uint64_t NeedOf(uint64_t weights) {
  const auto need = CheckedAdd(weights, weights / 4 + kEngineBytes);
  return need.value_or(UINT64_MAX);
}

}  // namespace

bool Manager::IsLlama(const Record& record) const {
  return !record.entry || record.entry->workload.spec.runtime.empty();
}

std::string Manager::HealthPath(const Record& record) const {
  const auto* kind =
      record.entry ? FindServerKind(record.entry->workload.spec.runtime) : FindServerKind("");
  return std::string(kind != nullptr ? kind->health_path : "/health");
}

std::string Manager::ApiKey(const Key& key) const {
  const auto found = records_.find(key);
  if (found == records_.end() || !found->second->entry) return "";
  const char* inherited = std::getenv("LLAMA_API_KEY");
  return ApiKeyOf(found->second->entry->workload.spec.extra_args,
                  inherited != nullptr ? inherited : "",
                  [](const std::string& path) { return ReadFile(path, kKeyFileLimit); });
}

Result<LaunchPlan> Manager::PlanOther(const Record& record, uint16_t port) const {
  const kube::Workload& workload = record.entry->workload;
  // Names the field when it is none of ours.
  if (const auto options = kube::ServingOptionsOf(workload); !options) return options.error();
  ServerInput input;
  input.kind = FindServerKind(workload.spec.runtime);
  if (input.kind == nullptr) {
    return Error(Code::kInvalid, workload.spec.runtime + ": is no model server of this node");
  }
  const auto named = options_.servers.find(std::string(input.kind->name));
  const std::string program =
      named != options_.servers.end() ? named->second : std::string(input.kind->executable);
  const auto found = FindExecutable(program, std::getenv("PATH"));
  if (!found && port != 0) return found.error();
  input.executable = found ? *found : program;
  input.workload = &workload;
  input.fields = record.entry->fields;
  input.model_fields = record.entry->model_fields;
  input.host = options_.model_host;
  input.port = port;
  input.memory_bytes = record.footprint;
  const auto capacity = seams_.capacity();
  if (capacity) input.memory_total = capacity->memory_total;
  return PlanServer(input);
}

// What is known of the size without a declaration. No answer is no error: the verdict says so.
asio::awaitable<Result<void>> Manager::ReadServerSize(Key key) {
  const Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return Error(Code::kNotFound, key + " is gone");
  const kube::Workload& workload = record->entry->workload;
  const auto source = sources::ParseSource(workload.source);
  const bool here = source && source->where == sources::Source::Where::kNodeFile;
  if (workload.budget.memory_budget || !here) co_return Result<void>();
  const auto bytes = std::make_shared<Result<uint64_t>>(Error());
  const std::string path = source->path;
  std::function<void()> read = [bytes, path] { *bytes = sources::ReadSafetensorsBytes(path); };
  co_await net::RunBlocking(std::move(read));
  Record* now = Find(key);
  if (now == nullptr) co_return Error(Code::kNotFound, key + " is gone");
  now->declared.reset();
  if (*bytes) now->declared = NeedOf(**bytes);
  const bool unreadable = !*bytes && bytes->error().code() != Code::kNotFound;
  if (unreadable) co_return bytes->error();
  co_return Result<void>();
}

}  // namespace headroom::exporter
