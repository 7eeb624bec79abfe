#include "kube/api_status.h"

#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

TEST(ApiStatus, MapsHttpStatusToCode) {
  const struct {
    int status;
    Code code;
  } cases[] = {{400, Code::kInvalid},     {401, Code::kUnauthorized}, {403, Code::kUnauthorized},
               {404, Code::kNotFound},    {408, Code::kTimeout},      {409, Code::kConflict},
               {410, Code::kGone},        {413, Code::kTooLarge},     {422, Code::kInvalid},
               {429, Code::kUnavailable}, {500, Code::kUnavailable},  {503, Code::kUnavailable},
               {504, Code::kTimeout}};
  for (const auto& c : cases) {
    EXPECT_EQ(ErrorFromStatus(c.status, Json()).code(), c.code) << c.status;
  }
}

TEST(ApiStatus, KeepsTheServersMessage) {
  const net::HttpResponse response{
      404, {}, R"({"kind":"Status","message":"nodes \"mac\" not found","code":404})"};
  EXPECT_EQ(ErrorFromResponse(response).message(), "nodes \"mac\" not found");
  EXPECT_EQ(ErrorFromResponse({502, {}, "<html>bad gateway"}).message(),
            "the API server answered HTTP 502");
}

TEST(ApiStatus, ReadsRetryAfterOnlyWhereItMeansSomething) {
  using std::chrono::seconds;
  const auto of = [](int status, std::string value) {
    return RetryAfter({status, {{"Retry-After", std::move(value)}}, ""});
  };
  EXPECT_EQ(of(429, "1"), seconds(1));
  EXPECT_EQ(of(503, "0"), seconds(0));
  EXPECT_EQ(of(429, "86400"), seconds(30));
  EXPECT_EQ(of(200, "1"), std::nullopt);
  EXPECT_EQ(of(429, "Wed, 21 Oct 2015 07:28:00 GMT"), std::nullopt);
  EXPECT_EQ(of(429, "-1"), std::nullopt);
  EXPECT_EQ(RetryAfter({429, {}, ""}), std::nullopt);
}

}  // namespace
}  // namespace headroom::kube
