#include <gtest/gtest.h>

#include <cstring>

#include "estimator/gguf/reader.h"
#include "tests/tools/gguf_writer.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

using headroom::testing::GgufWriter;

// Hand-written headers for what a writer would never write.
class Bytes {
 public:
  explicit Bytes(uint64_t tensors = 0, uint64_t keys = 0, uint32_t version = 3) {
    text_ = "GGUF";
    U32(version).U64(tensors).U64(keys);
  }
  Bytes& U32(uint32_t value) { return Raw(&value, sizeof value); }
  Bytes& U64(uint64_t value) { return Raw(&value, sizeof value); }
  Bytes& Text(std::string_view text) {
    U64(text.size());
    text_ += text;
    return *this;
  }
  Bytes& Tensor(std::string_view name, std::vector<uint64_t> dims, uint32_t type, uint64_t offset) {
    Text(name).U32(static_cast<uint32_t>(dims.size()));
    for (uint64_t dim : dims) U64(dim);
    return U32(type).U64(offset);
  }
  const std::string& text() const { return text_; }

 private:
  Bytes& Raw(const void* data, size_t size) {
    text_.append(static_cast<const char*>(data), size);
    return *this;
  }
  std::string text_;
};

Result<GgufHeader> Read(std::string_view bytes, std::optional<uint64_t> file_bytes = {}) {
  GgufReader reader(file_bytes);
  if (auto fed = reader.Feed(bytes); !fed) return fed.error();
  return reader.Finish();
}

// Feeds what the reader wants, `chunk` bytes at a time.
Result<GgufHeader> ReadInChunks(std::string_view bytes, size_t chunk) {
  GgufReader reader(bytes.size());
  while (!reader.done()) {
    const auto want = reader.want();
    if (want.length == 0 || want.offset >= bytes.size()) break;
    if (auto fed = reader.Feed(bytes.substr(want.offset, chunk)); !fed) return fed.error();
  }
  return reader.Finish();
}

TEST(GgufReader, ReadsMetadataAndTensors) {
  const GgufWriter model = headroom::testing::TinyModel();
  const auto header = Read(model.Header(), model.FileBytes());
  ASSERT_TRUE(header) << header.error().message();
  EXPECT_EQ(header->version, 3u);
  EXPECT_EQ(header->String("general.architecture"), "llama");
  EXPECT_EQ(header->Uint("llama.block_count"), 2u);
  EXPECT_NEAR(header->Double("llama.rope.freq_base").value(), 10000.0, 1e-9);
  EXPECT_EQ(header->Find("tokenizer.ggml.tokens")->AsArray()->length, 320u);
  EXPECT_FALSE(header->Find("tokenizer.ggml.tokens")->AsArray()->kept());
  EXPECT_EQ(header->Find("tokenizer.ggml.scores")->AsArray()->floats.size(), 320u);
  ASSERT_NE(header->Tensor("blk.1.ffn_down.weight"), nullptr);
  EXPECT_EQ(header->Tensor("blk.1.ffn_down.weight")->nbytes, 128u * 64 * 4);
  EXPECT_EQ(header->data_offset, model.Header().size());
  EXPECT_EQ(header->MinFileBytes(), model.FileBytes());
}

TEST(GgufReader, ReadsVersion2) {
  GgufWriter writer(2);
  writer.Add("a", true).AddTensor("t", {32, 2}, 8);
  const auto header = Read(writer.Header());
  ASSERT_TRUE(header);
  EXPECT_EQ(header->version, 2u);
  EXPECT_EQ(header->tensors[0].nbytes, 68u);
}

TEST(GgufReader, GivesTheSameForEveryChunkSize) {
  const std::string bytes = headroom::testing::TinyModel().Header();
  const auto whole = Read(bytes);
  ASSERT_TRUE(whole);
  for (size_t chunk : {1u, 2u, 3u, 7u, 13u, 64u, 511u, 4096u}) {
    const auto pieces = ReadInChunks(bytes, chunk);
    ASSERT_TRUE(pieces) << chunk << ": " << pieces.error().message();
    EXPECT_EQ(pieces->header_bytes, whole->header_bytes) << chunk;
    EXPECT_EQ(pieces->metadata.size(), whole->metadata.size()) << chunk;
    ASSERT_EQ(pieces->tensors.size(), whole->tensors.size()) << chunk;
    EXPECT_EQ(pieces->tensors.back().name, whole->tensors.back().name) << chunk;
    EXPECT_EQ(pieces->data_bytes, whole->data_bytes) << chunk;
  }
}

