#include "webhook/review.h"

#include <algorithm>

#include "kube/objects.h"

namespace headroom::webhook {
namespace {

constexpr std::string_view kApiVersion = "admission.k8s.io/v1";
constexpr std::string_view kKind = "AdmissionReview";
constexpr size_t kMaxWarnings = 4;
constexpr size_t kMaxWarning = 120;
constexpr size_t kMaxMessage = 8192;  // ours stay below 2 KiB; a bug must not flood a terminal

Error Bad(std::string_view what) { return Error(Code::kInvalid, std::string(what)); }

Result<void> CheckEnvelope(const Json& review) {
  if (!review.IsObject()) return Bad("expected an AdmissionReview object");
  if (StringOr(review, {"apiVersion"}) != kApiVersion || StringOr(review, {"kind"}) != kKind) {
    return Bad("apiVersion, kind: expected admission.k8s.io/v1 AdmissionReview");
  }
  const Json* request = review.Find("request");
  if (request == nullptr || !request->IsObject()) return Bad("request: expected an object");
  return {};
}

const JsonFields& ReviewFields() {
  static const JsonFields fields = [] {
    JsonFields out{"apiVersion",
                   "kind",
                   "request.uid",
                   "request.operation",
                   "request.subResource",
                   "request.name",
                   "request.namespace",
                   "request.dryRun",
                   "request.kind.kind",
                   "request.resource.group",
                   "request.resource.resource",
                   "request.userInfo.username"};
    out.Add("request.object", kube::DecodedFields());
    out.Add("request.oldObject", kube::DecodedFields());
    return out;
  }();
  return fields;
}

struct TextField {
  std::string_view name;
  std::string& target;
};

Result<void> ReadTexts(const Json& request, Review& out) {
  const TextField fields[] = {
      {"uid", out.uid},   {"operation", out.operation}, {"subResource", out.subresource},
      {"name", out.name}, {"namespace", out.ns},
  };
  for (const TextField& field : fields) {
    auto text = GetString(request, {field.name});
    if (!text) return text.error().Within("request");
    field.target = text->value_or("");
  }
  if (out.uid.empty()) return Bad("request.uid: is missing");
  if (out.operation.empty()) return Bad("request.operation: is missing");
  auto dry_run = GetBool(request, {"dryRun"});
  if (!dry_run) return dry_run.error().Within("request");
  out.dry_run = dry_run->value_or(false);
  return {};
}

// An object, or null / missing; anything else is no review the API server ever sends.
Result<void> TakeObject(Json& request, std::string_view name, Json& target) {
  const Json* found = request.Find(name);
  if (found == nullptr || found->IsNull()) return {};
  if (!found->IsObject()) return Bad("request." + std::string(name) + ": expected an object");
  for (Json::Member& member : *request.AsObject()) {
    if (member.first == name) target = std::move(member.second);
  }
  return {};
}

Json StatusOf(const Review& review, const Answer& answer) {
  Json details = Json::MakeObject();
  const std::string name =
      review.name.empty() ? StringOr(review.object, {"metadata", "generateName"}) : review.name;
  if (!name.empty()) details.Set("name", name);
  details.Set("group", review.group);
  details.Set("kind", review.kind);
  Json causes = Json::MakeArray();
  for (const estimator::Cause& cause : answer.causes) {
    Json item = Json::MakeObject();
    item.Set("reason", cause.reason);
    item.Set("message", cause.message);
    if (!cause.field.empty()) item.Set("field", cause.field);
    causes.Append(std::move(item));
  }
  if (!answer.causes.empty()) details.Set("causes", std::move(causes));
  Json status = Json::MakeObject();
  status.Set("status", "Failure");
  // kubectl prints the message of a 403 Forbidden verbatim; a 422 would lose it.
  status.Set("message", answer.message.substr(0, kMaxMessage));
  status.Set("reason", "Forbidden");
  status.Set("details", std::move(details));
  status.Set("code", 403);
  return status;
}

Json WarningsOf(const Answer& answer) {
  Json out = Json::MakeArray();
  std::vector<std::string> seen;
  for (const std::string& text : answer.warnings) {
    std::string clean = CleanWarning(text);
    if (clean.empty() || std::find(seen.begin(), seen.end(), clean) != seen.end()) continue;
    if (seen.size() == kMaxWarnings) break;
    out.Append(clean);
    seen.push_back(std::move(clean));
  }
  return out;
}

}  // namespace

Result<Review> ParseReview(std::string_view body) {
  auto json = ParseJson(body, ReviewFields(), JsonLimits{.max_bytes = kMaxReviewBytes});
  if (!json) return json.error();
  if (auto checked = CheckEnvelope(*json); !checked) return checked.error();
  Json* request = nullptr;
  for (Json::Member& member : *json->AsObject()) {
    if (member.first == "request") request = &member.second;
  }
  Review out;
  if (auto read = ReadTexts(*request, out); !read) return read.error();
  out.group = StringOr(*request, {"resource", "group"});
  out.resource = StringOr(*request, {"resource", "resource"});
  out.kind = StringOr(*request, {"kind", "kind"});
  out.user = StringOr(*request, {"userInfo", "username"});
  if (auto took = TakeObject(*request, "object", out.object); !took) return took.error();
  if (auto took = TakeObject(*request, "oldObject", out.old_object); !took) return took.error();
  return out;
}

std::string CleanWarning(std::string_view text) {
  std::string out;
  for (const char c : text.substr(0, text.find('\n'))) {
    out += c == '\t' ? ' ' : (c < 0x20 || c > 0x7e) ? '?' : c;
  }
  if (out.size() > kMaxWarning) out = out.substr(0, kMaxWarning - 3) + "...";
  return out;
}

std::string EncodeResponse(const Review& review, const Answer& answer) {
  Json response = Json::MakeObject();
  response.Set("uid", review.uid);
  response.Set("allowed", answer.allowed);
  if (!answer.allowed) response.Set("status", StatusOf(review, answer));
  if (Json warnings = WarningsOf(answer); !warnings.AsArray()->empty()) {
    response.Set("warnings", std::move(warnings));
  }
  if (!answer.audit.empty()) {
    Json audit = Json::MakeObject();
    for (const auto& [key, value] : answer.audit) audit.Set(key, value);
    response.Set("auditAnnotations", std::move(audit));
  }
  Json out = Json::MakeObject();
  out.Set("apiVersion", kApiVersion);
  out.Set("kind", kKind);
  out.Set("response", std::move(response));
  return WriteJson(out);
}

}  // namespace headroom::webhook
