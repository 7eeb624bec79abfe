// What a launch is judged by: the header of the model file and the memory there is.
#include <filesystem>

#include "estimator/explain.h"
#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

// Changes when the file is replaced.
std::string StampOf(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  const auto time = std::filesystem::last_write_time(path, error);
  if (error) return "";
  // libc++ counts in 128 bits.
  const auto ticks = static_cast<int64_t>(time.time_since_epoch().count());
  return path + " " + std::to_string(size) + " " + std::to_string(ticks);
}

}  // namespace

asio::awaitable<Result<void>> Manager::ReadHeader(Key key) {
  const Record* record = Find(key);
  if (record == nullptr || !record->entry) co_return Error(Code::kNotFound, key + " is gone");
  if (!IsLlama(*record)) co_return co_await ReadServerSize(key);
  if (!Missing(*record).empty()) co_return co_await ReadRemoteHeader(key);
  const auto model_path = LocalPath(record->entry->workload.source);
  const auto mmproj_path = LocalPath(record->entry->workload.spec.mmproj);
  if (!model_path) co_return model_path.error();
  if (!mmproj_path) co_return mmproj_path.error();
  const std::string path = *model_path, mmproj = *mmproj_path;
  const std::string stamp = StampOf(path) + StampOf(mmproj);
  if (record->header && !stamp.empty() && stamp == record->header_stamp) co_return Result<void>();

  struct Work {
    Result<sources::ModelHeader> header = Error();
    std::error_code mmproj_error;
    uint64_t mmproj_bytes = 0;
  };
  const auto work = std::make_shared<Work>();
  std::function<void()> read = [work, path, mmproj] {
    work->header = sources::ReadLocalHeader(path);
    if (!mmproj.empty()) {
      work->mmproj_bytes = std::filesystem::file_size(mmproj, work->mmproj_error);
    }
  };
  co_await net::RunBlocking(std::move(read));
  if (!work->header) co_return work->header.error();
  if (work->mmproj_error) {
    co_return Error(Code::kIo, "mmproj: " + mmproj + ": " + work->mmproj_error.message());
  }
  Record* now = Find(key);
  if (now == nullptr) co_return Error(Code::kNotFound, key + " is gone");
  now->header = std::move(*work->header);
  now->header_stamp = stamp;
  now->serving.mmproj_bytes = work->mmproj_bytes;
  co_return Result<void>();
}

Result<estimator::Verdict> Manager::Judge(Record& record) const {
  const auto capacity = seams_.capacity();
  if (!capacity) return capacity.error();
  const kube::Workload& workload = record.entry->workload;
  const auto& runtime = runtime_.known();
  auto serving = NodeServing(workload, capacity->accelerator, runtime ? runtime->version : "",
                             record.serving.mmproj_bytes);
  if (!serving) return serving.error();
  record.serving = std::move(*serving);
  PreflightInput input;
  input.workload = &workload;
  if (IsLlama(record)) input.header = &*record.header;
  input.declared = record.declared;
  input.serving = record.serving;
  input.node = *capacity;
  input.occupants = OccupantsWithout(record.key);
  input.now = std::chrono::system_clock::now();
  return Preflight(input);
}

asio::awaitable<void> Manager::Preflighted(Key key, uint64_t attempt) {
  Event event{.type = Event::Type::kStepFailed, .text = key + " is gone"};
  const auto read = co_await ReadHeader(key);
  Record* record = Find(key);
  if (record == nullptr) co_return;
  if (!MayRely(*record)) {
    event = OutOfTouch();
  } else if (!read) {
    event.text = read.error().message();
  } else if (const auto verdict = Judge(*record); !verdict) {
    event.text = verdict.error().message();
  } else if (!verdict->allowed) {
    event = {.type = Event::Type::kRefused, .text = estimator::DenialText(*verdict)};
  } else {
    record->footprint = verdict->FootprintBytes();
    event = {.type = Event::Type::kPreflightPassed,
             .bytes = IsLlama(*record) ? record->header->model.file_bytes : record->footprint};
  }
  record->check_failed = event.type == Event::Type::kStepFailed;
  if (event.type != Event::Type::kPreflightPassed) record->reserved = false;
  event.attempt = attempt;
  Post(key, std::move(event));
}

}  // namespace headroom::exporter
