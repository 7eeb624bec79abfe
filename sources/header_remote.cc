#include <algorithm>

#include "sources/header_feed.h"
#include "sources/header_source.h"
#include "sources/range.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

// One range covers every published header (4 to 8 MB, the largest 18 MiB needs two); a connection is
// closed as soon as the header is complete, so the size of the range costs nothing.
constexpr uint64_t kRangeBytes = 16u << 20;
constexpr int kMaxRedirects = 5;
constexpr std::chrono::milliseconds kMaxSilence{3'000};

// One file being read; the coroutine's callbacks write here.
struct Transfer {
  Transfer(net::Url start, std::string token) : url(std::move(start)), bearer(std::move(token)) {
    origin = url;
  }
  net::Url origin, url;
  std::string bearer;
  HeaderFeed feed;
  std::optional<uint64_t> file_bytes;
  std::string etag;
  uint64_t range_left = 0;
  std::optional<RangeHead> head;
  std::optional<Error> error;
};

net::HttpRequest RangeRequest(const Transfer& transfer, uint64_t begin) {
  net::HttpRequest request;
  request.target = transfer.url.target;
  request.headers.Set("Accept", "*/*");
  request.headers.Set("Accept-Encoding", "identity");
  request.headers.Set("User-Agent", "headroom");
  request.headers.Set("Range", "bytes=" + std::to_string(begin) + "-" +
                                   std::to_string(begin + kRangeBytes - 1));
  const bool same_host = transfer.url.host == transfer.origin.host &&
                         transfer.url.port == transfer.origin.port && transfer.url.tls();
  if (!transfer.bearer.empty() && same_host) {
    request.headers.Set("Authorization", "Bearer " + transfer.bearer);
  }
  return request;
}

// False: do not read the body.
bool OnHead(Transfer& transfer, const net::HttpResponse& response, uint64_t begin) {
  auto head = ReadRangeHead(response, begin);
  if (!head) {
    transfer.error = head.error();
    return false;
  }
  transfer.head = *head;
  if (head->kind == RangeHead::Kind::kRedirect) return false;
  const bool first = transfer.feed.received() == 0;
  const bool changed = transfer.etag != head->etag || transfer.file_bytes != head->file_bytes;
  if (!first && changed) {
    transfer.error = Error(Code::kConflict, "the file changed while its header was read");
    return false;
  }
  transfer.etag = head->etag;
  transfer.file_bytes = head->file_bytes;
  transfer.range_left = head->length;
  return true;
}

Result<void> OnData(Transfer& transfer, std::string_view data, net::Deadline deadline) {
  if (data.size() > transfer.range_left) {
    return Error(Code::kInvalid, "the host sent more bytes than it announced");
  }
  transfer.range_left -= data.size();
  if (auto added = transfer.feed.Add(data); !added) return added.error();
  if (transfer.feed.received() > kMaxHeaderBytes) {
    return Error(Code::kTooLarge, "the header is larger than 64 MiB");
  }
  if (std::chrono::steady_clock::now() > deadline) {
    return Error(Code::kTimeout, "the host sends too slowly");
  }
  if (transfer.feed.done()) return Error(Code::kGone, "enough");  // ends the stream, see ReadRange
  return {};
}

// The client's texts may tell addresses, signed URLs or what a peer said: only its code is used.
Error ClientError(const Error& error) {
  switch (error.code()) {
    case Code::kUnauthorized:
      return Error(Code::kUnauthorized, "the host resolves to an address that is not public and "
                                        "not on the allow-list (--source-allow=ADDRESS/PREFIX)");
    case Code::kTimeout: return Error(Code::kTimeout, "the host did not answer in time");
    case Code::kTooLarge: return Error(Code::kTooLarge, "the host's answer is too large");
    default: return Error(Code::kUnavailable, "the host cannot be reached");
  }
}

// One request, one range (or one redirect).
asio::awaitable<Result<void>> ReadRange(net::HttpClient& client, Transfer& transfer,
                                        net::Deadline deadline) {
  const uint64_t begin = transfer.feed.NextOffset();
  transfer.feed.SkipAhead();
  transfer.head.reset();
  std::optional<Error> data_error;
  net::HttpClient::OnHead on_head = [&transfer, begin](const net::HttpResponse& head) {
    return OnHead(transfer, head, begin);
  };
  net::HttpClient::OnData on_data = [&transfer, &data_error,
                                     deadline](std::string_view data) -> Result<void> {
    auto result = OnData(transfer, data, deadline);
    if (!result) data_error = result.error();
    return result;
  };
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  const auto silence = std::clamp(left, std::chrono::milliseconds(1), kMaxSilence);
  net::Url url = transfer.url;
  net::HttpRequest request = RangeRequest(transfer, begin);
  auto streamed = co_await client.Stream(std::move(url), std::move(request), deadline, silence,
                                         std::move(on_head), std::move(on_data));
  if (transfer.error) co_return *transfer.error;
  if (transfer.feed.done()) co_return Result<void>();
  if (data_error) co_return *data_error;
  if (!streamed) co_return ClientError(streamed.error());
  if (transfer.head && transfer.head->kind == RangeHead::Kind::kData && transfer.range_left > 0 &&
      transfer.range_left != UINT64_MAX) {
    co_return Error(Code::kUnavailable, "the host closed the connection early");
  }
  co_return Result<void>();
}

// True when the body was read to its end; false when a redirect must be followed first.
Result<bool> FollowRedirect(Transfer& transfer, const AddressPolicy& policy, int& redirects) {
  if (!transfer.head || transfer.head->kind != RangeHead::Kind::kRedirect) return true;
  if (++redirects > kMaxRedirects) return Error(Code::kInvalid, "the host redirects too often");
  auto next = net::ResolveReference(transfer.url, transfer.head->location);
  if (!next) return Error(Code::kInvalid, "the host redirects to no URL");
  if (auto allowed = policy.CheckUrl(*next); !allowed) return allowed.error().Within("redirect");
  transfer.url = std::move(*next);
  return false;
}

asio::awaitable<Result<HeaderPart>> ReadPart(net::HttpClient& client, const AddressPolicy& policy,
                                             net::Url url, std::string bearer,
                                             net::Deadline deadline) {
  if (auto allowed = policy.CheckUrl(url); !allowed) co_return allowed.error();
  Transfer transfer(std::move(url), std::move(bearer));
  int redirects = 0;
  while (!transfer.feed.done()) {
    const uint64_t before = transfer.feed.received();
    if (auto read = co_await ReadRange(client, transfer, deadline); !read) co_return read.error();
    auto complete = FollowRedirect(transfer, policy, redirects);
    if (!complete) co_return complete.error();
    if (*complete && !transfer.feed.done() && transfer.feed.received() == before) {
      co_return Error(Code::kInvalid, "the file ends inside its header");
    }
  }
  auto header = transfer.feed.Finish();
  if (!header) co_return header.error();
  co_return HeaderPart{std::move(*header), transfer.file_bytes, transfer.feed.received(),
                       transfer.etag};
}

}  // namespace

asio::awaitable<Result<ModelHeader>> ReadRemoteHeader(net::HttpClient& client,
                                                      const AddressPolicy& policy, Source source,
                                                      std::string bearer, net::Deadline deadline) {
  std::vector<HeaderPart> parts;
  for (Source& part : SplitParts(source)) {
    auto read = co_await ReadPart(client, policy, std::move(part.url), bearer, deadline);
    if (!read) co_return read.error();
    parts.push_back(std::move(*read));
  }
  co_return AssembleModel(std::move(parts));
}

}  // namespace headroom::sources
