// Fetcher: the node's store of downloaded models, one download at a time. It knows the allow-list,
// the token and where files lie; sources/ does the work. Owned by the app; outlives the manager.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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
  uint64_t store_limit = 0;  // bytes the store may hold; 0 = no limit, and nothing is removed
};

class Fetcher {
 public:
  Fetcher(boost::asio::any_io_executor executor, FetcherOptions options);

  // Where a kHttps source lies or will lie (its first file).
  std::string PathOf(const sources::Source& source) const;
  // All its files are there and are what `sha256` says, as far as that was ever checked.
  bool Has(const sources::Source& source, const std::string& sha256) const;
  // From the host; nothing is kept. `token` is the source's own ("" = the Hub's, for the Hub).
  boost::asio::awaitable<Result<sources::ModelHeader>> ReadHeader(sources::Source source,
                                                                  std::string token);
  using Progress = std::function<Result<void>(const sources::DownloadProgress&)>;
  struct Order {
    sources::Source source;
    std::string sha256, token;
    uint64_t bytes = 0;  // of all its files, as far as known
    Progress progress;   // may refuse to go on
    // Files of the store that somebody may use, asked when the turn has come; nullopt while that is
    // not known yet.
    std::function<std::optional<std::vector<std::string>>()> in_use;
  };
  // Waits for its turn, makes room where the store has a limit, and fetches.
  boost::asio::awaitable<Result<void>> Fetch(Order order);
  // For the order in which files go when room is needed.
  void MarkUsed(const sources::Source& source) const;

 private:
  // Shared with waiting coroutines, whose frames may go after us.
  struct Turn {
    bool taken = false;
    net::Notifier freed;
  };
  struct Held;
  Result<std::string> TokenFor(const sources::Source& source, std::string own) const;
  boost::asio::awaitable<Result<void>> MakeRoom(const Order& order);

  FetcherOptions options_;
  net::HttpClient client_;
  std::shared_ptr<Turn> turn_ = std::make_shared<Turn>();
};

}  // namespace headroom::exporter
