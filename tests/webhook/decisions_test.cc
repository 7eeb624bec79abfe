// Who counts, how often and where: replicas, scaling, nodes' own figures and other webhooks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/webhook/rules_fixture.h"
#include "webhook/adopt.h"
#include "webhook/scope.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;
using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;
using Outcome = Decision::Outcome;

class Decisions : public Rules {
 protected:
  void Node(const std::string& name, uint64_t budget) {
    view_.Apply(Kind::kNode, Upsert(NodeObject({.name = name, .budget = budget})));
  }
  void Admit(const Decision& decision) {
    EXPECT_EQ(decision.outcome, Outcome::kAllowed) << decision.answer.message;
    for (const Reservation& one : decision.reservations) view_.Reserve(one, kNow);
  }
  std::vector<std::string> On(const std::string& node) {
    std::vector<std::string> keys;
    for (const Load& load : view_.LoadsOn(node, kNow)) keys.emplace_back(load.key);
    return keys;
  }
  static Json Replicas(Json service, int64_t replicas) {
    service.Make({"spec", "replicas"}) = replicas;
    return service;
  }
  // As `kubectl scale` makes the API server ask.
  static Json ScaleReview(const std::string& name, int64_t before, int64_t after) {
    const auto scale = [&name](int64_t replicas) {
      Json object = Json::MakeObject();
      object.Set("apiVersion", "autoscaling/v1");
      object.Set("kind", "Scale");
      object.Make({"metadata", "name"}) = name;
      object.Make({"metadata", "namespace"}) = "team-a";
      object.Make({"spec", "replicas"}) = replicas;
      return object;
    };
    Json review = ReviewObject(scale(after), scale(before), {.subresource = "scale"});
    review.Make({"request", "kind", "group"}) = "autoscaling";
    return review;
  }
};
using Keys = std::vector<std::string>;

// What a node reports and what the view knows, in every combination; the sum shows in the answer to
// a model that fits the empty node only.
TEST_F(Decisions, EachWorkloadOfANodeCountsOnce) {
  const auto model = [](const char* name, const char* claim) {
    Json object = ModelObject(name, kOneGiB);
    object.Make({"spec", "nodeName"}) = "mac-1";
    if (*claim == '\0') return object;
    object.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
    object.Make({"metadata", "annotations", "headroom.dev/footprint-bytes"}) = claim;
    return object;
  };
  struct Row {
    const char* what;
    uint64_t committed;
    const char* commitments;
    std::vector<Json> objects;
    std::vector<Reservation> reservations;
    const char* admitted;  // as the denial prints it
  };
  const Row rows[] = {
      {"only the node knows", kGiB, "Model/static/x=1073741824", {}, {}, "1.0 (static/x 1.0)"},
      {"nobody has a name for it", kGiB, "", {}, {}, "1.0 (other models 1.0)"},
      {"both know of it",
       kGiB,
       "Model/team-a/a=1073741824",
       {model("a", "1073741824")},
       {},
       "1.0 (team-a/a 1.0)"},
      {"an unseen one beside a reservation",
       kGiB,
       "Model/static/x=1073741824",
       {},
       {{"Model/team-a/new", "team-a/new", "mac-1", kGiB}},
       "2.0 (static/x 1.0, team-a/new 1.0)"},
      {"an unnamed one beside a reservation",
       kGiB,
       "",
       {},
       {{"Model/team-a/new", "team-a/new", "mac-1", kGiB}},
       "2.0 (other models 1.0, team-a/new 1.0)"},
      {"an edit is larger than what runs",
       kGiB,
       "Model/team-a/a=1073741824",
       {model("a", "1073741824")},
       {{"Model/team-a/a", "team-a/a", "mac-1", 2 * kGiB}},
       "2.0 (team-a/a 2.0)"},
      {"a claim without a figure: the node has one",
       kGiB,
       "Model/team-a/a=1073741824",
       {[&] {
         Json object = model("a", "1");
         object.Make({"metadata", "annotations"}).Remove("headroom.dev/footprint-bytes");
         return object;
       }()},
       {},
       "1.0 (team-a/a 1.0)"},
      {"gone from the API, still stopping",
       kGiB,
       "Model/team-a/gone=1073741824",
       {},
       {},
       "1.0 (team-a/gone 1.0)"},
      {"not every one fits the annotation",
       3 * kGiB,
       "Model/team-a/a=1073741824",
       {model("a", "1073741824")},
       {},
       "3.0 (other models 2.0, team-a/a 1.0)"},
      {"claimed, not yet reported", 0, "", {model("a", "1073741824")}, {}, "1.0 (team-a/a 1.0)"},
  };
  for (const Row& row : rows) {
    view_ = View();
    view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1",
                                                .committed = row.committed,
                                                .commitments = row.commitments})));
    for (const Json& object : row.objects) view_.Apply(Kind::kModel, Upsert(object));
    for (const Reservation& one : row.reservations) view_.Reserve(one, kNow);
    const Decision decision = Create(ModelObject("llama", 5 * kOneGiB / 2));  // 3.7 GiB
    EXPECT_EQ(decision.rule, "HR-103") << row.what;
    EXPECT_THAT(decision.answer.message, HasSubstr("admitted " + std::string(row.admitted)))
        << row.what;
  }
}

