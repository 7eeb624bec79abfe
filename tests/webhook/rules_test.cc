// What is judged and what comes out, on a view with one or two nodes and a model of 16 KiB a token:
// 65536 tokens are 1 GiB of KV cache.
#include "webhook/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admission/growth.h"
#include "tests/webhook/rules_fixture.h"
#include "webhook/scope.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using Outcome = Decision::Outcome;

TEST_F(Rules, AdmitsWhatFitsAndReservesIt) {
  const Decision decision = Create(ModelObject("llama", 2 * kOneGiB));
  EXPECT_EQ(decision.outcome, Outcome::kAllowed) << decision.Detail();
  ASSERT_EQ(decision.reservations.size(), 1u);
  EXPECT_EQ(decision.reservations[0].key, "Model/team-a/llama");
  EXPECT_EQ(decision.reservations[0].node, "mac-1");
  EXPECT_GT(decision.reservations[0].footprint, 2 * kGiB);
  EXPECT_EQ(decision.answer.audit.at("node"), "mac-1");
}

TEST_F(Rules, DeniesWhatIsTooLarge) {
  const Decision decision = Create(ModelObject("llama", 8 * kOneGiB));
  EXPECT_EQ(decision.outcome, Outcome::kDenied);
  EXPECT_THAT(decision.rule, StartsWith("HR-10"));
  EXPECT_THAT(decision.answer.message, HasSubstr("Model team-a/llama needs"));
  EXPECT_FALSE(decision.answer.allowed);
  EXPECT_FALSE(decision.answer.causes.empty());
  EXPECT_TRUE(decision.reservations.empty());
}

TEST_F(Rules, AnotherServersSizeIsDeclaredOrUnknown) {
  Json model = ModelObject("mlx", kOneGiB, "hf://org/repo");
  model.Make({"spec", "serving", "runtime"}) = "vllm-metal";
  const Decision unknown = Create(model);
  EXPECT_EQ(unknown.rule, "HR-301");
  EXPECT_THAT(unknown.answer.message, HasSubstr("a vllm-metal server is not estimated"));
  EXPECT_TRUE(asked_.empty()) << "there is no header to read";
  model.Make({"spec", "hardware", "memoryBudget"}) = "3Gi";
  const Decision declared = Create(model);
  EXPECT_EQ(declared.outcome, Outcome::kAllowed) << declared.Detail();
  ASSERT_EQ(declared.reservations.size(), 1u);
  EXPECT_EQ(declared.reservations[0].footprint, 3 * kGiB);
  model.Make({"spec", "hardware", "memoryBudget"}) = "5Gi";
  EXPECT_EQ(Create(model).outcome, Outcome::kDenied);
}

TEST_F(Rules, NamesWhatOccupiesTheNode) {
  view_.Reserve({"Model/team-a/first", "team-a/first", "mac-1", 3 * kGiB}, kNow);
  const Decision decision = Create(ModelObject("second", 2 * kOneGiB));
  EXPECT_EQ(decision.rule, "HR-103");
  EXPECT_THAT(decision.answer.message, HasSubstr("team-a/first 3.0"));
}

TEST_F(Rules, AnUpdateDoesNotCountItselfTwice) {
  const Json before = ModelObject("llama", 2 * kOneGiB);
  view_.Apply(Kind::kModel, Upsert(before));
  view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1",
                                              .committed = 2 * kGiB + (300u << 20),
                                              .commitments = "Model/team-a/llama=2462056448"})));
  const Decision decision = Update(before, ModelObject("llama", 5 * kOneGiB / 2));
  EXPECT_EQ(decision.outcome, Outcome::kAllowed) << decision.answer.message;
}

TEST_F(Rules, EstimatesBoundModelsWithoutAClaim) {
  Json bound = ModelObject("bound", 3 * kOneGiB);
  bound.Make({"spec", "nodeName"}) = "mac-1";
  view_.Apply(Kind::kModel, Upsert(bound));
  const Decision decision = Create(ModelObject("llama", 2 * kOneGiB));
  EXPECT_EQ(decision.rule, "HR-103");
  EXPECT_THAT(decision.answer.message, HasSubstr("team-a/bound"));
}

