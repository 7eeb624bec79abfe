// What is read from, and written to, the cluster's objects for certificates, and the flags about
// them. The whole on a real API server: tests/e2e/certs_rotation_test.py.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "kube/base64.h"
#include "webhook/certs/configuration.h"
#include "webhook/certs/secret.h"
#include "webhook/options.h"

namespace headroom::webhook {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

const WallTime kNow = *ParseRfc3339("2026-01-02T03:04:05Z");
const std::string kHost = "webhook.system.svc";

Json Configuration(const std::string& bundle, const std::string& second_bundle) {
  const auto entry = [](const std::string& name, const std::string& ca) {
    return R"({"name":")" + name + R"(","failurePolicy":"Fail","clientConfig":{"caBundle":")" +
           kube::EncodeBase64(ca) + R"(","service":{"name":"webhook","namespace":"system"}}})";
  };
  return *ParseJson(R"({"metadata":{"name":"fit","uid":"u1"},"webhooks":[)" +
                    entry("a.headroom.dev", bundle) + "," + entry("b.headroom.dev", second_bundle) +
                    "]}");
}

class CheckTrustTest : public testing::Test {
 protected:
  certs::KeyPair ca_ = *certs::MakeCa("ca", kNow, 48h);
  certs::KeyPair later_ = *certs::MakeCa("later", kNow, 96h);
  certs::KeyPair leaf_ =
      *certs::MakeLeaf(ca_, {.common_name = "w", .dns_names = {kHost}}, kNow, 24h);

  std::string Problem(const std::string& bundle, const std::string& second, WallTime now = kNow) {
    const auto got =
        CheckTrust(DecodeConfiguration(Configuration(bundle, second)), leaf_.certificate_pem, now);
    return got ? "" : got.error().message();
  }
};

TEST_F(CheckTrustTest, EveryEntryMustTrustTheCertificateNow) {
  const std::string both = later_.certificate_pem + ca_.certificate_pem;
  EXPECT_EQ(Problem(ca_.certificate_pem, both), "");
  EXPECT_THAT(Problem(ca_.certificate_pem, later_.certificate_pem),
              HasSubstr("validatingwebhookconfiguration fit: webhook b.headroom.dev: caBundle: "
                        "certificate CN=w is not valid for webhook.system.svc"));
  EXPECT_THAT(Problem("", both),
              HasSubstr("a.headroom.dev: clientConfig.caBundle: is not set yet"));
  EXPECT_THAT(Problem("junk", both), HasSubstr("expected '-----BEGIN CERTIFICATE-----'"));
  EXPECT_THAT(Problem(both, both, kNow + 25h), HasSubstr("expired"));
  EXPECT_THAT(Problem(both, both, kNow - 2h), HasSubstr("not yet valid"));
}

TEST_F(CheckTrustTest, NamesTheCaThatIsUsed) {
  const std::string both = later_.certificate_pem + ca_.certificate_pem;
  const auto ca =
      CheckTrust(DecodeConfiguration(Configuration(both, both)), leaf_.certificate_pem, kNow);
  ASSERT_TRUE(ca);
  EXPECT_EQ(ca->not_after, kNow + 48h);
}

TEST_F(CheckTrustTest, OtherNamesAreNotServed) {
  leaf_ = *certs::MakeLeaf(ca_, {.common_name = "w", .dns_names = {"other.system.svc"}}, kNow, 24h);
  EXPECT_THAT(Problem(ca_.certificate_pem, ca_.certificate_pem), HasSubstr("hostname mismatch"));
  const auto none = CheckTrust({"fit", "u1", {}}, leaf_.certificate_pem, kNow);
  EXPECT_THAT(none.error().message(), HasSubstr("webhooks: expected an entry, found none"));
}

