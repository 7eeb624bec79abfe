// The step between claim and pre-flight: the files of a workload come into the node's store.
#include <filesystem>

#include "exporter/models/manager.h"
#include "exporter/models/manager_record.h"
#include "kube/secret.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::chrono::seconds kProgressInterval{10};

bool IsRemote(const Result<sources::Source>& source) {
  return source && source->where == sources::Source::Where::kHttps;
}

}  // namespace

// Decides whether another attempt can help, and when.
Event FetchFailure(const Error& error) {
  if (sources::IsRetryable(error)) {
    return {.type = Event::Type::kStepFailed, .text = error.message()};
  }
  return {.type = Event::Type::kFetchFailed,
          .text = error.message(),
          .lasting = error.code() == Code::kInvalid};
}

// Where a model or projector lies on this node, fetched or not; "" = none is named.
Result<std::string> Manager::LocalPath(const std::string& text) const {
  if (text.empty()) return std::string();
  const auto source = sources::ParseSource(text);
  if (!source) return source.error();
  using Where = sources::Source::Where;
  if (source->where == Where::kNodeFile) return source->path;
  if (source->where == Where::kHttps && seams_.fetcher != nullptr) {
    return seams_.fetcher->PathOf(*source);
  }
  return Error(Code::kUnsupported,
               "spec.source: " + text +
                   ": this node serves https://, hf:// and files it already has; put the file "
                   "there and name it as file:///path");
}

// The source, if it must be fetched before anything can be launched.
std::optional<sources::Source> Manager::Lacking(const std::string& text,
                                                const std::string& sha256) const {
  const auto source = sources::ParseSource(text);
  if (!IsRemote(source) || seams_.fetcher == nullptr) return std::nullopt;
  if (seams_.fetcher->Has(*source, sha256)) return std::nullopt;
  return *source;
}

std::vector<Manager::Fetchable> Manager::Missing(const Record& record) const {
  std::vector<Fetchable> missing;
  if (!IsLlama(record)) return missing;  // it fetches for itself
  const auto& spec = record.entry->workload;
  const auto sha256 = sources::NormaliseSha256(spec.sha256);
  if (auto model = Lacking(spec.source, sha256 ? *sha256 : "")) {
    missing.push_back({std::move(*model), sha256 ? *sha256 : "", false});
  }
  if (auto mmproj = Lacking(spec.spec.mmproj, ""))
    missing.push_back({std::move(*mmproj), "", true});
  return missing;
}

// Before the download: what the host says, so that nothing is fetched that will not fit. It is kept
// for later attempts; the pre-flight reads the real files.
asio::awaitable<Result<void>> Manager::ReadRemoteHeader(Key key) {
  const Record* record = Find(key);
  const auto model = sources::ParseSource(record->entry->workload.source);
  const std::string mmproj_text = record->entry->workload.spec.mmproj;
  const std::string stamp = "remote " + record->entry->workload.source + " " + mmproj_text;
  if (record->header && record->header_stamp == stamp) co_return Result<void>();
  if (!model) co_return model.error();
  if (!IsRemote(model)) {
    co_return Error(Code::kUnsupported,
                    "mmproj: " + mmproj_text + ": is fetched only for a model that is fetched too");
  }
  auto token = co_await SourceToken(key);
  if (!token) co_return token.error();
  auto header = co_await seams_.fetcher->ReadHeader(*model, *token);
  if (!header) co_return header.error();
  uint64_t mmproj_bytes = 0;
  if (const auto mmproj = sources::ParseSource(mmproj_text); IsRemote(mmproj)) {
    const std::string own = mmproj->url.host == model->url.host ? *token : "";
    const auto projector = co_await seams_.fetcher->ReadHeader(*mmproj, own);
    if (!projector) co_return projector.error().Within("mmproj");
    mmproj_bytes = projector->model.file_bytes;
  } else if (mmproj) {
    std::error_code error;
    mmproj_bytes = std::filesystem::file_size(mmproj->path, error);
    if (error) co_return Error(Code::kIo, "mmproj: " + mmproj->path + ": " + error.message());
  }
  Record* now = Find(key);
  if (now == nullptr) co_return Error(Code::kNotFound, key + " is gone");
  now->header = std::move(*header);
  now->header_stamp = stamp;
  now->serving.mmproj_bytes = mmproj_bytes;
  co_return Result<void>();
}

