#include "kube/base64.h"

#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

TEST(Base64, DecodesTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {
      {"", ""},
      {"Zg==", "f"},
      {"Zm8=", "fo"},
      {"Zm9v", "foo"},
      {"Zm9vYg==", "foob"},
      {"Zm9vYmE=", "fooba"},
      {"Zm9vYmFy", "foobar"},
      {"Zm9v\nYmFy\n", "foobar"},  // wrapped, as `base64` prints it
      {"Zm8", "fo"}};              // without padding
  for (const auto& [text, want] : cases) {
    const auto got = DecodeBase64(text);
    ASSERT_TRUE(got) << text;
    EXPECT_EQ(*got, want) << text;
  }
}

TEST(Base64, EncodesWhatItDecodes) {
  const std::string text = "foobar";
  const char* const want[] = {"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
  for (size_t size = 0; size <= text.size(); ++size) {
    EXPECT_EQ(EncodeBase64(text.substr(0, size)), want[size]);
  }
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  EXPECT_EQ(*DecodeBase64(EncodeBase64(bytes)), bytes);
}

TEST(Base64, RefusesWhatIsNotBase64) {
  for (const char* text : {"Zm9v!", "Zm=v", "Z", "Zm9v=", "Zm9vY===", "-_"}) {
    EXPECT_FALSE(DecodeBase64(text)) << text;
  }
}

}  // namespace
}  // namespace headroom::kube
