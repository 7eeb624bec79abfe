// Fetcher: the node's store of downloaded models, one download at a time. It knows the allow-list,
// the token and where files lie; sources/ does the work. Owned by the app; outlives the manager.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <string>

#include "net/async.h"
#include "net/http_client.h"
#include "sources/address_policy.h"
#include "sources/download.h"
#include "sources/header_source.h"

namespace headroom::exporter {

struct FetcherOptions {
  std::string store_dir;  // absolute
  sources::AddressPolicy policy;
  std::string
      token_file;       // of Hugging Face; read at each use, so that it can be rotated; "" = none
  net::SslContext tls;  // null: the system's trust store
};

class Fetcher {
 public:
  Fetcher(boost::asio::any_io_executor executor, FetcherOptions options);

  // Where a kHttps source lies or will lie (its first file).
  std::string PathOf(const sources::Source& source) const;
  // All its files are there and are what `sha256` says, as far as that was ever checked.
  bool Has(const sources::Source& source, const std::string& sha256) const;
  // From the host; nothing is kept.
  boost::asio::awaitable<Result<sources::ModelHeader>> ReadHeader(sources::Source source);
  // Waits for its turn. `progress` may refuse to go on.
  using Progress = std::function<Result<void>(const sources::DownloadProgress&)>;
  boost::asio::awaitable<Result<void>> Fetch(sources::Source source, std::string sha256,
                                             Progress progress);

 private:
  // Shared with waiting coroutines, whose frames may go after us.
  struct Turn {
    bool taken = false;
    net::Notifier freed;
  };
  struct Held;
  Result<std::string> TokenFor(const sources::Source& source) const;

  FetcherOptions options_;
  net::HttpClient client_;
  std::shared_ptr<Turn> turn_ = std::make_shared<Turn>();
};

}  // namespace headroom::exporter
