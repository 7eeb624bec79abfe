#include "kube/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace headroom::kube {
namespace {

using ::testing::HasSubstr;

std::string Kubeconfig(std::string_view cluster, std::string_view user) {
  std::string text = R"(apiVersion: v1
kind: Config
current-context: here
contexts:
- {name: other, context: {cluster: x, user: y}}
- {name: here, context: {cluster: home, user: mac, namespace: models}}
clusters:
- name: home
  cluster: )";
  text.append(cluster).append("\nusers:\n- name: mac\n  user: ").append(user).append("\n");
  return text;
}

TEST(Kubeconfig, ReadsFilesRelativeToItself) {
  const auto config = ParseKubeconfig(
      Kubeconfig("{server: 'https://10.0.0.1:6443', certificate-authority: pki/ca.crt, "
                 "tls-server-name: api.home}",
                 "{client-certificate: /abs/mac.crt, client-key: mac.key, tokenFile: token}"),
      "/etc/headroom/kubeconfig");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server.host, "10.0.0.1");
  EXPECT_EQ(config->server.port, 6443);
  EXPECT_EQ(config->ca_file, "/etc/headroom/pki/ca.crt");
  EXPECT_EQ(config->client_cert_file, "/abs/mac.crt");
  EXPECT_EQ(config->client_key_file, "/etc/headroom/mac.key");
  EXPECT_EQ(config->token_file, "/etc/headroom/token");
  EXPECT_EQ(config->tls_server_name, "api.home");
  EXPECT_EQ(config->default_namespace, "models");
}

TEST(Kubeconfig, DecodesEmbeddedData) {
  const auto config = ParseKubeconfig(
      Kubeconfig("{server: 'https://h:1', certificate-authority-data: Zm9v}",
                 "{client-certificate-data: Zg==, client-key-data: Zm8=, token: secret}"),
      "config");
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->ca_pem, "foo");
  EXPECT_EQ(config->client_cert_pem, "f");
  EXPECT_EQ(config->client_key_pem, "fo");
  EXPECT_EQ(config->token, "secret");
  EXPECT_EQ(config->ca_file, "");
}

TEST(Kubeconfig, ErrorsNameFileEntryAndWayOut) {
  const std::string good = "{server: 'https://h:1'}";
  const struct {
    std::string text, want;
  } cases[] = {
      {"kind: Config\n", "f: current-context is not set"},
      {"current-context: gone\n", "f: contexts: no entry named 'gone'"},
      {Kubeconfig("{server: nonsense}", "{}"), "f: cluster 'home': server: "},
      {Kubeconfig("{server: 'https://h:1', insecure-skip-tls-verify: true}", "{}"),
       "give its CA as certificate-authority"},
      {Kubeconfig("{server: 'https://h:1', certificate-authority-data: '%'}", "{}"),
       "f: cluster 'home': certificate-authority-data: expected base64"},
      {Kubeconfig(good, "{exec: {command: aws}}"), "f: user 'mac': exec: not supported"},
      {Kubeconfig(good, "{auth-provider: {name: gcp}}"), "use a token, tokenFile or"},
      {Kubeconfig(good, "{username: u, password: p}"), "f: user 'mac': username"},
      {Kubeconfig(good, "{client-certificate: a}"), "without client-key"},
      {"[1]\n", "f: expected one kubeconfig document"},
      {"a: [\n", "f:"},
  };
  for (const auto& c : cases) {
    const auto config = ParseKubeconfig(c.text, "f");
    ASSERT_FALSE(config) << c.text;
    EXPECT_THAT(config.error().message(), HasSubstr(c.want));
  }
  EXPECT_THAT(LoadKubeconfig("/nonexistent/kubeconfig").error().message(),
              HasSubstr("/nonexistent/kubeconfig"));
}

TEST(InCluster, NeedsTheServiceVariables) {
  const auto none = [](const char*) -> const char* { return nullptr; };
  const auto config = InClusterConfig("/nonexistent", none);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error().message(), HasSubstr("--kubeconfig=FILE"));
}

TEST(InCluster, UsesTheServiceAccountFiles) {
  const auto env = [](const char* name) {
    return std::string_view(name) == "KUBERNETES_SERVICE_HOST" ? "fd00::1" : "443";
  };
  const auto config = InClusterConfig("/sa", env);
  ASSERT_TRUE(config) << config.error().message();
  EXPECT_EQ(config->server.host, "fd00::1");
  EXPECT_EQ(config->server.port, 443);
  EXPECT_EQ(config->ca_file, "/sa/ca.crt");
  EXPECT_EQ(config->token_file, "/sa/token");
}

}  // namespace
}  // namespace headroom::kube
