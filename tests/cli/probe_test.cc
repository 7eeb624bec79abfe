// What each answer of an API server proves; the conversation with a real one is in the chart's
// tests.
#include "cli/probe.h"

#include <gmock/gmock.h>

#include "kube/workload.h"
#include "tests/cli/served.h"

namespace headroom::cli {
namespace {

using ::testing::HasSubstr;

TEST(Probe, RefusalByOurRuleProvesThatTheWebhookWasAsked) {
  EXPECT_TRUE(CheckRefused(Error(Code::kUnauthorized,
                                 "admission webhook \"fit.headroom.dev\" denied the request: "
                                 "[HR-202] Model default/x: spec.hardware.memoryBudget ...")));
}

TEST(Probe, AnythingElseProvesNothing) {
  const struct {
    Result<Json> answer;
    Code code;
    const char* text;
  } cases[] = {
      // Accepted: worth another try, for the registration may be a moment old.
      {Json::MakeObject(), Code::kUnavailable, "does not ask headroom-webhook"},
      {Error(Code::kUnavailable, "failed calling webhook \"fit.headroom.dev\": connection refused"),
       Code::kUnavailable, "connection refused"},
      {Error(Code::kUnauthorized,
             "models.inference.llmkube.dev is forbidden: User \"x\" cannot create"),
       Code::kUnauthorized, "cannot create"},
      {Error(Code::kNotFound, "the server could not find the requested resource"), Code::kNotFound,
       "are the CRDs installed?"},
      {Error(Code::kUnauthorized, "admission webhook \"other\" denied the request: no"),
       Code::kUnauthorized, "other"},
  };
  for (const auto& [answer, code, text] : cases) {
    const auto checked = CheckRefused(answer);
    ASSERT_FALSE(checked) << text;
    EXPECT_EQ(checked.error().code(), code) << text;
    EXPECT_THAT(checked.error().message(), HasSubstr(text));
  }
}

TEST(Probe, TheOtherModelMustPass) {
  EXPECT_TRUE(CheckPassed(Json::MakeObject()));
  const auto denied = CheckPassed(Error(Code::kUnauthorized, "denied the request: [HR-104] ..."));
  ASSERT_FALSE(denied);
  EXPECT_THAT(denied.error().message(), HasSubstr("not for a Mac was not accepted: denied"));
}

TEST(Probe, ModelsAreWhatTheyClaimToBe) {
  const kube::Model refused = kube::DecodeModel(ProbeToRefuse("team-a"));
  EXPECT_EQ(refused.meta.Key(), "team-a/headroom-probe-refused");
  EXPECT_EQ(refused.accelerator, "metal");
  EXPECT_FALSE(estimator::CheckBudgetTexts(refused.budget));
  const kube::Model passed = kube::DecodeModel(ProbeToPass("team-a"));
  EXPECT_EQ(passed.accelerator, "cpu");
  EXPECT_TRUE(passed.node_name.empty());
}

class ProbeCommand : public ServedCommandTest {
 protected:
  // As an API server that asks the webhook, or one that does not.
  void ServeApi(bool asks) {
    on_post_ = [asks](const net::HttpRequest& request) {
      const bool refused = request.body.find("not-a-quantity") != std::string::npos;
      if (!asks || !refused) return net::JsonResponse(201, request.body);
      return net::JsonResponse(
          403, R"({"kind": "Status", "code": 403, "reason": "Forbidden", "message": )"
               R"("admission webhook \"fit.headroom.dev\" denied the request: [HR-202] no"})");
    };
    Serve();
  }
};

TEST_F(ProbeCommand, TellsWhetherTheWebhookIsAsked) {
  ServeApi(true);
  ASSERT_EQ(Call({"probe", "--kubeconfig", Kubeconfig()}), kDone) << err_.str();
  ExpectGolden("probe.txt", Said());
}

TEST_F(ProbeCommand, FailsWhereItIsNot) {
  ServeApi(false);
  EXPECT_EQ(Call({"probe", "--kubeconfig", Kubeconfig(), "--timeout", "1ms"}), kFailed);
  ExpectGolden("probe-not-asked.txt", Said());
}

TEST_F(ProbeCommand, BadInputIsOneClearLine) {
  EXPECT_EQ(Call({"probe", "--timeout", "soon"}), kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--timeout"));
  EXPECT_EQ(Call({"probe", "--kubeconfig", folder_ + "/absent"}), kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("/absent"));
}

}  // namespace
}  // namespace headroom::cli
