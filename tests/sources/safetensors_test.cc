#include "sources/safetensors.h"

#include <gmock/gmock.h>

#include "tests/sources/hub_double.h"

namespace headroom::sources::test {
namespace {

using testing::HasSubstr;

TEST(Safetensors, SumsTensors) {
  const struct {
    const char* header;
    uint64_t data, sum;
    const char* error;
  } cases[] = {
      {R"({"a": {"data_offsets": [0, 8]}, "b": {"data_offsets": [8, 20]}})", 20, 20, ""},
      {R"({"__metadata__": {"format": "mlx"}, "a": {"data_offsets": [4, 8]}})", 8, 4, ""},
      {R"({})", 0, 0, ""},
      {R"({"a": {"data_offsets": [0, 9]}})", 8, 0, "tensor a: data_offsets lie outside the file"},
      {R"({"a": {"data_offsets": [5, 4]}})", 8, 0, "tensor a: data_offsets lie outside"},
      {R"({"a": {"data_offsets": [-1, 4]}})", 8, 0, "tensor a: data_offsets lie outside"},
      {R"({"a": {"data_offsets": [1]}})", 8, 0, "tensor a: expected data_offsets"},
      {R"({"a": 1})", 8, 0, "tensor a: expected data_offsets"},
      {R"([])", 8, 0, "expected an object of tensors"},
      {R"({)", 8, 0, "JSON: byte 1"},
  };
  for (const auto& c : cases) {
    const auto sum = SumSafetensors(c.header, c.data);
    EXPECT_EQ(sum ? *sum : 0, c.sum) << c.header;
    EXPECT_THAT(sum ? "" : sum.error().message(), HasSubstr(c.error)) << c.header;
    EXPECT_EQ(sum.has_value(), *c.error == '\0') << c.header;
  }
}

void WriteSafetensors(const std::string& path, const std::string& header, size_t data) {
  std::ofstream out(path, std::ios::binary);
  for (int i = 0; i < 8; ++i) out.put(static_cast<char>(header.size() >> 8 * i));
  out << header << std::string(data, 'x');
}

TEST(Safetensors, ReadsAFolder) {
  const TempFolder folder;
  const std::string& path = folder.path();
  EXPECT_EQ(ReadSafetensorsBytes(path).error().code(), Code::kNotFound);
  WriteSafetensors(path + "/model-00001-of-00002.safetensors", R"({"a":{"data_offsets":[0,8]}})",
                   8);
  WriteSafetensors(path + "/model-00002-of-00002.safetensors", R"({"b":{"data_offsets":[0,5]}})",
                   5);
  std::ofstream(path + "/config.json") << "{}";
  EXPECT_EQ(*ReadSafetensorsBytes(path), 13u);
  EXPECT_EQ(*ReadSafetensorsBytes(path + "/model-00001-of-00002.safetensors"), 8u);
  for (const char* bad :
       {"", "1234567", "\xff\xff\xff\xff\xff\xff\xff\x7f", "\x09\0\0\0\0\0\0\0{}"}) {
    std::ofstream(path + "/bad.safetensors", std::ios::binary) << bad;
    EXPECT_FALSE(ReadSafetensorsBytes(path + "/bad.safetensors"));
  }
  EXPECT_FALSE(ReadSafetensorsBytes(path)) << "one bad file makes the sum unknown";
  EXPECT_FALSE(ReadSafetensorsBytes(path + "/none.safetensors"));
}

}  // namespace
}  // namespace headroom::sources::test
