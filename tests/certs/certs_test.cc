#include "certs/certs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::certs {
namespace {

using std::chrono::hours;
using std::chrono::seconds;
using testing::ElementsAre;
using testing::HasSubstr;

const WallTime kNow = WallTime(seconds(1'800'000'000));

class CertsTest : public testing::Test {
 protected:
  KeyPair ca_ = *MakeCa("headroom-ca", kNow, hours(24 * 365));
  KeyPair other_ca_ = *MakeCa("other-ca", kNow, hours(24 * 365));
  KeyPair leaf_ = *MakeLeaf(ca_,
                            {.common_name = "webhook",
                             .dns_names = {"webhook.svc", "*.example.com"},
                             .ip_addresses = {"127.0.0.1", "::1"}},
                            kNow, hours(48));
};

TEST_F(CertsTest, DescribesWhatWasAskedFor) {
  const auto info = Describe(leaf_.certificate_pem);
  ASSERT_TRUE(info) << info.error().message();
  EXPECT_EQ(info->subject, "CN=webhook");
  EXPECT_EQ(info->not_before, kNow - hours(1));
  EXPECT_EQ(info->not_after, kNow + hours(48));
  EXPECT_THAT(info->dns_names, ElementsAre("webhook.svc", "*.example.com"));
  EXPECT_THAT(info->ip_addresses, ElementsAre("127.0.0.1", "::1"));
  EXPECT_THAT(leaf_.key_pem, HasSubstr("BEGIN PRIVATE KEY"));  // PKCS#8
}

TEST_F(CertsTest, VerifiesChainHostAndTime) {
  const std::string& ca = ca_.certificate_pem;
  const std::string both = other_ca_.certificate_pem + ca;
  const struct {
    std::string bundle, host;
    WallTime now;
    std::string problem;  // "" = valid
  } cases[] = {
      {ca, "webhook.svc", kNow, ""},
      {both, "webhook.svc", kNow, ""},
      {ca, "a.example.com", kNow, ""},
      {ca, "127.0.0.1", kNow, ""},
      {ca, "::1", kNow, ""},
      {ca, "webhook", kNow, "hostname mismatch"},  // the common name is no host name
      {ca, "127.0.0.2", kNow, "IP address mismatch"},
      {ca, "webhook.svc", kNow + hours(49), "expired"},
      {ca, "webhook.svc", kNow - hours(2), "not yet valid"},
      {other_ca_.certificate_pem, "webhook.svc", kNow, "unable to get local issuer"},
      {"junk", "webhook.svc", kNow, "CA bundle: expected '-----BEGIN CERTIFICATE-----'"},
  };
  for (const auto& c : cases) {
    const auto result = VerifyChain(leaf_.certificate_pem, c.bundle, c.host, c.now);
    if (c.problem.empty()) {
      EXPECT_TRUE(result) << c.host << ": " << result.error().message();
    } else {
      ASSERT_FALSE(result) << c.host;
      EXPECT_THAT(result.error().message(), HasSubstr(c.problem));
    }
  }
}

TEST_F(CertsTest, TellsAPairFromStrangers) {
  EXPECT_TRUE(VerifyPair(leaf_.certificate_pem, leaf_.key_pem));
  const auto mixed = VerifyPair(leaf_.certificate_pem, ca_.key_pem);
  ASSERT_FALSE(mixed);
  EXPECT_EQ(mixed.error().message(), "the key does not belong to the certificate CN=webhook");
  EXPECT_FALSE(VerifyPair("", leaf_.key_pem));
  EXPECT_FALSE(VerifyPair(leaf_.certificate_pem, "junk"));
}

TEST_F(CertsTest, RefusesNamesThatWouldBeSyntax) {
  for (const std::string name : {"a,DNS:evil", "", "a b", "email:x"}) {
    EXPECT_FALSE(MakeLeaf(ca_, {.common_name = "x", .dns_names = {name}}, kNow, hours(1))) << name;
  }
  EXPECT_FALSE(MakeLeaf(ca_, {.common_name = "x", .ip_addresses = {"300.1.1.1"}}, kNow, hours(1)));
  EXPECT_FALSE(MakeLeaf(KeyPair{"junk", "junk"}, {.common_name = "x"}, kNow, hours(1)));
}

TEST_F(CertsTest, MakesClientCertificatesWithGroups) {
  const auto client = MakeLeaf(
      ca_, {.common_name = "system:node:mac", .organizations = {"system:nodes"}, .client = true},
      kNow, hours(1));
  ASSERT_TRUE(client);
  EXPECT_EQ(Describe(client->certificate_pem)->subject, "CN=system:node:mac,O=system:nodes");
}

TEST_F(CertsTest, MalformedPemIsAnError) {
  std::string cut = leaf_.certificate_pem;
  cut.resize(cut.size() / 2);
  EXPECT_FALSE(Describe(cut));
  EXPECT_FALSE(Describe(""));
  EXPECT_FALSE(Describe("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n"));
}

}  // namespace
}  // namespace headroom::certs