TEST_F(Rules, AnOccupantWhoseHeaderIsOnItsWayIsNotForgotten) {
  Json bound = ModelObject("bound", 3 * kOneGiB, "/models/slow.gguf");
  bound.Make({"spec", "nodeName"}) = "mac-1";
  view_.Apply(Kind::kModel, Upsert(bound));
  const Decision waits = Create(ModelObject("llama", kOneGiB));
  EXPECT_EQ(waits.rule, "HR-302") << waits.Detail();
  EXPECT_THAT(waits.answer.message, HasSubstr("Model/team-a/bound"));
  EXPECT_TRUE(waits.reservations.empty());
  // A declared size is counted, a claim is counted by the node.
  Json declared = bound, claimed = bound;
  declared.Make({"spec", "hardware", "memoryBudget"}) = "3Gi";
  view_.Apply(Kind::kModel, Upsert(declared));
  EXPECT_EQ(Create(ModelObject("llama", 2 * kOneGiB)).rule, "HR-103");
  EXPECT_EQ(Create(ModelObject("llama", kOneGiB / 2)).outcome, Outcome::kAllowed);
  claimed.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  view_.Apply(Kind::kModel, Upsert(claimed));
  EXPECT_EQ(Create(ModelObject("llama", kOneGiB)).outcome, Outcome::kAllowed);
}

TEST_F(Rules, PassesWhatIsNotOurs) {
  Json cuda = ModelObject("llama", 8 * kOneGiB);
  cuda.Make({"spec", "hardware", "accelerator"}) = "cuda";
  cuda.Make({"spec", "hardware", "memoryBudget"}) = "banana";
  EXPECT_EQ(Create(cuda).outcome, Outcome::kPassed);
  // ... unless it is bound to a node of ours.
  cuda.Make({"spec", "nodeName"}) = "mac-1";
  EXPECT_EQ(Create(cuda).outcome, Outcome::kDenied);
  EXPECT_EQ(Create(ModelObject("weights-only", 0)).outcome, Outcome::kPassed);
}

TEST_F(Rules, NeverJudgesDeletesStatusOrDyingObjects) {
  const Json big = ModelObject("llama", 8 * kOneGiB);
  Json dying = big;
  dying.Make({"metadata", "deletionTimestamp"}) = "2026-01-02T03:04:05Z";
  EXPECT_EQ(Decide(ReviewObject(big, {}, {.operation = "DELETE"})).detail, "operation");
  EXPECT_EQ(Decide(ReviewObject(big, {}, {.subresource = "status"})).detail, "subresource");
  EXPECT_EQ(Update(ModelObject("llama", 256), dying).detail, "deleting");
  EXPECT_EQ(Update(dying, big).detail, "deleting");
  EXPECT_TRUE(asked_.empty());
}

TEST_F(Rules, AnUpdateThatDoesNotGrowPassesEvenOverBudget) {
  const Json big = ModelObject("llama", 9 * kOneGiB);
  Json labelled = big;
  labelled.Make({"metadata", "labels", "a"}) = "b";
  labelled.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  EXPECT_EQ(Update(big, labelled).outcome, Outcome::kPassed);
  EXPECT_EQ(Update(big, ModelObject("llama", 8 * kOneGiB)).outcome, Outcome::kPassed);
  EXPECT_TRUE(asked_.empty()) << "no I/O for what cannot grow";
  // Fewer tokens but a wider cache: the sum decides.
  Json wider = ModelObject("llama", 2 * kOneGiB);
  wider.Make({"spec", "serving", "cacheTypeK"}) = "f32";
  wider.Make({"spec", "serving", "cacheTypeV"}) = "f32";
  EXPECT_EQ(Update(big, wider).detail, "no growth");
  EXPECT_FALSE(asked_.empty());
  EXPECT_EQ(Update(big, ModelObject("llama", 10 * kOneGiB)).outcome, Outcome::kDenied);
}

