// One GET that follows redirects through the address policy; header reads and downloads share it.
// Every hop is checked before it is dialled, credentials stay with the host they were given for,
// and no error carries a word of the upstream's answer.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <chrono>
#include <functional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "net/async.h"
#include "net/http_client.h"
#include "sources/address_policy.h"

namespace headroom::sources {

// Where a file is asked for; later ranges of the same file go on where the redirects led.
class GetTarget {
 public:
  GetTarget(net::Url start, std::string bearer)
      : origin_(start), url_(std::move(start)), bearer_(std::move(bearer)) {}

  const net::Url& url() const { return url_; }
  // Identity encoding; Authorization only for the origin itself.
  net::HttpRequest Request(const net::Headers& extra) const;
  // Takes the next hop of a redirect, or says why not: too many, no URL, not allowed.
  Result<void> Follow(const net::HttpResponse& head, const AddressPolicy& policy);

 private:
  net::Url origin_, url_;
  std::string bearer_;
  int redirects_ = 0;
};

struct GetTimes {
  net::Deadline head;              // of all hops together
  std::chrono::milliseconds idle;  // silence inside the body
};

// `on_head` sees only heads that are no redirects. Its error, or that of `on_data`, ends the
// transfer and is returned as it is; other errors are kUnavailable, kTimeout, kUnauthorized,
// kTooLarge. `target`, `policy` and `client` outlive the call; `client` must dial through
// policy.CheckAddress.
using GetHead = std::function<Result<void>(const net::HttpResponse&)>;
boost::asio::awaitable<Result<void>> GuardedGet(net::HttpClient& client,
                                                const AddressPolicy& policy, GetTarget& target,
                                                net::Headers extra, GetTimes times, GetHead on_head,
                                                net::HttpClient::OnData on_data);

}  // namespace headroom::sources
