// Fetches headers for the table: one fetch a header however many ask, as many at once as the table
// has places, and each
// runs to its own end after the request that asked has been answered, so that its retry is instant.
// Owns the fetch tasks; Stop() must have returned before it is destroyed.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <functional>

#include "net/async.h"
#include "net/task_group.h"
#include "webhook/header_table.h"

namespace headroom::webhook {

class HeaderCache {
 public:
  using Fetch = std::function<boost::asio::awaitable<Result<sources::ModelHeader>>(
      HeaderNeed need, std::string known_revision, net::Deadline deadline)>;

  HeaderCache(boost::asio::any_io_executor executor, Fetch fetch, HeaderTableOptions options = {});

  HeaderState Find(const HeaderNeed& need);
  // Starts a fetch unless one is under way, an answer holds or too many are running.
  void Start(const HeaderNeed& need);
  // Until `need` is no longer being fetched, or `deadline`. What could not start because too many
  // were running starts when one of them ends.
  boost::asio::awaitable<void> WaitFor(HeaderNeed need, net::Deadline deadline);
  boost::asio::awaitable<void> Stop();

  const HeaderTable& table() const { return table_; }

 private:
  boost::asio::awaitable<void> RunFetch(HeaderNeed need);

  Fetch fetch_;
  HeaderTable table_;
  net::Notifier changed_;
  net::TaskGroup tasks_;
  bool stopping_ = false;
};

}  // namespace headroom::webhook