TEST_F(Rules, WhatWasStoredWithBadOptionsStillTakesMetadata) {
  Json bad = ModelObject("llama", 256);
  bad.Make({"spec", "serving", "parallelSlots"}) = 100000;
  Json labelled = bad;
  labelled.Make({"metadata", "labels", "a"}) = "b";
  EXPECT_EQ(Update(bad, labelled).detail, "no growth");
  labelled.Make({"spec", "serving", "contextSize"}) = 512;
  EXPECT_EQ(Update(bad, labelled).rule, "HR-401");
}

TEST_F(Rules, GrowthFromOrToTheModelsOwnSizeIsEstimated) {
  struct Row {
    const char* field;
    int64_t before, after;
    admission::Growth growth;
  };
  for (const Row& row : {Row{"contextSize", 0, 4096, admission::Growth::kDepends},
                         Row{"contextSize", 4096, 0, admission::Growth::kDepends},
                         Row{"contextSize", 4096, 2048, admission::Growth::kNone},
                         Row{"contextSize", 0, 0, admission::Growth::kNone},
                         Row{"contextSize", 2048, 4096, admission::Growth::kDepends},
                         Row{"uBatchSize", 512, 256, admission::Growth::kNone}}) {
    const auto workload = [&row](int64_t value) {
      Json model = ModelObject("llama", 256);
      model.Make({"spec", "serving", row.field}) = value;
      return *kube::WorkloadOf(kube::DecodeModel(model));
    };
    EXPECT_EQ(admission::CompareWorkloads(workload(row.before), workload(row.after)), row.growth)
        << row.field << " " << row.before << " -> " << row.after;
  }
  const auto ubatch = [](const char* value) {
    Json model = ModelObject("llama", 256);
    Json arguments = Json::MakeArray();
    arguments.Append("-ub");
    arguments.Append(value);
    model.Make({"spec", "serving", "extraArgs"}) = std::move(arguments);
    return *kube::WorkloadOf(kube::DecodeModel(model));
  };
  EXPECT_EQ(admission::CompareWorkloads(ubatch("512"), ubatch("0")), admission::Growth::kDepends);
}

TEST_F(Rules, AnUpdateOfTargetSourceOrBudgetIsJudged) {
  const Json before = ModelObject("llama", 8 * kOneGiB);
  Json moved = before, resourced = before, budgeted = before, enabled = before;
  moved.Make({"spec", "nodeName"}) = "mac-1";
  resourced.Make({"spec", "source"}) = "/models/other.gguf";
  budgeted.Make({"spec", "hardware", "memoryFraction"}) = 0.3;
  enabled.Make({"spec", "serving", "enabled"}) = false;
  EXPECT_EQ(Update(before, moved).outcome, Outcome::kDenied);
  EXPECT_EQ(Update(before, resourced).outcome, Outcome::kDenied);
  EXPECT_EQ(Update(before, budgeted).outcome, Outcome::kDenied);
  EXPECT_EQ(Update(before, enabled).outcome, Outcome::kPassed);
  EXPECT_EQ(Update(enabled, before).outcome, Outcome::kDenied);
}

TEST_F(Rules, AMalformedBudgetIsDeniedByItsPath) {
  for (const char* text : {"banana", "-1Gi", "0"}) {
    Json model = ModelObject("llama", 0);
    model.Make({"spec", "hardware", "memoryBudget"}) = text;
    const Decision decision = Create(model);
    EXPECT_EQ(decision.rule, "HR-202") << text;
    EXPECT_THAT(decision.answer.message, HasSubstr("spec.hardware.memoryBudget: expected"));
    EXPECT_EQ(Update(model, model).outcome, Outcome::kPassed) << "was there before us";
  }
  Json model = ModelObject("llama", 256);
  model.Make({"spec", "hardware", "memoryFraction"}) = 1.5;
  EXPECT_THAT(Create(model).answer.message, HasSubstr("spec.hardware.memoryFraction"));
}

TEST_F(Rules, AServingFieldOutOfRangeIsRefusedByItsPath) {
  Json model = ModelObject("llama", 256);
  model.Make({"spec", "serving", "parallelSlots"}) = 100000;
  const Decision decision = Create(model);
  EXPECT_EQ(decision.rule, "HR-401");
  EXPECT_THAT(decision.answer.message, HasSubstr("spec.serving.parallelSlots: expected"));
}

