#include "sources/guarded_get.h"

#include <optional>

#include "sources/range.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

constexpr int kMaxRedirects = 5;

// The client's texts may tell addresses, signed URLs or what a peer said: only its code is used.
Error ClientError(const Error& error) {
  switch (error.code()) {
    case Code::kUnauthorized:
      return Error(Code::kUnauthorized,
                   "the host resolves to an address that is not public and "
                   "not on the allow-list (--source-allow=ADDRESS/PREFIX)");
    case Code::kTimeout: return Error(Code::kTimeout, "the host did not answer in time");
    case Code::kTooLarge: return Error(Code::kTooLarge, "the host's answer is too large");
    default: return Error(Code::kUnavailable, "the host cannot be reached");
  }
}

// What the callbacks of one hop leave behind.
struct Hop {
  std::optional<net::HttpResponse> redirect;
  std::optional<Error> error;
};

asio::awaitable<Result<void>> RunHop(net::HttpClient& client, const GetTarget& target,
                                     const net::Headers& extra, GetTimes times, Hop& hop,
                                     const GetHead& on_head,
                                     const net::HttpClient::OnData& on_data) {
  net::HttpClient::OnHead head_seen = [&hop, &on_head](const net::HttpResponse& head) {
    if (IsRedirect(head.status)) {
      hop.redirect = head;
      return false;
    }
    const auto taken = on_head(head);
    if (!taken) hop.error = taken.error();
    return taken.has_value();
  };
  net::HttpClient::OnData data_seen = [&hop, &on_data](std::string_view data) {
    auto taken = on_data(data);
    if (!taken && !hop.error) hop.error = taken.error();
    return taken;
  };
  net::Url url = target.url();
  net::HttpRequest request = target.Request(extra);
  const auto streamed =
      co_await client.Stream(std::move(url), std::move(request), times.head, times.idle,
                             std::move(head_seen), std::move(data_seen));
  if (hop.error) co_return *hop.error;
  if (!streamed) co_return ClientError(streamed.error());
  co_return Result<void>();
}

}  // namespace

net::HttpRequest GetTarget::Request(const net::Headers& extra) const {
  net::HttpRequest request;
  request.target = url_.target;
  request.headers = extra;
  request.headers.Set("Accept", "*/*");
  request.headers.Set("Accept-Encoding", "identity");
  request.headers.Set("User-Agent", "headroom");
  const bool same_host = url_.host == origin_.host && url_.port == origin_.port && url_.tls();
  if (!bearer_.empty() && same_host) request.headers.Set("Authorization", "Bearer " + bearer_);
  return request;
}

Result<void> GetTarget::Follow(const net::HttpResponse& head, const AddressPolicy& policy) {
  const auto location = head.headers.Find("Location");
  if (!location) return Error(Code::kInvalid, "the host redirects to nowhere");
  if (++redirects_ > kMaxRedirects) return Error(Code::kInvalid, "the host redirects too often");
  auto next = net::ResolveReference(url_, *location);
  if (!next) return Error(Code::kInvalid, "the host redirects to no URL");
  if (auto allowed = policy.CheckUrl(*next); !allowed) return allowed.error().Within("redirect");
  url_ = std::move(*next);
  return {};
}

asio::awaitable<Result<void>> GuardedGet(net::HttpClient& client, const AddressPolicy& policy,
                                         GetTarget& target, net::Headers extra, GetTimes times,
                                         GetHead on_head, net::HttpClient::OnData on_data) {
  if (auto allowed = policy.CheckUrl(target.url()); !allowed) co_return allowed.error();
  for (;;) {
    Hop hop;
    auto result = co_await RunHop(client, target, extra, times, hop, on_head, on_data);
    if (!hop.redirect) co_return result;
    auto followed = target.Follow(*hop.redirect, policy);
    if (!followed) co_return followed;
  }
}

}  // namespace headroom::sources