TEST(GgufReader, JumpsOverLongArraysOfNumbers) {
  GgufWriter writer;
  writer.Add("scores", std::vector<float>(100000, 1.0f)).Add("after", uint32_t{7});
  const std::string bytes = writer.Header();
  GgufReader reader(bytes.size());
  ASSERT_TRUE(reader.Feed(std::string_view(bytes).substr(0, 1024)));
  EXPECT_GT(reader.want().offset, 400000u);
  const auto header = ReadInChunks(bytes, 1024);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->Uint("after"), 7u);
}

TEST(GgufReader, KeepsOnlyTheStartOfLongStrings) {
  GgufWriter writer;
  writer.Add("template", std::string(10000, 'x')).Add("after", uint32_t{7});
  for (size_t chunk : {100u, 1u << 20}) {
    const auto header = ReadInChunks(writer.Header(), chunk);
    ASSERT_TRUE(header);
    EXPECT_EQ(header->String("template").size(), GgufLimits{}.kept_string);
    EXPECT_EQ(header->Uint("after"), 7u);
  }
}

TEST(GgufReader, EveryTruncationIsAnErrorThatNamesThePlace) {
  const std::string bytes = headroom::testing::TinyModel().Header();
  const auto whole = Read(bytes);
  ASSERT_TRUE(whole);
  for (size_t length = 0; length < whole->header_bytes; length += 41) {
    const auto cut = Read(std::string_view(bytes).substr(0, length));
    ASSERT_FALSE(cut) << length;
    EXPECT_NE(cut.error().message().find("truncated at byte"), std::string::npos) << length;
  }
}

struct BadCase {
  const char* name;
  std::string bytes;
  Code code;
  const char* text;
};

class BadGguf : public ::testing::TestWithParam<BadCase> {};

TEST_P(BadGguf, IsRefusedWithItsReason) {
  const auto header = Read(GetParam().bytes);
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code(), GetParam().code);
  EXPECT_NE(header.error().message().find(GetParam().text), std::string::npos)
      << header.error().message();
}

std::string Key(std::string_view key, uint32_t type) {
  return Bytes(0, 1).Text(key).U32(type).text();
}

constexpr uint64_t kHuge = uint64_t{1} << 63;