TEST_F(Decisions, EachReplicaCounts) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  const Json chat = ServiceObject("chat", "llama", kOneGiB);  // 1.3 GiB with the rest
  const Decision two = Create(Replicas(chat, 2));
  ASSERT_EQ(two.reservations.size(), 2u) << two.answer.message;
  EXPECT_EQ(two.reservations[1].key, "InferenceService/team-a/chat#2");
  const Decision four = Create(Replicas(chat, 4));
  EXPECT_EQ(four.rule, "HR-103");
  EXPECT_THAT(four.answer.message, HasSubstr("InferenceService team-a/chat (replica 3 of 4)"));
  EXPECT_THAT(four.answer.message, HasSubstr("admitted 3.3 (its other replicas 3.3)"));
  EXPECT_THAT(four.answer.message, Not(HasSubstr("after stopping")));
  EXPECT_TRUE(four.reservations.empty());
  EXPECT_EQ(Create(Replicas(chat, 0)).outcome, Outcome::kPassed);
  EXPECT_EQ(Create(Replicas(chat, -1)).outcome, Outcome::kPassed);
  EXPECT_EQ(Create(Replicas(chat, INT64_MAX)).outcome, Outcome::kDenied);
}

TEST_F(Decisions, ReplicasSpreadOverNodes) {
  Node("mac-2", 4 * kGiB);
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  const Decision decision = Create(Replicas(ServiceObject("chat", "llama", 2 * kOneGiB), 2));
  ASSERT_EQ(decision.reservations.size(), 2u) << decision.answer.message;
  EXPECT_NE(decision.reservations[0].node, decision.reservations[1].node);
}

TEST_F(Decisions, ScalingIsJudgedByTheServiceItNames) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  view_.Apply(Kind::kInferenceService,
              Upsert(Replicas(ServiceObject("chat", "llama", kOneGiB), 1)));
  struct Row {
    int64_t before, after;
    Outcome outcome;
    size_t reserved;
  };
  for (const Row& row : {Row{1, 0, Outcome::kPassed, 0}, Row{1, 1, Outcome::kPassed, 0},
                         Row{1, 2, Outcome::kAllowed, 1}, Row{0, 2, Outcome::kAllowed, 2},
                         Row{1, 4, Outcome::kDenied, 0}, Row{4, 3, Outcome::kPassed, 0}}) {
    const Decision decision = Decide(ScaleReview("chat", row.before, row.after));
    EXPECT_EQ(decision.outcome, row.outcome) << row.before << " -> " << row.after;
    EXPECT_EQ(decision.reservations.size(), row.reserved) << row.before << " -> " << row.after;
  }
  EXPECT_EQ(Decide(ScaleReview("unknown", 0, 4)).outcome, Outcome::kPassed);
  // An admitted scale is known before a feed delivers it.
  ExpectAdmitted(*ParseReview(WriteJson(ScaleReview("chat", 1, 0))), view_, kNow);
  EXPECT_EQ(Decide(ReviewObject(ModelObject("llama", 0), ModelObject("llama", 0, "/m/other.gguf")))
                .outcome,
            Outcome::kPassed);
  Json suspended = ServiceObject("chat", "llama", kOneGiB);
  suspended.Make({"spec", "suspend"}) = true;
  view_.Apply(Kind::kInferenceService, Upsert(suspended));
  EXPECT_EQ(Decide(ScaleReview("chat", 0, 10)).outcome, Outcome::kPassed);
}

