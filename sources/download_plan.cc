#include "sources/download_plan.h"

#include <algorithm>

#include "common/ascii.h"
#include "common/checked.h"
#include "common/json.h"
#include "common/quantity.h"
#include "sources/range.h"

namespace headroom::sources {
namespace {

bool IsStrong(std::string_view etag) { return etag.size() >= 2 && etag.front() == '"'; }

Result<void> CheckRoom(uint64_t file_bytes, uint64_t there, const DiskLimits& limits) {
  if (file_bytes > limits.max_file_bytes) {
    return Error(Code::kTooLarge, "the file has " + FormatBytes(file_bytes) + ", allowed are " +
                                      FormatBytes(limits.max_file_bytes));
  }
  const uint64_t missing = SaturatingSub(file_bytes, there);
  if (missing <= SaturatingSub(limits.free_bytes, limits.reserve_bytes)) return {};
  return Error(Code::kIo, "not enough disk: " + FormatBytes(missing) + " are to be fetched, " +
                              FormatBytes(limits.free_bytes) + " are free and " +
                              FormatBytes(limits.reserve_bytes) +
                              " must stay free; remove files from the store or move it "
                              "(--store-dir)");
}

// A partial answer to a resume: it must continue exactly the version that was begun.
Result<void> CheckResumed(const RangeHead& range, const DownloadStart& start,
                          const DownloadRecord& record) {
  const bool same = range.etag == start.if_range && range.file_bytes == record.file_bytes;
  const bool rest = range.length == SaturatingSub(record.file_bytes, start.resume_from);
  if (same && rest) return {};
  return Error(Code::kConflict, "the file at the host changed while it was fetched");
}

}  // namespace

std::string FormatRecord(const DownloadRecord& record) {
  Json json = Json::MakeObject();
  json.Set("etag", record.etag);
  json.Set("bytes", record.file_bytes);
  json.Set("sha256", record.sha256);
  return WriteJson(json) + "\n";
}

std::optional<DownloadRecord> ParseRecord(std::string_view text) {
  const auto json = ParseJson(text);
  if (!json) return std::nullopt;
  const Json *etag = json->Find("etag"), *bytes = json->Find("bytes"),
             *sha256 = json->Find("sha256");
  if (etag == nullptr || bytes == nullptr || sha256 == nullptr) return std::nullopt;
  if (!etag->IsString() || !bytes->AsUint() || !sha256->IsString()) return std::nullopt;
  return DownloadRecord{*etag->AsString(), *bytes->AsUint(), *sha256->AsString()};
}

net::Headers DownloadStart::RequestHeaders() const {
  if (resume_from == 0) return {};
  return {{"Range", "bytes=" + std::to_string(resume_from) + "-"}, {"If-Range", if_range}};
}

DownloadStart PlanDownload(const StoredFile& stored, std::string_view expected_sha256) {
  DownloadStart start;
  if (stored.whole) {
    const auto& record = stored.whole->record;
    const bool taken = record && !record->sha256.empty();
    if (expected_sha256.empty() || (taken && record->sha256 == expected_sha256)) {
      start.what = DownloadStart::Do::kUse;
      return start;
    }
    if (!taken) {
      start.what = DownloadStart::Do::kVerifyWhole;
      return start;
    }
  }
  if (!stored.partial || !stored.partial->record) return start;
  const uint64_t there = stored.partial->bytes;
  const DownloadRecord& record = *stored.partial->record;
  if (there == 0 || there > record.file_bytes || !IsStrong(record.etag)) return start;
  if (there == record.file_bytes) {
    start.what = DownloadStart::Do::kVerifyPartial;
    return start;
  }
  start.resume_from = there;
  start.if_range = record.etag;
  return start;
}

Result<DownloadBody> PlanBody(const net::HttpResponse& head, const DownloadStart& start,
                              const StoredFile& stored, const DiskLimits& limits) {
  const bool resumed = start.resume_from > 0 && head.status == 206;
  if (start.resume_from > 0 && head.status == 416) {
    return Error(Code::kConflict, "the file at the host is shorter than what was fetched of it");
  }
  const auto range = ReadRangeHead(head, resumed ? start.resume_from : 0);
  if (!range) return range.error();
  if (!range->file_bytes || (!resumed && range->length != *range->file_bytes)) {
    return Error(Code::kInvalid, "the host does not say how long the file is");
  }
  if (*range->file_bytes == 0) return Error(Code::kInvalid, "the file is empty");
  DownloadBody body;
  if (resumed) {
    if (auto same = CheckResumed(*range, start, *stored.partial->record); !same)
      return same.error();
    body.from = start.resume_from;
  }
  // Bytes that are thrown away are free again.
  const uint64_t there = stored.partial ? stored.partial->bytes : 0;
  if (auto room = CheckRoom(*range->file_bytes, there, limits); !room) return room.error();
  body.record.etag = range->etag;
  body.record.file_bytes = *range->file_bytes;
  return body;
}

bool IsRetryable(const Error& error) {
  switch (error.code()) {
    case Code::kTimeout:
    case Code::kUnavailable:
    case Code::kConflict:
    case Code::kIo: return true;  // a disk is emptied by somebody, a mount comes back
    default: return false;
  }
}

Result<std::string> NormaliseSha256(std::string_view text) {
  std::string out = AsciiLower(text);
  const bool hex = out.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (!out.empty() && (out.size() != 64 || !hex)) {
    return Error(Code::kInvalid, "spec.sha256: expected 64 hex digits");
  }
  return out;
}

bool RateFloor::Add(uint64_t bytes, SteadyTime now) {
  bytes_ += bytes;
  if (now - since_ < window_) return true;
  const bool fast = bytes_ >= min_bytes_;
  since_ = now;
  bytes_ = 0;
  return fast;
}

}  // namespace headroom::sources
