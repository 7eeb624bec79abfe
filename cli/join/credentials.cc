#include "cli/join/credentials.h"

#include <thread>

#include "certs/request.h"
#include "kube/base64.h"

namespace headroom::cli {
namespace {

constexpr std::chrono::seconds kSigningTime{30};
constexpr std::chrono::milliseconds kPoll{200};

Result<std::string> WaitForCertificate(Cluster& cluster, const std::string& path) {
  const auto deadline = std::chrono::steady_clock::now() + kSigningTime;
  while (true) {
    const auto request = cluster.Get(path);
    if (!request) return request.error();
    const std::string certificate = StringOr(*request, {"status", "certificate"});
    if (!certificate.empty()) return kube::DecodeBase64(certificate);
    if (std::chrono::steady_clock::now() > deadline) {
      return Error(Code::kTimeout,
                   "the cluster did not sign " + path.substr(path.rfind('/') + 1) +
                       " within 30 s: does its kube-controller-manager sign for "
                       "kubernetes.io/kube-apiserver-client? --credential token needs no signer");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

}  // namespace

Result<std::string> SignedCertificate(Cluster& cluster, const JoinIdentity& identity,
                                      std::chrono::seconds lifetime) {
  const auto made = certs::MakeRequest(identity.User());
  if (!made) return made.error();
  // A request cannot be changed: each renewal has one of its own.
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const std::string name =
      "headroom-" + identity.node + "-" +
      std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
  const Json request = SigningRequest(name, made->request_pem, lifetime.count());
  const ObjectPath path = PathOf(request);
  auto created = cluster.Create(path.collection, request);
  if (!created) return created.error().Within("certificate signing request");
  const auto approved = cluster.Update(path.object + "/approval", Approved(std::move(*created)));
  if (!approved) return approved.error().Within("approve certificate signing request " + name);
  auto certificate = WaitForCertificate(cluster, path.object);
  if (!certificate) return certificate.error();
  return *certificate + made->key_pem;
}

Result<std::string> BoundToken(Cluster& cluster, const JoinIdentity& identity,
                               std::chrono::seconds lifetime) {
  Json request = Json::MakeObject();
  request.Set("apiVersion", "authentication.k8s.io/v1");
  request.Set("kind", "TokenRequest");
  request.Make({"spec", "expirationSeconds"}) = static_cast<int64_t>(lifetime.count());
  const auto answer = cluster.Create("/api/v1/namespaces/" + identity.ns + "/serviceaccounts/" +
                                         identity.ServiceAccount() + "/token",
                                     std::move(request));
  if (!answer) return answer.error().Within("token");
  std::string token = StringOr(*answer, {"status", "token"});
  if (token.empty()) return Error(Code::kInvalid, "the API server gave no token");
  return token;
}

}  // namespace headroom::cli
