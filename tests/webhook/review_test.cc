#include "webhook/review.h"

#include <gtest/gtest.h>

#include "tests/webhook/objects.h"

namespace headroom::webhook {
namespace {

using testing::ModelObject;
using testing::ReviewObject;

Review MakeReview() { return *ParseReview(WriteJson(ReviewObject(ModelObject("llama", 4096)))); }

TEST(ParseReview, ReadsWhatTheApiServerSends) {
  const Review review = MakeReview();
  EXPECT_EQ(review.uid, "b5f6c6b2-0001");
  EXPECT_EQ(review.operation, "CREATE");
  EXPECT_EQ(review.resource, "models");
  EXPECT_EQ(review.kind, "Model");
  EXPECT_EQ(review.name, "llama");
  EXPECT_EQ(review.ns, "team-a");
  EXPECT_EQ(review.user, "jane");
  EXPECT_FALSE(review.dry_run);
  EXPECT_EQ(StringOr(review.object, {"spec", "source"}), "/models/heavy.gguf");
  EXPECT_TRUE(review.old_object.IsNull());
}

TEST(ParseReview, RefusesWhatIsNoReviewAndSaysWhere) {
  const std::string good = WriteJson(ReviewObject(ModelObject("llama", 4096)));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return text.replace(at, from.size(), to);
  };
  const std::pair<std::string, const char*> cases[] = {
      {"", ""},
      {"null", "AdmissionReview"},
      {"[]", "AdmissionReview"},
      {"{}", "apiVersion"},
      {good.substr(0, good.size() / 2), ""},
      {good + "x", ""},
      {with("admission.k8s.io/v1", "admission.k8s.io/v1beta1"), "apiVersion"},
      {with("\"AdmissionReview\"", "\"Review\""), "kind"},
      {with("\"b5f6c6b2-0001\"", "\"\""), "request.uid"},
      {with("\"b5f6c6b2-0001\"", "7"), "uid"},
      {with("\"CREATE\"", "null"), "request.operation"},
      {with("\"dryRun\":false", "\"dryRun\":\"no\""), "dryRun"},
      {with("\"oldObject\":null", "\"oldObject\":[]"), "request.oldObject"},
      {R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview"})", "request"},
      {R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":[]})", "request"},
  };
  for (const auto& [text, part] : cases) {
    const auto review = ParseReview(text);
    ASSERT_FALSE(review) << text;
    EXPECT_NE(review.error().message().find(part), std::string::npos) << review.error().message();
  }
}

TEST(ParseReview, HostileNestingIsAnError) {
  EXPECT_FALSE(ParseReview(std::string(3 << 20, '[')));
  std::string nested = R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":)";
  for (int i = 0; i < 100000; ++i) nested += "{\"a\":";
  EXPECT_FALSE(ParseReview(nested));
}

TEST(EncodeResponse, AllowsInTheFormTheApiServerChecks) {
  EXPECT_EQ(EncodeResponse(MakeReview(), {}),
            R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview",)"
            R"("response":{"uid":"b5f6c6b2-0001","allowed":true}})");
}

TEST(EncodeResponse, DeniesWithCodeReasonMessageAndCauses) {
  Answer answer;
  answer.allowed = false;
  answer.message = "[HR-101] too large\n\n  details";
  answer.causes = {{"HR-101", "spec.source", "footprintBytes=5"}};
  answer.audit = {{"decision", "denied"}, {"rule", "HR-101"}};
  EXPECT_EQ(
      EncodeResponse(MakeReview(), answer),
      R"({"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{)"
      R"("uid":"b5f6c6b2-0001","allowed":false,"status":{"status":"Failure",)"
      R"("message":"[HR-101] too large\n\n  details","reason":"Forbidden","details":{)"
      R"("name":"llama","group":"inference.llmkube.dev","kind":"Model","causes":[{)"
      R"("reason":"HR-101","message":"footprintBytes=5","field":"spec.source"}]},"code":403},)"
      R"("auditAnnotations":{"decision":"denied","rule":"HR-101"}}})");
}

TEST(EncodeResponse, WarningsAreOneAsciiLineFewAndOnce) {
  Answer answer;
  answer.warnings = {"a\nb", std::string(500, 'x'), "caf\xc3\xa9\x01", "a", "c", "d", "e"};
  const auto json = ParseJson(EncodeResponse(MakeReview(), answer));
  const auto& warnings = *json->Find({"response", "warnings"})->AsArray();
  ASSERT_EQ(warnings.size(), 4u);
  EXPECT_EQ(*warnings[0].AsString(), "a");
  EXPECT_EQ(warnings[1].AsString()->size(), 120u);
  EXPECT_EQ(*warnings[2].AsString(), "caf???");
  EXPECT_EQ(*warnings[3].AsString(), "c");
}

}  // namespace
}  // namespace headroom::webhook