TEST(WebhookConfiguration, AUrlIsCheckedForItsHost) {
  const auto configuration = DecodeConfiguration(*ParseJson(
      R"({"metadata":{"name":"x"},"webhooks":[{"name":"n","clientConfig":{"url":"https://w.test:9443/v"}}]})"));
  ASSERT_EQ(configuration.entries.size(), 1u);
  EXPECT_EQ(configuration.entries[0].host, "w.test");
}

TEST(WebhookConfiguration, ThePatchHoldsNothingButBundles) {
  const auto patch = CaBundlePatch(DecodeConfiguration(Configuration("old", "")), "PEM");
  EXPECT_EQ(
      WriteJson(patch),
      R"({"apiVersion":"admissionregistration.k8s.io/v1","kind":"ValidatingWebhookConfiguration",)"
      R"("metadata":{"name":"fit","uid":"u1"},"webhooks":[)"
      R"({"name":"a.headroom.dev","clientConfig":{"caBundle":"UEVN"}},)"
      R"({"name":"b.headroom.dev","clientConfig":{"caBundle":"UEVN"}}]})");
}

TEST(CertificateSecret, KeepsWhatIsNotItsOwn) {
  const Json empty = *ParseJson(
      R"({"metadata":{"name":"s","resourceVersion":"7","labels":{"a":"b"}},"type":"Opaque"})");
  EXPECT_EQ(MaterialOf(empty), certs::Material());
  const certs::Material material{"ca", "ca key", "leaf", "leaf key"};
  const Json written = WithMaterial(empty, material);
  EXPECT_EQ(MaterialOf(written), material);
  EXPECT_EQ(StringOr(written, {"metadata", "resourceVersion"}), "7");
  EXPECT_EQ(StringOr(written, {"metadata", "labels", "a"}), "b");
  EXPECT_EQ(StringOr(written, {"data", "tls.crt"}), "bGVhZg==");
  Json other = written;
  other.Make({"data"}).Set("tls.crt", "%");
  EXPECT_EQ(MaterialOf(other).leaf_pem, "");
}

TEST(CertificateFlags, MeanSomethingTogether) {
  const struct {
    std::vector<std::string> args;
    const char* problem;  // "" = fine
  } cases[] = {
      {{"--tls-cert=c", "--tls-key=k"}, ""},
      {{"--tls-cert=c"}, "--tls-cert and --tls-key: expected both or neither"},
      {{"--self-managed-certs", "--webhook-configuration=w", "--service-name=s"}, ""},
      {{"--self-managed-certs", "--webhook-configuration=w"}, "needs --webhook-configuration and"},
      {{"--self-managed-certs", "--tls-cert=c", "--tls-key=k"}, "not together with --tls-cert"},
      {{"--tls-cert=c", "--tls-key=k", "--webhook-configuration=w"}, ""},
      {{"--webhook-configuration=w"}, "--webhook-configuration: needs --tls-cert"},
      {{"--tls-cert=c", "--tls-key=k", "--webhook-configuration=w", "--nodes=n"},
       "--webhook-configuration: needs a cluster"},
      {{"--client-ca=f"}, "--client-ca: needs --tls-cert"},
      {{"--tls-cert=c", "--tls-key=k", "--client-allowed-subject=a"}, "needs --client-ca"},
      {{"--listen=0.0.0.0:1", "--self-managed-certs", "--webhook-configuration=w",
        "--service-name=s"},
       ""},
      {{"--listen=0.0.0.0:1"}, "is needed to listen on 0.0.0.0:1"},
  };
  for (const auto& c : cases) {
    Options options;
    const auto parsed =
        MakeFlags(options).Parse(c.args, [](const char*) -> const char* { return nullptr; });
    ASSERT_TRUE(parsed) << parsed.error().message();
    const auto checked = CheckOptions(options);
    const std::string problem = checked ? "" : checked.error().message();
    EXPECT_EQ(problem.empty(), *c.problem == '\0') << problem;
    EXPECT_THAT(problem, HasSubstr(c.problem));
  }
  Options options;
  const auto parsed = MakeFlags(options).Parse({"--tls-min-version=1.1"},
                                               [](const char*) -> const char* { return nullptr; });
  EXPECT_THAT(parsed.error().message(), HasSubstr("expected 1.2 or 1.3, got '1.1'"));
}

}  // namespace
}  // namespace headroom::webhook