TEST_F(Decisions, ReplicasOfABoundServiceStayOnItsNode) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  Json chat = Replicas(ServiceObject("chat", "llama", kOneGiB), 3);
  chat.Make({"metadata", "annotations", "headroom.dev/node"}) = "mac-1";
  view_.Apply(Kind::kInferenceService, Upsert(chat));
  EXPECT_EQ(On("mac-1"), (Keys{"InferenceService/team-a/chat", "InferenceService/team-a/chat#2",
                               "InferenceService/team-a/chat#3"}));
  view_.Apply(Kind::kInferenceService, Upsert(Replicas(chat, 1)));
  EXPECT_EQ(On("mac-1"), Keys{"InferenceService/team-a/chat"});
  view_.Apply(Kind::kInferenceService, Upsert(Replicas(chat, 0)));
  EXPECT_EQ(On("mac-1"), Keys{});
}

TEST_F(Decisions, AGeneratedNameTakesOverTheReservationsOfAllReplicas) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0)));
  Json chat = Replicas(ServiceObject("x", "llama", kOneGiB / 4), 2);
  chat.Make({"metadata"}).Remove("name");
  chat.Make({"metadata", "generateName"}) = "chat-";
  Admit(Decide(ReviewObject(chat, {}, {.uid = "uid-1"})));
  Admit(Decide(ReviewObject(chat, {}, {.uid = "uid-2"})));
  EXPECT_EQ(On("mac-1").size(), 4u);
  for (const char* name : {"chat-a", "chat-b"}) {
    Json made = chat;
    made.Make({"metadata", "name"}) = name;
    view_.Apply(Kind::kInferenceService, Upsert(made));
  }
  EXPECT_EQ(On("mac-1"),
            (Keys{"InferenceService/team-a/chat-a", "InferenceService/team-a/chat-a#2",
                  "InferenceService/team-a/chat-b", "InferenceService/team-a/chat-b#2"}));
  Json gone = chat;
  gone.Make({"metadata", "name"}) = "chat-a";
  view_.Apply(Kind::kInferenceService, Deleted(gone));
  EXPECT_EQ(view_.reservations(), 2u);
}

