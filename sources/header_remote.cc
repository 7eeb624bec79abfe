#include <algorithm>

#include "sources/guarded_get.h"
#include "sources/header_feed.h"
#include "sources/header_source.h"
#include "sources/range.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

// One range covers every published header (4 to 8 MB, the largest 18 MiB needs two); a connection
// is closed as soon as the header is complete, so the size of the range costs nothing.
constexpr uint64_t kRangeBytes = 16u << 20;
constexpr std::chrono::milliseconds kMaxSilence{3'000};

// One file being read; the callbacks write here.
struct Transfer {
  HeaderFeed feed;
  std::optional<uint64_t> file_bytes;
  std::string etag;
  uint64_t range_left = 0;
};

net::Headers RangeOf(uint64_t begin) {
  return {
      {"Range", "bytes=" + std::to_string(begin) + "-" + std::to_string(begin + kRangeBytes - 1)}};
}

Result<void> OnHead(Transfer& transfer, const net::HttpResponse& response, uint64_t begin) {
  auto head = ReadRangeHead(response, begin);
  if (!head) return head.error();
  const bool first = transfer.feed.received() == 0;
  const bool changed = transfer.etag != head->etag || transfer.file_bytes != head->file_bytes;
  if (!first && changed) {
    return Error(Code::kConflict, "the file changed while its header was read");
  }
  transfer.etag = head->etag;
  transfer.file_bytes = head->file_bytes;
  transfer.range_left = head->length;
  return {};
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

// One range, wherever redirects lead.
asio::awaitable<Result<void>> ReadRange(net::HttpClient& client, const AddressPolicy& policy,
                                        GetTarget& target, Transfer& transfer,
                                        net::Deadline deadline) {
  const uint64_t begin = transfer.feed.NextOffset();
  transfer.feed.SkipAhead();
  GetHead on_head = [&transfer, begin](const net::HttpResponse& head) {
    return OnHead(transfer, head, begin);
  };
  net::HttpClient::OnData on_data = [&transfer, deadline](std::string_view data) {
    return OnData(transfer, data, deadline);
  };
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - std::chrono::steady_clock::now());
  const GetTimes times{deadline, std::clamp(left, std::chrono::milliseconds(1), kMaxSilence)};
  net::Headers range = RangeOf(begin);
  auto read = co_await GuardedGet(client, policy, target, std::move(range), times,
                                  std::move(on_head), std::move(on_data));
  if (transfer.feed.done()) co_return Result<void>();
  if (!read) co_return read.error();
  if (transfer.range_left > 0 && transfer.range_left != UINT64_MAX) {
    co_return Error(Code::kUnavailable, "the host closed the connection early");
  }
  co_return Result<void>();
}

asio::awaitable<Result<HeaderPart>> ReadPart(net::HttpClient& client, const AddressPolicy& policy,
                                             net::Url url, std::string bearer,
                                             net::Deadline deadline) {
  GetTarget target(std::move(url), std::move(bearer));
  Transfer transfer;
  while (!transfer.feed.done()) {
    const uint64_t before = transfer.feed.received();
    auto read = co_await ReadRange(client, policy, target, transfer, deadline);
    if (!read) co_return read.error();
    if (!transfer.feed.done() && transfer.feed.received() == before) {
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
    if (auto added = AddPart(parts, std::move(*read)); !added) co_return added.error();
  }
  co_return AssembleModel(std::move(parts));
}

}  // namespace headroom::sources
