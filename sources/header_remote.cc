#include "sources/header_remote.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "net/task_group.h"
#include "sources/guarded_get.h"
#include "sources/range.h"

namespace headroom::sources {
namespace {

namespace asio = boost::asio;

// One range covers every published header (4 to 8 MB, the largest 18 MiB needs two); a connection
// is closed as soon as the header is complete, so the size of the range costs nothing.
constexpr uint64_t kRangeBytes = 16u << 20;
// The further parts of a split have no vocabulary, only some hundred tensors.
constexpr uint64_t kFurtherRangeBytes = 256u << 10;
constexpr size_t kParallel = 4;  // transfers at a time, to be no burden for a host
constexpr std::chrono::milliseconds kMaxSilence{3'000};

// One file being read; the callbacks write here.
struct Transfer {
  HeaderFeed feed;
  std::optional<uint64_t> file_bytes;
  std::string etag;
  uint64_t range_left = 0;
  uint64_t range_bytes = kRangeBytes;
  std::string known_revision;
  bool unchanged = false;
  std::function<void(size_t bytes)> on_data = {};
};

net::Headers RangeOf(const Transfer& transfer, uint64_t begin) {
  net::Headers headers{{"Range", "bytes=" + std::to_string(begin) + "-" +
                                     std::to_string(begin + transfer.range_bytes - 1)}};
  if (!transfer.known_revision.empty() && transfer.feed.received() == 0) {
    headers.Set("If-None-Match", transfer.known_revision);
  }
  return headers;
}

Result<void> OnHead(Transfer& transfer, const net::HttpResponse& response, uint64_t begin) {
  if (response.status == 304 && !transfer.known_revision.empty() && transfer.feed.received() == 0) {
    transfer.unchanged = true;
    return Error(Code::kGone, "unchanged");  // ends the stream, see ReadRange
  }
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
  if (transfer.on_data) transfer.on_data(data.size());
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
  net::Headers range = RangeOf(transfer, begin);
  auto read = co_await GuardedGet(client, policy, target, std::move(range), times,
                                  std::move(on_head), std::move(on_data));
  if (transfer.feed.done() || transfer.unchanged) co_return Result<void>();
  if (!read) co_return read.error();
  if (transfer.range_left > 0 && transfer.range_left != UINT64_MAX) {
    co_return Error(Code::kUnavailable, "the host closed the connection early");
  }
  co_return Result<void>();
}

// `transfer` is the caller's, who may want what was read before an error.
asio::awaitable<Result<HeaderPart>> ReadPart(net::HttpClient& client, const AddressPolicy& policy,
                                             net::Url url, std::string bearer, Transfer& transfer,
                                             net::Deadline deadline) {
  GetTarget target(std::move(url), std::move(bearer));
  while (!transfer.feed.done()) {
    const uint64_t before = transfer.feed.received();
    auto read = co_await ReadRange(client, policy, target, transfer, deadline);
    if (!read) co_return read.error();
    if (transfer.unchanged) {
      HeaderPart part;
      part.unchanged = true;
      co_return part;
    }
    if (!transfer.feed.done() && transfer.feed.received() == before) {
      co_return Error(Code::kInvalid, "the file ends inside its header");
    }
  }
  auto header = transfer.feed.Finish();
  if (!header) co_return header.error();
  co_return HeaderPart{std::move(*header), transfer.file_bytes, transfer.feed.received(),
                       transfer.etag};
}

// All parts of a split, some at a time. Lives in the frame that joins its workers.
struct Reading {
  net::HttpClient& client;
  const AddressPolicy& policy;
  std::string bearer;
  net::Deadline deadline;
  std::vector<Source> files;
  std::vector<Transfer> transfers;
  std::vector<Result<HeaderPart>> results;
  size_t next = 0;
  std::string known_revision = {};  // each part of a split has its own: for a single file only
  OnReceived on_received = {};
  uint64_t received = 0;
};

asio::awaitable<void> ReadInTurn(Reading& all) {
  while (all.next < all.files.size()) {
    const size_t i = all.next++;
    auto read = co_await ReadPart(all.client, all.policy, all.files[i].url, all.bearer,
                                  all.transfers[i], all.deadline);
    if (!read) all.next = all.files.size();  // the model cannot be known any more
    all.results[i] = std::move(read);
  }
}

asio::awaitable<void> ReadAll(Reading& all) {
  const size_t count = all.files.size();
  all.transfers.resize(count);
  for (size_t i = 1; i < count; ++i) all.transfers[i].range_bytes = kFurtherRangeBytes;
  if (count == 1) all.transfers[0].known_revision = all.known_revision;
  for (Transfer& transfer : all.transfers) {
    if (!all.on_received) break;
    transfer.on_data = [&all](size_t bytes) { all.on_received(all.received += bytes); };
  }
  all.results.assign(count, Error(Code::kGone, "not read"));
  net::TaskGroup workers(co_await asio::this_coro::executor, net::TaskGroup::Mode::kIndependent);
  for (size_t i = 0; i < std::min(count, kParallel); ++i) workers.Spawn(ReadInTurn(all));
  co_await workers.Join();
}

Result<std::vector<HeaderPart>> PartsOf(Reading& all) {
  std::vector<HeaderPart> parts;
  // The reason for the end, not the parts that were left out for it.
  for (const auto& result : all.results) {
    if (!result && result.error().code() != Code::kGone) return result.error();
  }
  for (auto& result : all.results) {
    if (auto added = AddPart(parts, std::move(*result)); !added) return added.error();
  }
  return parts;
}

// What the start of the file allows to say.
Result<ModelHeader> BoundOf(const Transfer& transfer) {
  if (!transfer.file_bytes) return Error(Code::kTimeout, "the size of the file is not known");
  auto model = estimator::DescribePartial(transfer.feed.Partial(), *transfer.file_bytes);
  if (!model) return model.error();
  ModelHeader out;
  out.model = std::move(*model);
  out.bytes_read = transfer.feed.received();
  out.revision = transfer.etag;
  return out;
}

}  // namespace

asio::awaitable<Result<std::vector<HeaderPart>>> ReadRemoteParts(net::HttpClient& client,
                                                                 const AddressPolicy& policy,
                                                                 Source source, std::string bearer,
                                                                 net::Deadline deadline,
                                                                 OnReceived on_received) {
  Reading all{client, policy, std::move(bearer), deadline, SplitParts(source), {}, {}};
  all.on_received = std::move(on_received);
  co_await ReadAll(all);
  co_return PartsOf(all);
}

asio::awaitable<Result<ModelHeader>> ReadRemoteHeader(net::HttpClient& client,
                                                      const AddressPolicy& policy, Source source,
                                                      std::string bearer, net::Deadline deadline,
                                                      std::string known_revision) {
  Reading all{client, policy, std::move(bearer), deadline, SplitParts(source), {}, {}};
  all.known_revision = std::move(known_revision);
  co_await ReadAll(all);
  auto parts = PartsOf(all);
  if (!parts) co_return parts.error();
  co_return AssembleModel(std::move(*parts));
}

asio::awaitable<Result<ModelHeader>> ReadRemoteHeaderOrBound(net::HttpClient& client,
                                                             const AddressPolicy& policy,
                                                             Source source, std::string bearer,
                                                             net::Deadline deadline,
                                                             OnReceived on_received) {
  Reading all{client, policy, std::move(bearer), deadline, SplitParts(source), {}, {}};
  all.on_received = std::move(on_received);
  co_await ReadAll(all);
  auto parts = PartsOf(all);
  if (parts) co_return AssembleModel(std::move(*parts));
  // Of a split the sizes of all parts would be needed too.
  const bool late = parts.error().code() == Code::kTimeout;
  if (!late || all.files.size() != 1) co_return parts.error();
  auto bound = BoundOf(all.transfers[0]);
  if (!bound) co_return parts.error();
  co_return bound;
}

}  // namespace headroom::sources