TEST_F(Rules, AsksForAMissingHeaderAtATargetNode) {
  state_.kind = HeaderState::Kind::kMissing;
  const Decision decision = Create(ModelObject("llama", 256));
  ASSERT_EQ(decision.needs.size(), 1u);
  EXPECT_EQ(decision.needs[0].node, "mac-1");
  EXPECT_EQ(decision.needs[0].endpoint.metrics_address, "127.0.0.1:1");
  EXPECT_EQ(decision.needs[0].source.path, "/models/heavy.gguf");
  const Decision remote = Create(ModelObject("llama", 256, "hf://org/repo/a.gguf"));
  ASSERT_EQ(remote.needs.size(), 1u);
  EXPECT_EQ(remote.needs[0].node, "");
}

TEST_F(Rules, AnUnknownSizeIsDeniedOrWarnedAbout) {
  state_ = {HeaderState::Kind::kFailed, nullptr, "the node's exporter cannot be reached"};
  Decision decision = Create(ModelObject("llama", 256));
  EXPECT_EQ(decision.rule, "HR-301");
  EXPECT_TRUE(decision.unknown_size);
  EXPECT_THAT(decision.answer.message,
              HasSubstr("node mac-1: the node's exporter cannot be reached"));
  EXPECT_THAT(decision.answer.message, HasSubstr("--unknown-size=warn"));
  state_.kind = HeaderState::Kind::kPending;
  EXPECT_EQ(Create(ModelObject("llama", 256)).rule, "HR-302");
  EXPECT_EQ(Create(ModelObject("llama", 256, "pvc://claim/a.gguf")).rule, "HR-301");
  EXPECT_EQ(Create(ModelObject("llama", 256, "http://h/a.gguf")).rule, "HR-301");
  settings_.allow_unknown = true;
  state_.kind = HeaderState::Kind::kFailed;
  decision = Create(ModelObject("llama", 256));
  EXPECT_EQ(decision.outcome, Outcome::kAllowed);
  ASSERT_FALSE(decision.answer.warnings.empty());
  EXPECT_THAT(decision.answer.warnings[0], StartsWith("HR-301"));
}

TEST_F(Rules, ADeclaredBudgetStandsInForAnUnknownSize) {
  Json model = ModelObject("llama", 256, "pvc://claim/a.gguf");
  model.Make({"spec", "hardware", "memoryBudget"}) = "3Gi";
  const Decision decision = Create(model);
  EXPECT_EQ(decision.outcome, Outcome::kAllowed);
  ASSERT_EQ(decision.reservations.size(), 1u);
  EXPECT_EQ(decision.reservations[0].footprint, 3 * kGiB);
  EXPECT_FALSE(decision.unknown_size);
}

TEST_F(Rules, WithoutAUsableNodeItSaysSo) {
  view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1", .observed_at = kNow - 4min})));
  const Decision stale = Create(ModelObject("llama", 256));
  EXPECT_EQ(stale.rule, "HR-104");
  EXPECT_THAT(stale.answer.message, HasSubstr("mac-1"));
  view_.Apply(Kind::kNode, Deleted(NodeObject({.name = "mac-1"})));
  EXPECT_EQ(Create(ModelObject("llama", 256)).rule, "HR-104");
}

TEST_F(Rules, OffersAnotherNode) {
  view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-2", .budget = 16 * kGiB})));
  Json model = ModelObject("llama", 8 * kOneGiB, "hf://org/repo/a.gguf");
  EXPECT_EQ(Create(model).reservations.at(0).node, "mac-2");
  model.Make({"spec", "nodeName"}) = "mac-1";
  const Decision decision = Create(model);
  EXPECT_EQ(decision.rule, "HR-101");
  EXPECT_THAT(decision.answer.message, HasSubstr("mac-2"));
  // A file on a node need not be on another one; the rule stays.
  model.Make({"spec", "source"}) = "/models/heavy.gguf";
  const Decision local = Create(model);
  EXPECT_EQ(local.rule, "HR-101");
  EXPECT_THAT(local.answer.message, Not(HasSubstr("mac-2")));
}

