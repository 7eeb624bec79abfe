#include "cli/webhook_client.h"

#include <unistd.h>

#include "cli/await.h"
#include "common/ascii.h"
#include "common/files.h"
#include "net/http_client.h"

namespace headroom::cli {
namespace asio = boost::asio;
namespace {

// The API server's own default of 10 s for the webhook, and the way there and back.
constexpr std::chrono::seconds kTimeout{12};

std::string PluralOf(std::string_view kind) { return AsciiLower(kind) + "s"; }

Result<net::HttpResponse> Post(const WebhookAddress& address, std::string body) {
  auto url = net::ParseUrl(address.url);
  if (!url) return url.error().Within("--webhook");
  net::TlsClientOptions tls;
  if (!address.ca_file.empty()) {
    auto ca = ReadFile(address.ca_file);
    if (!ca) return ca.error().Within("--webhook-ca");
    tls.ca_pem = std::move(ca).value();
  }
  auto context = net::MakeClientContext(tls);
  if (!context) return context.error().Within("--webhook-ca");
  url->target = "/validate?timeout=10s";
  asio::io_context io(1);
  net::HttpClientOptions options;
  options.tls = *context;
  net::HttpClient client(io.get_executor(), options);
  net::HttpRequest request{
      "POST", url->target, {{"Content-Type", "application/json"}}, std::move(body)};
  return Await(io, client.Fetch(*url, std::move(request), net::After(kTimeout)));
}

}  // namespace

Json MakeReview(const Json& object, const std::optional<Json>& old_object, bool dry_run,
                const std::string& uid) {
  const std::string kind = StringOr(object, {"kind"});
  const Json::Object gvk{{"group", "inference.llmkube.dev"}, {"version", "v1alpha1"}};
  Json review = Json::MakeObject();
  review.Set("apiVersion", "admission.k8s.io/v1");
  review.Set("kind", "AdmissionReview");
  Json& request = review.Set("request", Json::MakeObject());
  request.Set("uid", uid);
  request.Set("kind", gvk).Set("kind", kind);
  request.Set("resource", gvk).Set("resource", PluralOf(kind));
  request.Set("name", StringOr(object, {"metadata", "name"}));
  request.Set("namespace", StringOr(object, {"metadata", "namespace"}));
  request.Set("operation", old_object ? "UPDATE" : "CREATE");
  request.Set("userInfo", Json::Object{{"username", "headroom-apply"}});
  request.Set("object", object);
  if (old_object) request.Set("oldObject", *old_object);
  request.Set("dryRun", dry_run);
  return review;
}

Result<Decision> ReadDecision(const std::string& body, const std::string& uid) {
  const auto review = ParseJson(body);
  if (!review) return review.error().Within("answer of the webhook");
  const auto allowed = GetBool(*review, {"response", "allowed"});
  if (!allowed || !*allowed || StringOr(*review, {"response", "uid"}) != uid) {
    return Error(Code::kInvalid,
                 "answer of the webhook: expected an AdmissionReview response for "
                 "this request; is --webhook the address of headroom-webhook?");
  }
  Decision decision{**allowed, StringOr(*review, {"response", "status", "message"}), {}};
  if (auto warnings = GetStrings(*review, {"response", "warnings"})) {
    decision.warnings = std::move(warnings).value();
  }
  return decision;
}

Result<Decision> AskWebhook(const WebhookAddress& address, const Json& object,
                            const std::optional<Json>& old_object, bool dry_run) {
  const std::string uid = "headroom-apply-" + std::to_string(::getpid());
  const auto answer = Post(address, WriteJson(MakeReview(object, old_object, dry_run, uid)));
  if (!answer) return answer.error();
  if (answer->status != 200) {
    return Error(Code::kUnavailable, address.url + ": no decision, HTTP " +
                                         std::to_string(answer->status) + ": " +
                                         answer->body.substr(0, 200));
  }
  return ReadDecision(answer->body, uid);
}

}  // namespace headroom::cli
