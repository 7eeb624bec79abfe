#include "cli/join/objects.h"

#include <algorithm>

#include "common/yaml.h"
#include "kube/base64.h"

namespace headroom::cli {
namespace {

// "create" cannot be limited to a name by RBAC; the chart's admission policies do that.
constexpr char kRights[] = R"(
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: headroom-exporter
rules:
- apiGroups: [""]
  resources: [nodes]
  verbs: [create]
- apiGroups: [inference.llmkube.dev]
  resources: [models, inferenceservices]
  verbs: [get, list, watch, patch]
- apiGroups: [inference.llmkube.dev]
  resources: [models/status, inferenceservices/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [services]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [endpoints]
  verbs: [get, delete]
- apiGroups: [discovery.k8s.io]
  resources: [endpointslices]
  verbs: [get, create, patch, delete]
- apiGroups: [""]
  resources: [events]
  verbs: [create, patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: headroom-exporter-NODE
rules:
- apiGroups: [""]
  resources: [nodes]
  resourceNames: [NODE]
  verbs: [get, patch]
- apiGroups: [""]
  resources: [nodes/status]
  resourceNames: [NODE]
  verbs: [patch]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: headroom-exporter-NODE
  namespace: kube-node-lease
rules:
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [create]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  resourceNames: [NODE]
  verbs: [get, patch, update]
- apiGroups: [coordination.k8s.io]
  resources: [leases]
  verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: headroom-exporter-NODE
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: headroom-exporter}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: headroom-exporter-NODE-node
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: headroom-exporter-NODE}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: headroom-exporter-NODE
  namespace: kube-node-lease
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: headroom-exporter-NODE}
)";

std::string WithNode(std::string text, const std::string& node) {
  constexpr std::string_view kPlace = "NODE";
  for (size_t at = 0; (at = text.find(kPlace, at)) != std::string::npos; at += node.size()) {
    text.replace(at, kPlace.size(), node);
  }
  return text;
}

Json SubjectOf(const JoinIdentity& identity) {
  Json subject = Json::MakeObject();
  if (identity.credential == Credential::kCertificate) {
    subject.Set("apiGroup", "rbac.authorization.k8s.io");
    subject.Set("kind", "User");
    subject.Set("name", identity.User());
  } else {
    subject.Set("kind", "ServiceAccount");
    subject.Set("name", identity.ServiceAccount());
    subject.Set("namespace", identity.ns);
  }
  return subject;
}

Json ServiceAccountObject(const JoinIdentity& identity) {
  Json account = Json::MakeObject();
  account.Set("apiVersion", "v1");
  account.Set("kind", "ServiceAccount");
  account.Make({"metadata", "name"}) = identity.ServiceAccount();
  account.Make({"metadata", "namespace"}) = identity.ns;
  account.Set("automountServiceAccountToken", false);
  return account;
}

}  // namespace

std::string JoinIdentity::User() const { return "headroom:" + node; }
std::string JoinIdentity::ServiceAccount() const { return "headroom-mac-" + node; }

Result<void> CheckNodeName(const std::string& name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  // Below 64 characters with "headroom:" in front: a certificate's common name is no longer.
  const bool edges = !name.empty() && name.front() != '-' && name.back() != '-';
  if (characters && edges && name.size() <= 54) return {};
  return Error(Code::kInvalid, "node name '" + name +
                                   "': expected 1 to 54 lower-case letters, digits and '-', as in "
                                   "mac-studio-1");
}

std::vector<Json> JoinObjects(const JoinIdentity& identity) {
  std::vector<Json> objects = ParseYaml(WithNode(kRights, identity.node), "rights").value();
  for (Json& object : objects) {
    if (object.Find("roleRef") != nullptr) {
      object.Make({"subjects"}).Append(SubjectOf(identity));
    }
  }
  if (identity.credential == Credential::kToken) objects.push_back(ServiceAccountObject(identity));
  return objects;
}

Json SigningRequest(const std::string& name, const std::string& request_pem,
                    int64_t expiration_seconds) {
  Json request = Json::MakeObject();
  request.Set("apiVersion", "certificates.k8s.io/v1");
  request.Set("kind", "CertificateSigningRequest");
  request.Make({"metadata", "name"}) = name;
  Json& spec = request.Make({"spec"});
  spec.Set("request", kube::EncodeBase64(request_pem));
  spec.Set("signerName", "kubernetes.io/kube-apiserver-client");
  spec.Set("expirationSeconds", expiration_seconds);
  spec.Make({"usages"}).Append("client auth");
  return request;
}

Json Approved(Json signing_request) {
  Json condition = Json::MakeObject();
  condition.Set("type", "Approved");
  condition.Set("status", "True");
  condition.Set("reason", "HeadroomJoin");
  condition.Set("message", "approved by headroom join");
  signing_request.Make({"status", "conditions"}).Append(std::move(condition));
  return signing_request;
}

std::string MakeKubeconfig(const JoinIdentity& identity, const KubeconfigParts& parts) {
  Json cluster = Json::MakeObject(), user = Json::MakeObject(), context = Json::MakeObject();
  cluster.Set("name", "cluster");
  cluster.Make({"cluster", "server"}) = parts.server;
  cluster.Make({"cluster", "certificate-authority"}) = kCaFile;
  if (!parts.tls_server_name.empty()) {
    cluster.Make({"cluster", "tls-server-name"}) = parts.tls_server_name;
  }
  user.Set("name", identity.User());
  if (parts.credential == Credential::kCertificate) {
    user.Make({"user", "client-certificate"}) = kClientFile;
    user.Make({"user", "client-key"}) = kClientFile;
  } else {
    user.Make({"user", "tokenFile"}) = kTokenFile;
  }
  context.Set("name", "headroom");
  context.Make({"context", "cluster"}) = "cluster";
  context.Make({"context", "user"}) = identity.User();
  Json config = Json::MakeObject();
  config.Set("apiVersion", "v1");
  config.Set("kind", "Config");
  config.Make({"clusters"}).Append(std::move(cluster));
  config.Make({"users"}).Append(std::move(user));
  config.Make({"contexts"}).Append(std::move(context));
  config.Set("current-context", "headroom");
  return WriteYaml(config);
}

}  // namespace headroom::cli