TEST_F(Rules, AClaimedWorkloadIsJudgedWhereItRuns) {
  view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-2", .budget = 16 * kGiB})));
  Json before = ModelObject("llama", kOneGiB);
  before.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  Json after = ModelObject("llama", 8 * kOneGiB);
  after.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  view_.Apply(Kind::kModel, Upsert(before));
  EXPECT_EQ(Update(before, after).outcome, Outcome::kDenied);
}

TEST_F(Rules, AServiceIsJudgedWithItsModel) {
  const Decision early = Create(ServiceObject("chat", "llama", 8 * kOneGiB));
  EXPECT_EQ(early.outcome, Outcome::kPassed);
  EXPECT_THAT(early.answer.warnings.at(0), HasSubstr("team-a/llama does not exist yet"));
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  const Decision decision = Create(ServiceObject("chat", "llama", 8 * kOneGiB));
  EXPECT_EQ(decision.outcome, Outcome::kDenied);
  EXPECT_THAT(decision.answer.message, HasSubstr("InferenceService team-a/chat"));
  Json suspended = ServiceObject("chat", "llama", 8 * kOneGiB);
  suspended.Make({"spec", "suspend"}) = true;
  EXPECT_EQ(Create(suspended).outcome, Outcome::kPassed);
  EXPECT_EQ(Create(ServiceObject("chat", "llama", kOneGiB)).outcome, Outcome::kAllowed);
}

TEST_F(Rules, AModelIsJudgedWithAllItsServices) {
  view_.Apply(Kind::kInferenceService, Upsert(ServiceObject("a", "llama", 2 * kOneGiB)));
  EXPECT_EQ(Create(ModelObject("llama", 0)).outcome, Outcome::kAllowed);
  view_.Apply(Kind::kInferenceService, Upsert(ServiceObject("b", "llama", 2 * kOneGiB)));
  const Decision decision = Create(ModelObject("llama", 0));
  EXPECT_EQ(decision.rule, "HR-103") << "each fits, both do not";
  EXPECT_THAT(decision.answer.message, HasSubstr("team-a/a"));
}

TEST_F(Rules, WhatWasAdmittedAMomentAgoIsJoinedBeforeAFeedDeliversIt) {
  const auto admit = [this](const Json& object) {
    ExpectAdmitted(*ParseReview(WriteJson(ReviewObject(object))), view_, kNow);
  };
  const Json model = ModelObject("llama", 0), service = ServiceObject("chat", "llama", 8 * kOneGiB);
  admit(model);
  EXPECT_EQ(Create(service).outcome, Outcome::kDenied);
  view_.DropExpired(kNow + 10s);
  EXPECT_EQ(Create(service).outcome, Outcome::kPassed) << "forgotten";
  admit(service);
  EXPECT_EQ(Create(model).outcome, Outcome::kDenied);
  view_.Apply(Kind::kInferenceService, Upsert(ServiceObject("chat", "llama", kOneGiB)));
  EXPECT_EQ(Create(model).outcome, Outcome::kAllowed) << "the feed knows better";
}

TEST_F(Rules, AGeneratedNameIsReservedByItsReview) {
  Json model = ModelObject("x", kOneGiB);
  model.Make({"metadata"}).Remove("name");
  model.Make({"metadata", "generateName"}) = "job-";
  const Decision decision = Create(model);
  ASSERT_EQ(decision.reservations.size(), 1u);
  EXPECT_EQ(decision.reservations[0].key, "Model/team-a/job-*#b5f6c6b2-0001");
  EXPECT_EQ(decision.reservations[0].name, "team-a/job-*");
}

TEST_F(Rules, AHundredConcurrentCreatesNeverOverfillANode) {
  int admitted = 0;
  for (int i = 0; i < 100; ++i) {
    const Decision decision = Create(ModelObject("m" + std::to_string(i), kOneGiB / 2));
    if (decision.outcome != Outcome::kAllowed) continue;
    ++admitted;
    for (const Reservation& reservation : decision.reservations) view_.Reserve(reservation, kNow);
  }
  uint64_t sum = 0;
  for (const Load& load : view_.LoadsOn("mac-1", kNow)) sum += *load.footprint;
  EXPECT_GT(admitted, 2);
  EXPECT_LE(sum, 4 * kGiB);
}

}  // namespace
}  // namespace headroom::webhook
