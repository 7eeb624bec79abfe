#include "kube/secret.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Secret, HoldsAToken) {
  const struct {
    const char* secret;
    const char* token;
    const char* error;
  } cases[] = {
      {R"({"data": {"token": "YWJj"}})", "abc", ""},
      {R"({"data": {"token": "YWJj", "HF_TOKEN": "eHl6Cg=="}})", "xyz", ""},
      {R"({"data": {"AWS_ACCESS_KEY_ID": "YWJj"}})", "", "expected an entry HF_TOKEN or token"},
      {R"({})", "", "expected an entry HF_TOKEN or token"},
      {R"({"data": {"token": "!secret!"}})", "", "token: expected base64"},
      {R"({"data": {"token": "YQpi"}})", "", "token: expected one line"},
      {R"({"data": {"HF_TOKEN": "Cg=="}})", "", "HF_TOKEN: expected one line"},
  };
  for (const auto& c : cases) {
    const auto token = SourceTokenOf(*ParseJson(c.secret));
    EXPECT_EQ(token ? *token : "", c.token) << c.secret;
    EXPECT_EQ(token ? "" : token.error().message(), c.error) << c.secret;
  }
  EXPECT_THAT(SourceTokenOf(*ParseJson(R"({"data": {"token": "!secret!"}})")).error().message(),
              Not(HasSubstr("secret")));
}

}  // namespace
}  // namespace headroom::kube
