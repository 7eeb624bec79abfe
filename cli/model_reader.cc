#include "cli/model_reader.h"

#include <cstdlib>

#include "cli/await.h"
#include "common/quantity.h"
#include "estimator/gguf/file.h"
#include "sources/header_remote.h"

namespace headroom::cli {
namespace asio = boost::asio;
namespace {

constexpr std::chrono::seconds kRemoteDeadline{30};

// The person at the terminal chose this host, so it is allowed beside the usual ones, also where it
// is written as an address; a name that leads to a private address stays refused.
Result<sources::AddressPolicy> PolicyFor(const sources::Source& source) {
  auto entries = sources::AddressPolicy::DefaultEntries();
  entries.push_back(source.url.host + ":" + std::to_string(source.url.port));
  return sources::AddressPolicy::Parse(entries);
}

sources::OnReceived Telling(Progress* progress, const sources::Source& source) {
  if (progress == nullptr) return nullptr;
  return [progress, what = "header of " + source.text](uint64_t bytes) {
    progress->Show({what, std::nullopt, FormatBytes(bytes)}, std::chrono::steady_clock::now());
  };
}

// Runs one of the readers of sources/ to its end.
template <class T, class Reader>
Result<T> ReadRemote(const sources::Source& source, Progress* progress, Reader reader) {
  const auto policy = PolicyFor(source);
  if (!policy) return policy.error();
  asio::io_context io(1);
  net::HttpClientOptions options;
  options.address_guard = [&](std::string_view host, std::string_view address) {
    return policy->CheckAddress(host, address);
  };
  net::HttpClient client(io.get_executor(), options);
  const char* token = std::getenv("HF_TOKEN");
  Result<T> read = Await(io, reader(client, *policy, source, token ? token : "",
                                    net::After(kRemoteDeadline), Telling(progress, source)));
  if (progress != nullptr) progress->Clear();
  if (!read) return read.error().Within(source.text);
  return read;
}

Error NotReadable(const std::string& source) {
  return Error(Code::kUnsupported,
               source + ": cannot be read from here; expected a path, file://, https:// or hf://");
}

// A bare word is a path for a person at a terminal, also a relative one.
Result<sources::Source> Parse(const std::string& source) {
  if (source.find("://") != std::string::npos) return sources::ParseSource(source);
  sources::Source file;
  file.where = sources::Source::Where::kNodeFile;
  file.text = source;
  // The parts of a split are looked for in the folder of the path, so it needs one.
  file.path = source.find('/') == std::string::npos ? "./" + source : source;
  return file;
}

Result<Headers> ReadLocalHeaders(const std::string& path) {
  auto file = estimator::ReadGgufFile(path);
  if (!file) return file.error();
  Headers out{std::move(file->parts), file->file_bytes, 0};
  for (const auto& part : out.parts) out.bytes_read += part.header_bytes;
  return out;
}

Result<Headers> ReadRemoteHeaders(const sources::Source& source, Progress* progress) {
  auto parts =
      ReadRemote<std::vector<sources::HeaderPart>>(source, progress, sources::ReadRemoteParts);
  if (!parts) return parts.error();
  Headers out;
  for (sources::HeaderPart& part : *parts) {
    out.file_bytes += part.file_bytes.value_or(part.header.MinFileBytes());
    out.bytes_read += part.bytes_read;
    out.parts.push_back(std::move(part.header));
  }
  return out;
}

}  // namespace

Result<sources::ModelHeader> ReadModel(const std::string& source, Progress* progress) {
  const auto parsed = Parse(source);
  if (!parsed) return parsed.error();
  switch (parsed->where) {
    case sources::Source::Where::kNodeFile: return sources::ReadLocalHeader(parsed->path);
    case sources::Source::Where::kHttps:
      return ReadRemote<sources::ModelHeader>(*parsed, progress, sources::ReadRemoteHeaderOrBound);
    case sources::Source::Where::kOther: break;
  }
  return NotReadable(source);
}

Result<Headers> ReadHeaders(const std::string& source, Progress* progress) {
  const auto parsed = Parse(source);
  if (!parsed) return parsed.error();
  switch (parsed->where) {
    case sources::Source::Where::kNodeFile: return ReadLocalHeaders(parsed->path);
    case sources::Source::Where::kHttps: return ReadRemoteHeaders(*parsed, progress);
    case sources::Source::Where::kOther: break;
  }
  return NotReadable(source);
}

}  // namespace headroom::cli
