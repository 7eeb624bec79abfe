// Every way a manifest can say what memory it needs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/webhook/rules_fixture.h"

namespace headroom::webhook {
namespace {

using kube::Kind;
using namespace testing;
using ::testing::HasSubstr;
using Outcome = Decision::Outcome;

class ManifestOptions : public Rules {};

// Every way to say a size, on both kinds of object: what is admitted with `small` and denied with
// `large` is what counts.
TEST_F(ManifestOptions, EveryOptionThatTakesMemoryIsRead) {
  struct Row {
    const char* what;
    std::vector<const char*> small, large;  // extraArgs; FIELD=VALUE sets a field of the spec
  };
  const Row rows[] = {
      {"context", {"contextSize=65536"}, {"contextSize=262144"}},
      {"--ctx-size overrides the field",
       {"contextSize=262144", "-c", "65536"},
       {"contextSize=65536", "--ctx-size=262144"}},
      {"the last argument wins", {"-c", "262144", "-c", "65536"}, {"-c", "65536", "-c", "262144"}},
      {"K cache type",
       {"cacheTypeK=q8_0", "contextSize=190000"},
       {"cacheTypeK=f32", "contextSize=190000"}},
      {"both cache types by argument",
       {"-ctk", "q8_0", "-ctv", "q8_0", "-c", "262144"},
       {"-ctk", "f32", "-ctv", "f32", "-c", "131072"}},
      {"micro-batch",
       {"uBatchSize=512", "contextSize=65536"},
       {"batchSize=65536", "uBatchSize=65536", "contextSize=65536"}},
      {"micro-batch by argument",
       {"-ub", "512", "-c", "65536"},
       {"-b", "65536", "-ub", "65536", "-c", "65536"}},
      {"prompt cache",
       {"--cache-ram", "1024", "-c", "65536"},
       {"--cache-ram", "8192", "-c", "65536"}},
      {"unlimited prompt cache",
       {"--cache-ram", "0", "-c", "65536"},
       {"--cache-ram", "-1", "-c", "65536"}},
  };
  const auto set = [](Json object, JsonPath at, const std::vector<const char*>& options) {
    Json arguments = Json::MakeArray();
    for (const char* argument : {"--cache-ram", "0", "--ctx-checkpoints", "0", "-np", "1"}) {
      arguments.Append(argument);
    }
    Json& spec = object.Make(at);
    for (const std::string option : options) {
      const size_t equals = option.find('=');
      if (option[0] == '-' || equals == std::string::npos) {
        arguments.Append(option);
        continue;
      }
      const std::string value = option.substr(equals + 1);
      const bool number = value.find_first_not_of("0123456789") == std::string::npos;
      if (number) {
        spec.Set(option.substr(0, equals), static_cast<int64_t>(std::stoll(value)));
      } else {
        spec.Set(option.substr(0, equals), value);
      }
    }
    spec.Set("extraArgs", std::move(arguments));
    return object;
  };
  view_.Apply(Kind::kModel, Upsert(ModelObject("weights", 0)));
  for (const Row& row : rows) {
    const Json model = ModelObject("llama", 256);
    const Json service = ServiceObject("chat", "weights", 256);
    for (const auto& [options, outcome] :
         {std::pair{row.small, Outcome::kAllowed}, std::pair{row.large, Outcome::kDenied}}) {
      const Decision of_model = Create(set(model, {"spec", "serving"}, options));
      EXPECT_EQ(of_model.outcome, outcome) << "Model: " << row.what << of_model.Detail();
      const Decision of_service = Create(set(service, {"spec"}, options));
      EXPECT_EQ(of_service.outcome, outcome) << "service: " << row.what << of_service.Detail();
    }
  }
}

TEST_F(ManifestOptions, WhatLoadsMoreThanWasCountedIsRefused) {
  for (const std::vector<const char*>& arguments :
       std::vector<std::vector<const char*>>{{"-md", "/models/draft.gguf"},
                                             {"--model-draft=/models/draft.gguf"},
                                             {"--mmproj", "/models/p.gguf"},
                                             {"--lora", "/models/l.gguf"},
                                             {"-hf", "org/repo"},
                                             {"-ctk", "q3_9"},
                                             {"--parallel", "many"}}) {
    Json model = ModelObject("llama", 256);
    Json list = Json::MakeArray();
    for (const char* argument : arguments) list.Append(argument);
    model.Make({"spec", "serving", "extraArgs"}) = std::move(list);
    const Decision decision = Create(model);
    EXPECT_EQ(decision.rule, "HR-401") << arguments[0];
    EXPECT_THAT(decision.answer.message, HasSubstr("spec.serving.extraArgs: ")) << arguments[0];
  }
}

}  // namespace
}  // namespace headroom::webhook