// An unbound workload that another replica of the webhook has admitted.
TEST_F(Decisions, AdmissionsOfOtherWebhooksCountToo) {
  Node("mac-2", 2 * kGiB);
  const HeaderLookup lookup = [this](const HeaderNeed&) {
    return HeaderState{HeaderState::Kind::kReady, &heavy_, ""};
  };
  const auto seen = [this](const std::string& name, const std::string& created) {
    Json model = ModelObject(name, 5 * kOneGiB / 2);  // 3.7 GiB
    model.Make({"metadata", "creationTimestamp"}) = created;
    view_.Apply(Kind::kModel, Upsert(model));
  };
  seen("old", "2026-01-02T03:03:05Z");
  EXPECT_TRUE(AdoptAdmissions(view_, lookup, kNow).empty());
  EXPECT_EQ(On("mac-1"), Keys{}) << "a minute old and nobody has claimed it";
  seen("new", "2026-01-02T03:04:00Z");
  EXPECT_EQ(Create(ModelObject("llama", 2 * kOneGiB)).outcome, Outcome::kAllowed);
  EXPECT_TRUE(AdoptAdmissions(view_, lookup, kNow).empty());
  EXPECT_EQ(On("mac-1"), Keys{"Model/team-a/new"});
  EXPECT_EQ(Create(ModelObject("llama", 2 * kOneGiB)).rule, "HR-103");
  // It has lost the race: there is no place for it, and its node will refuse it.
  seen("late", "2026-01-02T03:04:01Z");
  AdoptAdmissions(view_, lookup, kNow);
  EXPECT_EQ(On("mac-1"), Keys{"Model/team-a/new"});
  // Without its header it is taken up later.
  view_.Apply(Kind::kModel, Deleted(ModelObject("new", 1)));
  const HeaderLookup none = [](const HeaderNeed&) { return HeaderState{}; };
  EXPECT_FALSE(AdoptAdmissions(view_, none, kNow).empty());
  AdoptAdmissions(view_, lookup, kNow);
  EXPECT_EQ(On("mac-1"), Keys{"Model/team-a/late"});
}

TEST_F(Decisions, AFetchedFileIsKnownFromTheNodeThatHasIt) {
  Json claimed = ModelObject("first", kOneGiB, "hf://org/repo/a.gguf");
  claimed.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
  view_.Apply(Kind::kModel, Upsert(claimed));
  std::map<std::string, HeaderState::Kind> known;  // by node, "" = the Hub
  std::vector<std::string> asked;
  const auto judge = [&](const std::string& source) {
    asked.clear();
    const HeaderLookup lookup = [&](const HeaderNeed& need) {
      asked.push_back(need.node);
      const auto kind = known.contains(need.node) ? known[need.node] : HeaderState::Kind::kMissing;
      return HeaderState{kind, &heavy_, "no such file"};
    };
    const Json object = ModelObject("second", kOneGiB, source);
    return Judge(*ParseReview(WriteJson(ReviewObject(object))), view_, lookup, settings_, kNow);
  };
  Decision decision = judge("hf://org/repo/a.gguf");
  ASSERT_EQ(decision.needs.size(), 1u);
  EXPECT_EQ(decision.needs[0].node, "mac-1") << "its copy before the Hub";
  known["mac-1"] = HeaderState::Kind::kReady;
  EXPECT_EQ(judge("hf://org/repo/a.gguf").outcome, Outcome::kAllowed);
  known["mac-1"] = HeaderState::Kind::kFailed;
  EXPECT_EQ(judge("hf://org/repo/a.gguf").needs.at(0).node, "");
  known[""] = HeaderState::Kind::kFailed;
  decision = judge("hf://org/repo/a.gguf");
  EXPECT_EQ(decision.rule, "HR-301");
  EXPECT_THAT(decision.answer.message, Not(HasSubstr("node mac-1")));
  known[""] = HeaderState::Kind::kReady;
  EXPECT_EQ(judge("hf://org/repo/a.gguf").outcome, Outcome::kAllowed);
  EXPECT_THAT(asked, Each("")) << "no node is asked for what is known";
  known.clear();
  EXPECT_EQ(judge("hf://org/repo/b.gguf").needs.at(0).node, "") << "nobody has it";
}

