// GgufReader: reads a GGUF header without doing I/O. The caller feeds bytes from wherever it has
// them (file, HTTP range) and is told which bytes are wanted next. Vocabulary strings are skipped
// by length, never copied; counts are checked against limits and, if known, the bytes left.
//
//   GgufReader reader(file_size);
//   while (!reader.done()) {
//     auto want = reader.want();                       // read up to want.length at want.offset
//     if (auto r = reader.Feed(bytes); !r) return r.error();
//   }
//   return reader.Finish();
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.h"
#include "estimator/gguf/header.h"

namespace headroom::estimator {

// Every limit is far above any published model and far below what would hurt the reader.
struct GgufLimits {
  uint64_t header_bytes = 256u << 20;  // largest known header: 18 MiB (262k tokens, merges, scores)
  uint64_t n_kv = 65536;               // largest known: about 100
  uint64_t n_tensors = 262144;         // largest known: 2,600 (per-expert tensors: 60,000)
  uint64_t key_bytes = 65535;          // the format's own limit
  uint64_t string_bytes = 16u << 20;   // chat templates reach 30 KiB
  uint64_t array_length = 16u << 20;   // vocabularies reach 262,144, merges 600,000
  uint64_t name_bytes = 1024;          // ggml itself allows 63
  uint64_t alignment = 1u << 20;       // files use 32 to 4096
  uint64_t kept_string = 4096;         // bytes of a string value that are kept
  uint64_t kept_array = 4096;          // per-layer arrays have at most some hundred numbers
};

class GgufReader {
 public:
  struct Want {
    uint64_t offset = 0;  // from the start of the file
    uint64_t length = 0;  // a good amount to read; 0 when done
  };

  // `file_bytes`: size of the file if known; then a count that cannot fit is refused at once.
  explicit GgufReader(std::optional<uint64_t> file_bytes = std::nullopt, GgufLimits limits = {});

  // Where the next fed bytes must start. It can lie beyond the bytes fed so far: a long array of
  // numbers is jumped over. A caller that can only stream drops the bytes in between.
  Want want() const;
  bool done() const { return step_ == Step::kDone; }

  // `bytes` start at want().offset; any amount, also beyond the header (the rest is ignored) and
  // less than wanted. Cheapest in chunks of 64 KiB or more. An error is final.
  // Errors: kInvalid (not GGUF, malformed), kTooLarge (a limit), kUnsupported (version, big endian,
  // unknown tensor type); texts name the place: "tensor 12 'blk.0.attn_q.weight': type 99 ...".
  Result<void> Feed(std::string_view bytes);

  // The header; an error if the bytes ended early (also: "truncated at byte N in <place>").
  Result<GgufHeader> Finish();

  // What has been read so far, for DescribePartial(): whole keys, and the array being read.
  GgufHeader Partial() const;

 private:
  enum class Step { kPreamble, kKey, kArrayHead, kStrings, kTensor, kDone };
  class Cursor;

  Result<void> Parse(Cursor& in);
  Result<bool> Next(Cursor& in);  // reads one element; false: it is not complete yet
  Result<bool> ReadPreamble(Cursor& in);
  Result<bool> ReadKeyAndValue(Cursor& in);
  Result<bool> ReadScalar(Cursor& in, GgufValue& value);
  Result<bool> ReadString(Cursor& in, GgufValue& value);
  Result<bool> ReadArrayHead(Cursor& in);
  Result<bool> ReadNumbers(Cursor& in, GgufArray array);
  Result<bool> ReadStrings(Cursor& in);
  Result<bool> ReadTensor(Cursor& in);
  Result<bool> Store(GgufValue value);
  Result<void> CheckTensor(GgufTensor& tensor, uint32_t type, std::string_view place) const;
  Result<void> EndOfTensors();
  bool Fits(uint64_t count, uint64_t bytes_each) const;
  std::string Place() const;
  Error Bad(Code code, std::string_view what) const;

  std::optional<uint64_t> file_bytes_ = {};
  GgufLimits limits_;
  Step step_ = Step::kPreamble;
  GgufHeader header_;
  std::string carry_ = {};  // the start of an element whose rest has not been fed yet
  uint64_t position_ = 0;   // file offset of the next unparsed byte (start of carry_)
  uint64_t n_kv_ = 0, n_tensors_ = 0, strings_left_ = 0;
  std::string key_ = {};  // of the array that is being read
  GgufArray array_;
  std::optional<Error> failed_ = {};
};

// "x-00001-of-00003.gguf" -> {"x", 1, 3}; nullopt for a name that is no part of a split.
struct SplitName {
  std::string prefix = {};
  uint32_t index = 0;  // from 1
  uint32_t count = 0;
  std::string Part(uint32_t i) const;  // file name of part i
};
std::optional<SplitName> ParseSplitName(std::string_view file_name);

}  // namespace headroom::estimator