// Of every workload this node knows, whatever its state: the next one to run may need it.
std::vector<std::string> Manager::FilesInUse() const {
  std::vector<std::string> paths;
  for (const auto& [key, record] : records_) {
    if (!record->entry) continue;
    for (const std::string* text :
         {&record->entry->workload.source, &record->entry->workload.spec.mmproj}) {
      if (auto path = LocalPath(*text); path && !path->empty()) paths.push_back(std::move(*path));
    }
  }
  return paths;
}

void Manager::MarkFilesUsed(const Record& record) const {
  if (seams_.fetcher == nullptr || !record.entry) return;
  const kube::Workload& workload = record.entry->workload;
  for (const std::string* text : {&workload.source, &workload.spec.mmproj}) {
    const auto source = sources::ParseSource(*text);
    if (IsRemote(source)) seams_.fetcher->MarkUsed(*source);
  }
}

asio::awaitable<Result<std::string>> Manager::SourceToken(Key key) {
  const Record* record = Find(key);
  const bool named = record != nullptr && record->entry && seams_.api != nullptr &&
                     !record->entry->workload.source_secret.empty();
  if (!named) co_return std::string();
  const kube::Workload& workload = record->entry->workload;
  const std::string name = workload.source_secret;
  const std::string subject = "spec.sourceSecretRef: Secret " + workload.meta.ns + "/" + name;
  const std::string path = kube::ResourcePath(kube::kSecretType, workload.meta.ns, name);
  const auto secret = co_await seams_.api->Get(path);
  if (!secret) co_return secret.error().Within(subject);
  auto token = kube::SourceTokenOf(*secret);
  if (!token) co_return token.error().Within(subject);
  co_return token;
}

// The record while the download this attempt asked for is still wanted.
Manager::Record* Manager::Fetching(const Key& key, uint64_t attempt) {
  Record* record = Find(key);
  const bool current = record != nullptr && record->entry && record->it.attempt == attempt &&
                       record->it.state == State::kFetching;
  return current ? record : nullptr;
}

asio::awaitable<void> Manager::Fetch(Key key, uint64_t attempt) {
  Event event = co_await TryFetch(key, attempt);
  event.attempt = attempt;
  if (Record* record = Fetching(key, attempt)) {
    record->check_failed = false;
    record->download.reset();
    if (event.type != Event::Type::kFetched) record->reserved = false;
  }
  Post(key, std::move(event));
}

asio::awaitable<Event> Manager::TryFetch(Key key, uint64_t attempt) {
  Record* record = Fetching(key, attempt);
  if (record == nullptr) co_return Event{};
  Fetcher::Progress progress = [this, key,
                                attempt](const sources::DownloadProgress& now) -> Result<void> {
    Record* current = Fetching(key, attempt);
    if (current == nullptr) return Error(Code::kGone, "the model is no longer wanted");
    ReportProgress(*current, now);
    return {};
  };
  std::vector<Fetchable> missing = Missing(*record);
  const uint64_t model_bytes = record->header ? record->header->model.file_bytes : 0;
  const uint64_t mmproj_bytes = record->serving.mmproj_bytes;
  const auto model = sources::ParseSource(record->entry->workload.source);
  const auto token = co_await SourceToken(key);
  if (!token) co_return FetchFailure(token.error());
  for (Fetchable& file : missing) {
    if (Fetching(key, attempt) == nullptr) co_return Event{};
    Fetcher::Order order;
    order.source = std::move(file.source);
    order.sha256 = std::move(file.sha256);
    // The Secret is the source's; a projector of another host gets none.
    if (model && order.source.url.host == model->url.host) order.token = *token;
    order.bytes = file.projector ? mmproj_bytes : model_bytes;
    order.progress = progress;
    order.in_use = [this] { return synced_ ? std::optional(FilesInUse()) : std::nullopt; };
    auto got = co_await seams_.fetcher->Fetch(std::move(order));
    if (!got) co_return FetchFailure(got.error());
  }
  co_return Event{.type = Event::Type::kFetched};
}

void Manager::ReportProgress(Record& record, const sources::DownloadProgress& progress) {
  record.download = progress;
  const SteadyTime now = std::chrono::steady_clock::now();
  if (now - record.download_told < kProgressInterval) return;
  record.download_told = now;
  ReportSoon(record);
}

}  // namespace headroom::exporter
