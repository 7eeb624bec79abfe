#include "kube/config.h"

#include "common/files.h"
#include "common/yaml.h"
#include "kube/base64.h"

namespace headroom::kube {
namespace {

constexpr size_t kMaxKubeconfig = 1 << 20;  // a context with its certificates is some 10 KiB

// One named entry's body: clusters[name=N].cluster and so on.
Result<const Json*> FindEntry(const Json& root, std::string_view list, std::string_view name,
                              std::string_view member) {
  const Json* entries = root.Find(list);
  if (entries != nullptr && entries->AsArray() != nullptr) {
    for (const Json& entry : *entries->AsArray()) {
      const Json* body = entry.Find(member);
      if (StringOr(entry, {"name"}) == name && body != nullptr) return body;
    }
  }
  return Error(Code::kInvalid, std::string(list) + ": no entry named '" + std::string(name) +
                                   "', which the current context refers to");
}

class Builder {
 public:
  explicit Builder(const std::string& path) {
    const size_t slash = path.rfind('/');
    folder_ = slash == std::string::npos ? "" : path.substr(0, slash + 1);
  }

  Result<void> AddCluster(const Json& cluster);
  Result<void> AddUser(const Json& user);
  Config Take() { return std::move(config_); }
  void SetNamespace(const std::string& ns) {
    if (!ns.empty()) config_.default_namespace = ns;
  }

 private:
  std::string Absolute(const std::string& file) const {
    return file.empty() || file[0] == '/' ? file : folder_ + file;
  }
  // "X-data" (base64) wins over the file "X", as in kubectl.
  Result<void> FileOrData(const Json& entry, std::string_view name, std::string& file,
                          std::string& pem);

  std::string folder_;
  Config config_;
};

Result<void> Builder::FileOrData(const Json& entry, std::string_view name, std::string& file,
                                 std::string& pem) {
  const std::string data_name = std::string(name) + "-data";
  const std::string data = StringOr(entry, {data_name});
  if (data.empty()) {
    file = Absolute(StringOr(entry, {name}));
    return {};
  }
  const auto decoded = DecodeBase64(data);
  if (!decoded) return decoded.error().Within(data_name);
  pem = *decoded;
  return {};
}

Result<void> Builder::AddCluster(const Json& cluster) {
  const auto url = net::ParseUrl(StringOr(cluster, {"server"}));
  if (!url) return url.error().Within("server");
  config_.server = *url;
  if (BoolOr(cluster, {"insecure-skip-tls-verify"}, false)) {
    return Error(Code::kUnsupported,
                 "insecure-skip-tls-verify: the API server is always verified; give its CA as "
                 "certificate-authority or certificate-authority-data");
  }
  if (!StringOr(cluster, {"proxy-url"}).empty()) {
    return Error(Code::kUnsupported,
                 "proxy-url: proxies are not supported; give a server address "
                 "that is reachable directly");
  }
  config_.tls_server_name = StringOr(cluster, {"tls-server-name"});
  return FileOrData(cluster, "certificate-authority", config_.ca_file, config_.ca_pem);
}

Result<void> Builder::AddUser(const Json& user) {
  for (const std::string_view refused : {"exec", "auth-provider", "username"}) {
    if (user.Find(refused) == nullptr) continue;
    return Error(Code::kUnsupported,
                 std::string(refused) +
                     ": not supported in a daemon's kubeconfig; use a token, "
                     "tokenFile or client-certificate (see 'kubectl create token' or a "
                     "CertificateSigningRequest)");
  }
  auto taken =
      FileOrData(user, "client-certificate", config_.client_cert_file, config_.client_cert_pem);
  if (!taken) return taken.error();
  taken = FileOrData(user, "client-key", config_.client_key_file, config_.client_key_pem);
  if (!taken) return taken.error();
  const bool has_cert = !config_.client_cert_file.empty() || !config_.client_cert_pem.empty();
  const bool has_key = !config_.client_key_file.empty() || !config_.client_key_pem.empty();
  if (has_cert != has_key) {
    return Error(Code::kInvalid, has_cert ? "client-certificate is given without client-key"
                                          : "client-key is given without client-certificate");
  }
  config_.token = StringOr(user, {"token"});
  config_.token_file = Absolute(StringOr(user, {"tokenFile"}));
  return {};
}

Result<Config> FromDocument(const Json& root, const std::string& path) {
  const std::string current = StringOr(root, {"current-context"});
  if (current.empty()) {
    return Error(Code::kInvalid,
                 "current-context is not set; choose one with 'kubectl config use-context NAME'");
  }
  const auto context = FindEntry(root, "contexts", current, "context");
  if (!context) return context.error();
  const std::string cluster_name = StringOr(**context, {"cluster"});
  const std::string user_name = StringOr(**context, {"user"});
  const auto cluster = FindEntry(root, "clusters", cluster_name, "cluster");
  if (!cluster) return cluster.error();

  Builder builder(path);
  builder.SetNamespace(StringOr(**context, {"namespace"}));
  if (auto added = builder.AddCluster(**cluster); !added) {
    return added.error().Within("cluster '" + cluster_name + "'");
  }
  if (!user_name.empty()) {
    const auto user = FindEntry(root, "users", user_name, "user");
    if (!user) return user.error();
    if (auto added = builder.AddUser(**user); !added) {
      return added.error().Within("user '" + user_name + "'");
    }
  }
  return builder.Take();
}

}  // namespace

Result<Config> ParseKubeconfig(std::string_view text, const std::string& path) {
  const auto documents = ParseYaml(text, path);
  if (!documents) return documents.error();
  if (documents->size() != 1 || !documents->front().IsObject()) {
    return Error(Code::kInvalid, path + ": expected one kubeconfig document (kind: Config)");
  }
  auto config = FromDocument(documents->front(), path);
  if (!config) return config.error().Within(path);
  return config;
}

Result<Config> LoadKubeconfig(const std::string& path) {
  const auto text = ReadFile(path, kMaxKubeconfig);
  if (!text) return text.error().Within("kubeconfig");
  return ParseKubeconfig(*text, path);
}

Result<Config> InClusterConfig(const std::string& directory,
                               const std::function<const char*(const char*)>& getenv) {
  const char* host = getenv("KUBERNETES_SERVICE_HOST");
  const char* port = getenv("KUBERNETES_SERVICE_PORT");
  if (host == nullptr || port == nullptr) {
    return Error(Code::kNotFound,
                 "not running inside a cluster (KUBERNETES_SERVICE_HOST is not set): give "
                 "--kubeconfig=FILE, or --nodes and --manifests to run without Kubernetes");
  }
  const std::string name(host);
  const bool ipv6 = name.find(':') != std::string::npos;
  const auto url = net::ParseUrl("https://" + (ipv6 ? "[" + name + "]" : name) + ":" + port);
  if (!url) return url.error().Within("KUBERNETES_SERVICE_HOST and _PORT");
  Config config;
  config.server = *url;
  config.ca_file = directory + "/ca.crt";
  config.token_file = directory + "/token";
  if (const auto ns = ReadFile(directory + "/namespace", 256)) config.default_namespace = *ns;
  return config;
}

Result<Config> LoadConfig(const std::string& kubeconfig) {
  return kubeconfig.empty() ? InClusterConfig() : LoadKubeconfig(kubeconfig);
}

}  // namespace headroom::kube
