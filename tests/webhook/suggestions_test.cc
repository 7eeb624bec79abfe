// Whatever a denial prints under "Would fit" is done to the manifest, word for word, and must then
// be admitted: the right fields, with effect, on the right node.
#include <gtest/gtest.h>

#include <regex>

#include "tests/webhook/rules_fixture.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;
using Outcome = Decision::Outcome;

class Suggestions : public Rules {
 protected:
  // What occupies mac-1, by name, 1 GiB each.
  void SetNodes(uint64_t budget_gib, const std::vector<std::string>& occupants) {
    std::string commitments;
    for (const std::string& name : occupants) {
      commitments += (commitments.empty() ? "" : " ") + ("Model/" + name + "=1073741824");
    }
    view_ = View();
    view_.Apply(Kind::kNode, Upsert(NodeObject({.name = "mac-1",
                                                .budget = budget_gib * kGiB,
                                                .committed = occupants.size() * kGiB,
                                                .commitments = commitments})));
    view_.Apply(Kind::kNode,
                Upsert(NodeObject({.name = "mac-2", .budget = 2 * budget_gib * kGiB})));
    view_.Apply(Kind::kModel, Upsert(ModelObject("weights", 0, kSource)));
    budget_gib_ = budget_gib;
    occupants_ = occupants;
  }

  static Json BoundModel(int64_t context, bool prompt_cache) {
    Json model = ModelObject("llama", context, kSource);
    model.Make({"spec", "nodeName"}) = "mac-1";
    if (prompt_cache) model.Make({"spec", "serving"}).Remove("promptCacheMiB");
    return model;
  }
  static Json BoundService(int64_t context, bool prompt_cache) {
    Json service = ServiceObject("chat", "weights", context);
    service.Make({"metadata", "annotations", "headroom.dev/node"}) = "mac-1";
    if (prompt_cache) service.Make({"spec"}).Remove("extraArgs");
    return service;
  }

  // Sets a field as the message names it: "spec.serving.contextSize", "spec.extraArgs --cache-ram",
  // "annotation headroom.dev/node".
  static void Set(Json& object, const std::string& field, const Json& value) {
    const std::string annotation = "annotation ", arguments = "spec.extraArgs ";
    if (field.starts_with(annotation)) {
      object.Make({"metadata", "annotations"}).Set(field.substr(annotation.size()), value);
      return;
    }
    if (field.starts_with(arguments)) {
      Json list = Json::MakeArray();
      if (const Json* old = object.Find({"spec", "extraArgs"})) list = *old;
      list.Append(field.substr(arguments.size()));
      list.Append(WriteJson(value));
      object.Make({"spec"}).Set("extraArgs", std::move(list));
      return;
    }
    Json* at = &object;
    size_t begin = 0;
    for (size_t dot; (dot = field.find('.', begin)) != std::string::npos; begin = dot + 1) {
      at = &at->Make({field.substr(begin, dot - begin)});
    }
    at->Set(field.substr(begin), value);
  }

  // Does what a line says; false for one that says what nobody can set.
  bool Follow(const std::string& line, Json& object) {
    std::smatch match;
    if (std::regex_search(line, match, std::regex("^node (\\S+): .*; set (.+)$"))) {
      Set(object, match[2], match[1].str());
      return true;
    }
    if (std::regex_search(line, match, std::regex("^on mac-1 after stopping (.+) \\(frees"))) {
      std::vector<std::string> left;
      for (const std::string& name : occupants_) {
        if (match[1].str().find(name) == std::string::npos) left.push_back(name);
      }
      SetNodes(budget_gib_, left);
      return true;
    }
    bool known = false;
    if (std::regex_search(line, match, std::regex("no prompt cache \\((.+?): 0\\)"))) {
      Set(object, match[1], 0);
      known = true;
    }
    if (std::regex_search(line, match, std::regex("KV cache q8_0 \\((.+?), (.+?)\\)"))) {
      Set(object, match[1], "q8_0");
      Set(object, match[2], "q8_0");
      known = true;
    }
    if (std::regex_search(line, match, std::regex("context <= (\\d+) \\((.+?)\\)"))) {
      Set(object, match[2], static_cast<int64_t>(std::stoll(match[1])));
      known = true;
    }
    return known;
  }

  // Suggestions tried for one object.
  int TryAll(const Json& object) {
    const Decision denied = Create(object);
    if (denied.outcome != Outcome::kDenied) return 0;
    const std::string& text = denied.answer.message;
    const auto occupants = occupants_;
    int tried = 0;
    std::regex bullet("\n    - ([^\n]+)");
    for (std::sregex_iterator it(text.begin(), text.end(), bullet), end; it != end; ++it) {
      const std::string line = (*it)[1];
      if (line.starts_with("nothing: ") || line.find("no context is small") != std::string::npos) {
        continue;
      }
      Json changed = object;
      EXPECT_TRUE(Follow(line, changed)) << "not understood: " << line << "\n" << text;
      const Decision after = Create(changed);
      EXPECT_EQ(after.outcome, Outcome::kAllowed) << line << "\nof\n"
                                                  << text << "\nled to\n"
                                                  << after.answer.message << WriteJson(changed);
      SetNodes(budget_gib_, occupants);
      ++tried;
    }
    return tried;
  }

  static constexpr const char* kSource = "hf://org/repo/heavy.gguf";
  uint64_t budget_gib_ = 0;
  std::vector<std::string> occupants_;
};

TEST_F(Suggestions, EachPrintedOneIsAdmittedWhenItIsFollowed) {
  int tried = 0;
  for (uint64_t budget : {1, 2, 3, 4, 6, 9, 12}) {
    for (const std::vector<std::string>& occupants : std::vector<std::vector<std::string>>{
             {}, {"team-b/a"}, {"team-b/a", "team-c/b", "team-d/c"}}) {
      SetNodes(budget, occupants);
      for (int64_t context : {8192, 65536, 200000, 500000}) {
        for (const bool prompt_cache : {false, true}) {
          tried += TryAll(BoundModel(context, prompt_cache));
          tried += TryAll(BoundService(context, prompt_cache));
        }
      }
    }
  }
  EXPECT_GT(tried, 300);
}

}  // namespace
}  // namespace headroom::webhook
