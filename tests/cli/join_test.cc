// What a Mac is given: rights as documented, and a kubeconfig our own reader takes. That the rights
// are enough, and no more, is shown against a real API server in tests/e2e.
#include <gmock/gmock.h>

#include "cli/cluster.h"
#include "cli/join/objects.h"
#include "common/yaml.h"
#include "kube/base64.h"
#include "kube/config.h"
#include "tests/cli/support.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

TEST(JoinObjects, AreThoseOfTheDocumentation) {
  const std::string path = std::string(HEADROOM_TEST_DATA) + "/../../docs/examples/mac-rbac.yaml";
  const auto text = ReadFile(path);
  ASSERT_TRUE(text);
  EXPECT_EQ(JoinObjects({.node = "mac-1"}), ParseYaml(*text, path).value());
}

TEST(JoinObjects, AServiceAccountTakesTheUsersPlace) {
  const auto objects = JoinObjects({.node = "mac-1", .credential = Credential::kToken});
  EXPECT_EQ(StringOr(objects.back(), {"kind"}), "ServiceAccount");
  int bindings = 0;
  for (const Json& object : objects) {
    const Json* subjects = object.Find("subjects");
    if (subjects == nullptr) continue;
    ++bindings;
    EXPECT_EQ(StringOr((*subjects->AsArray())[0], {"kind"}), "ServiceAccount");
    EXPECT_EQ(StringOr((*subjects->AsArray())[0], {"namespace"}), "headroom-system");
  }
  EXPECT_EQ(bindings, 3);
}

TEST(JoinObjects, PathsAreThoseOfTheApi) {
  const auto objects = JoinObjects({.node = "m", .credential = Credential::kToken});
  EXPECT_EQ(PathOf(objects[2]).object,
            "/apis/rbac.authorization.k8s.io/v1/namespaces/"
            "kube-node-lease/roles/headroom-exporter-m");
  EXPECT_EQ(PathOf(objects.back()).collection,
            "/api/v1/namespaces/headroom-system/serviceaccounts");
  EXPECT_EQ(PathOf(SigningRequest("r", "pem", 600)).collection,
            "/apis/certificates.k8s.io/v1/certificatesigningrequests");
}

TEST(SigningRequest, AsksForAClientCertificateAndIsApproved) {
  const Json request = SigningRequest("r", "pem", 600);
  EXPECT_EQ(kube::DecodeBase64(StringOr(request, {"spec", "request"})).value(), "pem");
  EXPECT_EQ(StringOr(request, {"spec", "signerName"}), "kubernetes.io/kube-apiserver-client");
  const Json approved = Approved(request);
  EXPECT_EQ(StringOr((*approved.Find({"status", "conditions"})->AsArray())[0], {"type"}),
            "Approved");
}

TEST(MakeKubeconfig, IsReadBackWithFilesBesideIt) {
  const JoinIdentity identity{.node = "mac-1"};
  const std::string text = MakeKubeconfig(identity, {"https://10.0.0.1:6443/", "api.internal"});
  const auto config = kube::ParseKubeconfig(text, "/etc/headroom/kubeconfig");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server.host, "10.0.0.1");
  EXPECT_EQ(config->ca_file, "/etc/headroom/ca.crt");
  EXPECT_EQ(config->client_cert_file, "/etc/headroom/client.pem");
  EXPECT_EQ(config->client_key_file, "/etc/headroom/client.pem");
  EXPECT_EQ(config->tls_server_name, "api.internal");
  const auto token = kube::ParseKubeconfig(
      MakeKubeconfig(identity, {"https://10.0.0.1:6443/", "", Credential::kToken}),
      "/k/kubeconfig");
  ASSERT_TRUE(token);
  EXPECT_EQ(token->token_file, "/k/token");
}

class JoinCommand : public CommandTest {};

TEST_F(JoinCommand, DryRunPrintsTheObjects) {
  ASSERT_EQ(Call({"join", "mac-7", "--dry-run", "client"}), kDone) << err_.str();
  EXPECT_EQ(ParseYaml(out_.str(), "out").value(), JoinObjects({.node = "mac-7"}));
  ExpectGolden("join.yaml", Said());
}

TEST_F(JoinCommand, BadInputIsOneClearLine) {
  const std::string kubeconfig =
      Write("kubeconfig",
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n"
            "contexts: [{name: c, context: {cluster: c, user: u}}]\n"
            "clusters: [{name: c, cluster: {server: 'https://127.0.0.1:1'}}]\n"
            "users: [{name: u, user: {token: t}}]\n");
  const struct {
    Arguments arguments;
    int code;
    const char* expected;
  } cases[] = {
      {{"join"}, kUsage, "expected the NAME"},
      {{"join", "Mac 1"}, kUsage, "lower-case letters"},
      {{"join", "-"}, kUsage, "lower-case letters"},
      {{"join", std::string(55, 'a')}, kUsage, "1 to 54"},
      {{"join", "a", "b"}, kUsage, "expected the NAME"},
      {{"join", "a", "--dry-run", "server"}, kUsage, "expected client"},
      {{"join", "a", "--duration", "5m"}, kUsage, "at least 10m"},
      {{"join", "a", "--credential", "password"}, kUsage, "certificate or token"},
      {{"join", "a", "--kubeconfig", "/absent"}, kFailed, "/absent"},
      {{"join", "a", "--kubeconfig", kubeconfig, "--out", folder_ + "/a"}, kFailed, "127.0.0.1:1"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Call(c.arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
  EXPECT_FALSE(std::filesystem::exists(folder_ + "/a"));
}

}  // namespace
}  // namespace headroom::cli
