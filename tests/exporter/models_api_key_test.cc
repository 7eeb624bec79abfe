#include <gtest/gtest.h>

#include "exporter/models/api_key.h"

namespace headroom::exporter {
namespace {

TEST(ApiKey, IsTheOneTheServerAsksFor) {
  struct Case {
    std::vector<std::string> args;
    std::string inherited, key;
  } const cases[] = {
      {{}, "", ""},
      {{"--seed", "1"}, "", ""},
      {{"--api-key", "a"}, "", "a"},
      {{"--api-key", "a,b"}, "c", "a"},
      {{"--api-key=a"}, "", "a"},
      {{"--api-key", "a", "--api-key", "b"}, "", "b"},
      {{"--api-key-file", "keys"}, "", "first"},
      {{"--api-key", "a", "--api-key-file", "keys"}, "", "a"},
      {{"--api-key-file", "none"}, "", ""},
      {{"--api-key-file", "none"}, "c", "c"},
      {{"--api-key"}, "c", "c"},
      {{"--api-key-prefix", "x"}, "", ""},
      {{}, "c,d", "c"},
      {{"--api-key", "a\r\nX: y"}, "", "a"},
  };
  const auto read = [](const std::string& path) -> Result<std::string> {
    if (path == "keys") return std::string("\n  first \r\nsecond\n");
    return Error(Code::kNotFound, path);
  };
  for (const Case& c : cases) {
    EXPECT_EQ(ApiKeyOf(c.args, c.inherited, read), c.key)
        << (c.args.empty() ? "no arguments" : c.args.front());
  }
}

}  // namespace
}  // namespace headroom::exporter
