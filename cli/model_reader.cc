#include "cli/model_reader.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <cstdlib>
#include <filesystem>

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

Result<sources::ModelHeader> ReadRemote(const sources::Source& source) {
  const auto policy = PolicyFor(source);
  if (!policy) return policy.error();
  asio::io_context io(1);
  net::HttpClientOptions options;
  options.address_guard = [&](std::string_view host, std::string_view address) {
    return policy->CheckAddress(host, address);
  };
  net::HttpClient client(io.get_executor(), options);
  const char* token = std::getenv("HF_TOKEN");
  auto result =
      asio::co_spawn(io,
                     sources::ReadRemoteHeader(client, *policy, source, token ? token : "",
                                               net::After(kRemoteDeadline)),
                     asio::use_future);
  io.run();
  auto header = result.get();
  if (!header) return header.error().Within(source.text);
  return header;
}

}  // namespace

Result<sources::ModelHeader> ReadModel(const std::string& source) {
  // A bare word is a path for a person at a terminal, also a relative one.
  if (source.find("://") == std::string::npos) {
    return sources::ReadLocalHeader(std::filesystem::absolute(source).string());
  }
  const auto parsed = sources::ParseSource(source);
  if (!parsed) return parsed.error();
  switch (parsed->where) {
    case sources::Source::Where::kNodeFile: return sources::ReadLocalHeader(parsed->path);
    case sources::Source::Where::kHttps: return ReadRemote(*parsed);
    case sources::Source::Where::kOther: break;
  }
  return Error(Code::kUnsupported,
               source + ": cannot be read from here; expected a path, file://, https:// or hf://");
}

}  // namespace headroom::cli
