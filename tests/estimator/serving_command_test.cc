#include "estimator/serving_command.h"

#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "estimator/serving_option_table.h"

namespace headroom::estimator {
namespace {

using Role = Companion::Role;

Result<ServerCommand> Parse(const std::vector<std::string>& words,
                            const std::map<std::string, std::string>& environment = {}) {
  return ParseServerCommand({}, words, [&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

ServingOptions Serving(const std::vector<std::string>& words,
                       const std::map<std::string, std::string>& environment = {}) {
  const auto command = Parse(words, environment);
  EXPECT_TRUE(command) << command.error().message();
  return command ? command->serving : ServingOptions{};
}

// One option as --help prints it.
struct HelpEntry {
  std::vector<std::string> names;
  size_t values = 0;
  std::string env;
};

std::vector<HelpEntry> ReadHelp(const std::string& file) {
  std::ifstream in(std::string(HEADROOM_TEST_DATA) + "/llama-server/" + file);
  std::vector<HelpEntry> entries;
  for (std::string line; std::getline(in, line);) {
    constexpr std::string_view kEnv = "(env: ";
    const size_t env = line.find(kEnv);
    if (env != std::string::npos && !entries.empty()) {
      const size_t start = env + kEnv.size();
      entries.back().env = line.substr(start, line.find(')', start) - start);
    }
    if (!line.starts_with("-") || line.starts_with("-----")) continue;
    // The description starts at column 40, unless the names are longer than that.
    const bool described = line.size() > 40 && line.compare(38, 2, "  ") == 0;
    std::istringstream head(described ? line.substr(0, 40) : line);
    HelpEntry entry;
    std::string word, rest;
    while (head >> word && word.starts_with("-")) {
      if (word.ends_with(",")) word.pop_back();
      entry.names.push_back(word);
      word.clear();
    }
    if (!word.empty()) entry.values = word == "START" ? 2 : 1;
    entries.push_back(std::move(entry));
  }
  return entries;
}

TEST(ServerOptions, EveryOptionOfARealHelpIsClassified) {
  const auto entries = ReadHelp("help-0.7.0.txt");
  EXPECT_GT(entries.size(), 240u);
  for (const HelpEntry& entry : entries) {
    std::set<const ServerOption*> options;
    for (const std::string& name : entry.names) {
      const auto found = FindServerOption(name);
      ASSERT_TRUE(found) << name << " is in no table of estimator/serving_options*.cc";
      EXPECT_EQ(found->values, entry.values) << name;
      options.insert(found->option);
      const bool negative =
          name.starts_with("--no-") || name.starts_with("-no-") || name == "-nkvo" || name == "-nr";
      if (found->option != nullptr && found->option->effect == Effect::kSets) {
        EXPECT_EQ(found->on, !negative) << name;
      }
    }
    EXPECT_EQ(options.size(), 1u) << entry.names[0] << ": its names are not those of one option";
    const ServerOption* option = *options.begin();
    if (option != nullptr) {
      EXPECT_EQ(option->env, entry.env) << entry.names[0];
    }
  }
}

TEST(ServerOptions, TheTablesNameNothingElse) {
  std::set<std::string> real;
  for (const HelpEntry& entry : ReadHelp("help-0.7.0.txt")) {
    real.insert(entry.names.begin(), entry.names.end());
  }
  // Of versions before 0.5.0.
  for (const char* name : {"--mlock", "--mmap", "--no-mmap", "-mv", "--model-vocoder", "-hfv",
                           "-hfrv", "--hf-repo-v", "-hffv", "--hf-file-v"}) {
    real.insert(name);
  }
  std::vector<std::string_view> lists;
  for (const ServerOption& option : MemoryOptions()) {
    lists.push_back(option.names);
    lists.push_back(option.negated);
  }
  for (int values : {0, 1, 2}) {
    for (std::string_view names : OtherOptions(values)) lists.push_back(names);
  }
  std::set<std::string> seen;
  for (std::string_view list : lists) {
    std::istringstream names{std::string(list)};
    for (std::string name; names >> name;) {
      EXPECT_TRUE(real.contains(name)) << name;
      EXPECT_TRUE(seen.insert(name).second) << name << " stands twice";
    }
  }
}

TEST(ServerCommand, NegationsAliasesAndUnderscores) {
  EXPECT_EQ(Serving({"-kvu"}).kv_unified, true);
  EXPECT_EQ(Serving({"-no-kvu"}).kv_unified, false);
  EXPECT_EQ(Serving({"--kv-unified", "--no-kv-unified"}).kv_unified, false);
  EXPECT_EQ(Serving({"--ctx_size", "512"}).context, 512u);
  EXPECT_EQ(Serving({"--swa-checkpoints", "3"}).context_checkpoints, 3u);
  EXPECT_EQ(Serving({"-c", "1", "-c", "2"}).context, 2u);
  EXPECT_EQ(Serving({"--no-mmap"}).load_mode, LoadMode::kNone);
  EXPECT_EQ(Serving({"-lm", "dio"}).load_mode, LoadMode::kNone);
  EXPECT_EQ(Serving({"--mlock"}).load_mode, LoadMode::kMmap);
  EXPECT_TRUE(Serving({"--rerank"}).embeddings);
  EXPECT_TRUE(Serving({"-bs"}).backend_sampling);
  EXPECT_EQ(Serving({"-cms", "0"}).checkpoint_min_step, 0u);
}

TEST(ServerCommand, OffloadDecidesTheDevice) {
  EXPECT_EQ(Serving({"-ngl", "0"}).device, Device::kCpu);
  EXPECT_EQ(Serving({"--device", "none"}).device, Device::kCpu);
  EXPECT_EQ(Serving({"-ngl", "20"}).gpu_layers, 20u);
  EXPECT_EQ(Serving({"-ngl", "all"}).gpu_layers, std::nullopt);
  EXPECT_EQ(Serving({"-ngl", "-1"}).device, Device::kMetal);
}

TEST(ServerCommand, ContextPerSlotCountsOnlyWithoutAContext) {
  EXPECT_EQ(Serving({"--kv-unified-per-slot", "4096", "-np", "3"}).context, 12288u);
  EXPECT_EQ(Serving({"--kv-unified-per-slot", "4096"}).context, 16384u);
  EXPECT_EQ(Serving({"--kv-unified-per-slot", "4096", "-c", "8192"}).context, 8192u);
}

TEST(ServerCommand, ValuesAreNotTakenForOptions) {
  // The values of options without effect look like options with one.
  EXPECT_EQ(Serving({"--alias", "-c", "--temp", "-1", "-n", "-1"}), ServingOptions{});
  EXPECT_EQ(Serving({"--control-vector-layer-range", "-c", "-np", "-ub", "64"}).ubatch, 64u);
}

TEST(ServerCommand, SpeculationAddsTheLongestDraft) {
  EXPECT_EQ(Serving({}).speculative.tokens, 0u);
  EXPECT_EQ(Serving({"-md", "d.gguf"}).speculative.tokens, 3u);
  EXPECT_EQ(Serving({"-md", "d.gguf", "--spec-draft-n-max", "8"}).speculative.tokens, 8u);
  EXPECT_EQ(Serving({"--spec-type", "ngram-cache"}).speculative.tokens, 8u);
  EXPECT_EQ(Serving({"--spec-type", "ngram-cache,ngram-mod"}).speculative.tokens, 64u);
  EXPECT_EQ(Serving({"--spec-default"}).speculative.tokens, 64u);
  EXPECT_EQ(Serving({"--spec-ngram-mod-n-max", "5", "--spec-default"}).speculative.tokens, 5u);
  const ServingOptions mtp = Serving({"--spec-type", "draft-mtp", "-ctkd", "q8_0"});
  EXPECT_TRUE(mtp.speculative.own_layers);
  EXPECT_EQ(mtp.speculative.tokens, 3u);
  EXPECT_EQ(mtp.speculative.cache_type_k, "q8_0");
  EXPECT_FALSE(Parse({"--spec-type", "magic"}));
}

TEST(ServerCommand, CollectsWhatElseIsLoaded) {
  const auto command =
      Parse({"-m", "m.gguf", "--mmproj", "p.gguf", "--lora", "a.gguf,b.gguf", "--lora-scaled",
             "c:d.gguf:0.5", "--control-vector-scaled=v.gguf:2", "-md", "d.gguf"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->model, "m.gguf");
  const std::vector<Companion> expected = {
      {Role::kProjector, "p.gguf", "--mmproj"},
      {Role::kLora, "a.gguf", "--lora"},
      {Role::kLora, "b.gguf", "--lora"},
      {Role::kLora, "c:d.gguf", "--lora-scaled"},
      {Role::kControlVector, "v.gguf", "--control-vector-scaled"},
      {Role::kDraft, "d.gguf", "-md"}};
  EXPECT_EQ(command->companions, expected);
}

TEST(ServerCommand, TheEnvironmentComesFirst) {
  const std::map<std::string, std::string> environment = {
      {"LLAMA_ARG_CTX_SIZE", "4096"},     {"LLAMA_ARG_NO_KV_UNIFIED", "1"},
      {"LLAMA_ARG_CACHE_TYPE_K", "q8_0"}, {"LLAMA_ARG_SWA_FULL", "on"},
      {"LLAMA_ARG_MMPROJ", "p.gguf"},     {"LLAMA_ARG_EMBEDDINGS", "0"}};
  const auto command = Parse({"-ctk", "f16"}, environment);
  ASSERT_TRUE(command) << command.error().message();
  EXPECT_EQ(command->serving.context, 4096u);
  EXPECT_EQ(command->serving.kv_unified, false);
  EXPECT_EQ(command->serving.cache_type_k, "f16");
  EXPECT_TRUE(command->serving.swa_full);
  EXPECT_FALSE(command->serving.embeddings);
  EXPECT_EQ(command->companions.size(), 1u);
  EXPECT_EQ(Serving({}, {{"LLAMA_ARG_KV_UNIFIED", "off"}}).kv_unified, false);
}

TEST(ServerCommand, TakesAssignmentsAndTheProgramsName) {
  EXPECT_EQ(Serving({"LLAMA_ARG_CTX_SIZE=512", "/opt/bin/llama-server", "-np", "2"}).context, 512u);
  EXPECT_EQ(Serving({"llama-server", "-c", "512"}).context, 512u);
}

TEST(ServerCommand, AnUnknownOptionIsAWarningAndKeepsItsValue) {
  const auto command = Parse({"--brand-new", "7", "-c", "512", "--other-new", "-np", "2"});
  ASSERT_TRUE(command);
  EXPECT_EQ(command->serving.context, 512u);
  EXPECT_EQ(command->serving.parallel, 2u);
  ASSERT_EQ(command->warnings.size(), 2u);
  EXPECT_EQ(command->warnings[0],
            "'--brand-new' is no option of llama-server 0.5.0 to 0.7.0: it is not counted");
}

TEST(ServerCommand, ErrorsNameOptionAndValue) {
  const struct {
    std::vector<std::string> words;
    const char* expected;
  } cases[] = {
      {{"-c", "12k"}, "-c: expected a number, got '12k'"},
      {{"-np", "0"}, "-np: expected 1 or more slots, or -1, got '0'"},
      {{"--load-mode", "fast"},
       "--load-mode: expected auto, none, mmap, mlock, mmap+mlock or dio, got 'fast'"},
      {{"--ubatch-size"}, "--ubatch-size: a value is missing"},
      {{"-hf", "a/b"},
       "-hf: names a model to download; give its file or URL as the model's source instead"},
      {{"--draft", "4"}, "--draft: this option has been removed from llama-server"},
      {{"--override-kv", "llama.context_length=int:9"},
       "--override-kv: 'llama.context_length' changes what the size is computed from; only "
       "tokenizer.* and general.* can be overridden"},
      {{"LLAMA_ARG_UBATCH=x"}, "LLAMA_ARG_UBATCH: expected a number, got 'x'"},
      {{"LLAMA_ARG_KV_UNIFIED=maybe"}, "LLAMA_ARG_KV_UNIFIED: expected on or off, got 'maybe'"},
  };
  for (const auto& c : cases) {
    const auto command = Parse(c.words);
    ASSERT_FALSE(command) << c.expected;
    EXPECT_EQ(command.error().message(), c.expected);
  }
  EXPECT_TRUE(
      Parse({"--override-kv", "tokenizer.ggml.add_bos_token=bool:false,general.name=str:x"}));
}

}  // namespace
}  // namespace headroom::estimator
