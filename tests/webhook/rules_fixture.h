// A view with one node of 4 GiB and a model of 16 KiB a token, for tests of the decision.
#pragma once

#include <gtest/gtest.h>

#include "tests/webhook/objects.h"
#include "webhook/rules.h"

namespace headroom::webhook::testing {

inline constexpr int64_t kOneGiB = 65536;  // tokens whose KV cache takes 1 GiB

class Rules : public ::testing::Test {
 protected:
  Rules() : heavy_(HeaderOf(headroom::testing::KvHeavyModel())) {
    view_.Apply(kube::Kind::kNode, Upsert(NodeObject({.name = "mac-1", .budget = 4 * kGiB})));
  }
  Decision Decide(const Json& review) {
    const auto parsed = ParseReview(WriteJson(review));
    EXPECT_TRUE(parsed);
    const HeaderLookup lookup = [this](const HeaderNeed& need) {
      asked_.push_back(need.node);
      if (need.source.path == "/models/slow.gguf") {
        return HeaderState{HeaderState::Kind::kPending, nullptr, ""};
      }
      return state_.kind == HeaderState::Kind::kReady
                 ? HeaderState{HeaderState::Kind::kReady, &heavy_, ""}
                 : state_;
    };
    return Judge(*parsed, view_, lookup, settings_, kNow);
  }
  Decision Create(const Json& object) { return Decide(ReviewObject(object)); }
  Decision Update(const Json& before, const Json& after) {
    return Decide(ReviewObject(after, before));
  }

  sources::ModelHeader heavy_;
  View view_;
  HeaderState state_{HeaderState::Kind::kReady, nullptr, ""};
  RuleSettings settings_;
  std::vector<std::string> asked_;
};

}  // namespace headroom::webhook::testing