TEST_F(Decisions, TargetsByNameAnnotationSelectorOrAny) {
  Node("mac-2", 16 * kGiB);
  Json labelled = NodeObject({.name = "mac-3", .budget = 8 * kGiB});
  labelled.Make({"metadata", "labels", "rack"}) = "b";
  view_.Apply(Kind::kNode, Upsert(labelled));
  const Json model = ModelObject("llama", 5 * kOneGiB);  // 7.1 GiB
  Json named = model, annotated = model, selected = model, nowhere = model, lost = model;
  named.Make({"spec", "nodeName"}) = "mac-1";
  annotated.Make({"metadata", "annotations", "headroom.dev/node"}) = "mac-3";
  selected.Make({"spec", "nodeSelector", "rack"}) = "b";
  nowhere.Make({"spec", "nodeSelector", "rack"}) = "c";
  lost.Make({"spec", "nodeName"}) = "mac-9";
  const auto node = [this](const Json& object) {
    const Decision decision = Create(object);
    return decision.reservations.empty() ? decision.rule : decision.reservations[0].node;
  };
  EXPECT_EQ(node(model), "mac-2") << "the one with the most room";
  EXPECT_EQ(node(named), "HR-101");
  EXPECT_EQ(node(annotated), "mac-3");
  EXPECT_EQ(node(selected), "mac-3");
  EXPECT_EQ(node(nowhere), "HR-104");
  EXPECT_EQ(node(lost), "HR-104");
  // A cordoned or stale node is no target while another one is.
  for (const auto& [name, time] : {std::pair{"mac-2", kNow - 4min}, std::pair{"mac-3", kNow}}) {
    view_.Apply(Kind::kNode,
                Upsert(NodeObject({.name = name, .budget = 8 * kGiB, .observed_at = time})));
  }
  EXPECT_EQ(node(model), "mac-3");
  Json cordoned = NodeObject({.name = "mac-3", .budget = 8 * kGiB});
  cordoned.Make({"spec", "unschedulable"}) = true;
  view_.Apply(Kind::kNode, Upsert(cordoned));
  EXPECT_EQ(node(model), "HR-101") << "mac-1 is too small";
}

TEST_F(Decisions, EditingAModelCountsEachOfItsServices) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("llama", 0, "/models/small.gguf")));
  const auto services = [this](int64_t tokens) {
    for (const char* name : {"a", "b", "c"}) {
      Json service = ServiceObject(name, "llama", tokens);
      service.Make({"metadata", "annotations", "headroom.dev/claimed-by"}) = "mac-1";
      service.Make({"metadata", "annotations", "headroom.dev/footprint-bytes"}) = "1000000";
      view_.Apply(Kind::kInferenceService, Upsert(service));
    }
  };
  const Json before = ModelObject("llama", 0, "/models/small.gguf");
  const Json after = ModelObject("llama", 0, "/models/heavy.gguf");
  services(kOneGiB / 2);
  const Decision three = Update(before, after);  // 3 x 1.0 GiB
  EXPECT_EQ(three.outcome, Outcome::kAllowed) << three.answer.message;
  EXPECT_EQ(three.reservations.size(), 3u);
  services(3 * kOneGiB / 2);
  const Decision larger = Update(before, after);
  EXPECT_EQ(larger.rule, "HR-103");
  EXPECT_THAT(larger.answer.message, HasSubstr("InferenceService team-a/b needs 2.3 GiB"));
}

TEST_F(Decisions, WarnsOfWhatItAssumedAndOfTightFits) {
  view_.Apply(Kind::kModel, Upsert(ModelObject("weights", 0)));
  Json silent = ServiceObject("chat", "weights", 256);
  silent.Make({"spec"}).Remove("contextSize");
  EXPECT_THAT(Create(silent).answer.warnings,
              Contains("no context size given: counted with the default of 2048 tokens "
                       "(spec.contextSize)"));
  EXPECT_THAT(
      Create(ModelObject("llama", 5 * kOneGiB / 2)).answer.warnings,
      Contains(HasSubstr("takes nearly all of the 4.0 GiB that node mac-1 can still give")));
  Json capped = ModelObject("llama", 256);
  capped.Make({"spec", "hardware", "memoryBudget"}) = "64Gi";
  EXPECT_THAT(Create(capped).answer.warnings,
              Contains("spec.hardware: more than node mac-1 may give to models: counted with "
                       "8.0 GiB"));
}

}  // namespace
}  // namespace headroom::webhook