INSTANTIATE_TEST_SUITE_P(
    , BadGguf,
    ::testing::Values(
        BadCase{"NoMagic", "GGML0000", Code::kInvalid, "not a GGUF file"},
        BadCase{"Html", "<html><head>", Code::kInvalid, "not a GGUF file"},
        BadCase{"BigEndian", Bytes(0, 0, 0x03000000).text(), Code::kUnsupported, "big-endian"},
        BadCase{"Version1", Bytes(0, 0, 1).text(), Code::kUnsupported, "version 1"},
        BadCase{"Version4", Bytes(0, 0, 4).text(), Code::kUnsupported, "version 4"},
        BadCase{"TooManyTensors", Bytes(kHuge, 0).text(), Code::kTooLarge, "tensors cannot be"},
        BadCase{"TooManyKeys", Bytes(0, kHuge).text(), Code::kTooLarge, "keys cannot be"},
        BadCase{"HugeKey", Bytes(0, 1).U64(kHuge).text(), Code::kInvalid, "key length"},
        BadCase{"EmptyKey", Bytes(0, 1).U64(0).U64(0).text(), Code::kInvalid, "key length 0"},
        BadCase{"UnknownValueType", Key("k", 13), Code::kInvalid, "value type 13"},
        BadCase{"HugeString", Key("k", 8) + Bytes().U64(kHuge).text().substr(24), Code::kTooLarge,
                "string of"},
        // The 43-byte file of llama.cpp#27188: an array of 2^63 elements.
        BadCase{"HugeArray", Key("k", 9) + Bytes().U32(4).U64(kHuge).text().substr(24),
                Code::kTooLarge, "array of"},
        BadCase{"HugeStringInArray",
                Key("k", 9) + Bytes().U32(8).U64(2).U64(kHuge).text().substr(24), Code::kTooLarge,
                "string of"},
        BadCase{"ArrayOfArrays", Key("k", 9) + Bytes().U32(9).U64(1).text().substr(24),
                Code::kInvalid, "array of type 9"},
        BadCase{"KeyTwice", Bytes(0, 2).Text("k").U32(4).U32(1).Text("k").U32(4).U32(1).text(),
                Code::kInvalid, "appears twice"},
        BadCase{"NineDimensions", Bytes(1, 0).Tensor("t", {1, 1, 1, 1, 1, 1, 1, 1, 1}, 0, 0).text(),
                Code::kInvalid, "9 dimensions"},
        BadCase{"UnknownTensorType", Bytes(1, 0).Tensor("t", {32}, 99, 0).text(),
                Code::kUnsupported, "type 99 is unknown"},
        BadCase{"RemovedTensorType", Bytes(1, 0).Tensor("t", {32}, 31, 0).text(),
                Code::kUnsupported, "removed"},
        BadCase{"PartOfABlock", Bytes(1, 0).Tensor("t", {33}, 8, 0).text(), Code::kInvalid,
                "no multiple of the 32"},
        // ggml_nbytes overflow (llama.cpp#18674).
        BadCase{"SizeOverflows",
                Bytes(1, 0).Tensor("t", {uint64_t{1} << 32, uint64_t{1} << 32, 4}, 0, 0).text(),
                Code::kInvalid, "size overflows"},
        BadCase{"OffsetWrapsAround", Bytes(1, 0).Tensor("t", {32}, 0, UINT64_MAX - 31).text(),
                Code::kInvalid, "out of range"},
        BadCase{"OffsetNotAligned", Bytes(1, 0).Tensor("t", {32}, 0, 5).text(), Code::kInvalid,
                "not aligned"},
        BadCase{"NameTwice", Bytes(2, 0).Tensor("t", {32}, 0, 0).Tensor("t", {32}, 0, 128).text(),
                Code::kInvalid, "tensor 't' appears twice"},
        BadCase{"AlignmentZero", Key("general.alignment", 4) + std::string(4, '\0'), Code::kInvalid,
                "power of two"},
        BadCase{"AlignmentHuge", Key("general.alignment", 4) + std::string("\0\0\0\x80", 4),
                Code::kInvalid, "power of two"},
        BadCase{"AlignmentOdd", Key("general.alignment", 4) + std::string("\x21\0\0\0", 4),
                Code::kInvalid, "power of two"}),
    [](const ::testing::TestParamInfo<BadCase>& param) { return std::string(param.param.name); });

TEST(GgufReader, CountsAreCheckedAgainstTheBytesLeft) {
  const std::string bytes = Bytes(1000, 0).text();
  const auto header = Read(bytes, 2000);
  ASSERT_FALSE(header);
  EXPECT_EQ(header.error().code(), Code::kTooLarge);
}

TEST(GgufReader, AnEndlessHeaderIsCut) {
  GgufLimits limits;
  limits.header_bytes = 1000;
  GgufReader reader(std::nullopt, limits);
  const auto fed = reader.Feed(headroom::testing::TinyModel().Header());
  ASSERT_FALSE(fed);
  EXPECT_EQ(fed.error().code(), Code::kTooLarge);
  EXPECT_FALSE(reader.Finish());
}

// Bytes all over a header become 0, 0xff or random: no crash, no endless loop.
TEST(GgufReader, MutatedHeadersNeverHarm) {
  const std::string good = headroom::testing::TinyModel().Header();
  uint32_t random = 1;
  for (size_t i = 0; i < good.size(); i += 17) {
    for (int kind = 0; kind < 3; ++kind) {
      std::string bad = good;
      random = random * 1664525 + 1013904223;
      bad[i] = kind == 0 ? '\0' : kind == 1 ? '\xff' : static_cast<char>(random >> 24);
      (void)ReadInChunks(bad, 256 + (random >> 20));
    }
  }
}

TEST(SplitName, Parses) {
  const auto name = ParseSplitName("m-00002-of-00013.gguf");
  ASSERT_TRUE(name);
  EXPECT_EQ(name->prefix, "m");
  EXPECT_EQ(name->index, 2u);
  EXPECT_EQ(name->count, 13u);
  EXPECT_EQ(name->Part(13), "m-00013-of-00013.gguf");
  for (const char* bad : {"m.gguf", "-00001-of-00002.gguf", "m-00003-of-00002.gguf",
                          "m-00000-of-00002.gguf", "m-0001-of-00002.gguf", "m-00001-of-00002"}) {
    EXPECT_FALSE(ParseSplitName(bad)) << bad;
  }
}

}  // namespace
}  // namespace headroom::estimator
