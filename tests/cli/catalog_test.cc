// Every entry of the catalogue against the header it stands for, and the command.
#include "cli/catalog/catalog.h"

#include <gmock/gmock.h>

#include "tests/cli/support.h"
#include "tests/estimator/ground_truth.h"

namespace headroom::cli {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using webhook::testing::kGiB;

TEST(Catalog, EveryEntryIsTheEstimatorsFigure) {
  estimator::GroundTruthModels truth;
  ASSERT_GE(CatalogNames().size(), 27u);
  for (const std::string& name : CatalogNames()) {
    const auto entry = CatalogModel(name);
    ASSERT_TRUE(entry) << name << ": " << entry.error().message();
    const estimator::ModelFile& file = truth.Get(name);
    for (const uint32_t context : {4096u, 32768u}) {
      for (const char* type : {"f16", "q8_0"}) {
        estimator::ServingOptions options;
        options.context = context;
        options.cache_type_k = options.cache_type_v = type;
        const auto ours = estimator::Estimate(*entry, options);
        const auto theirs = estimator::Estimate(file, options);
        ASSERT_EQ(ours.has_value(), theirs.has_value()) << name;
        if (!ours) continue;
        EXPECT_EQ(ours->footprint_bytes, theirs->footprint_bytes)
            << name << " at " << context << ", " << type;
        EXPECT_EQ(ours->KvCache(), theirs->KvCache()) << name;
      }
    }
  }
}

TEST(HeaderOfEntry, RefusesBrokenData) {
  for (const char* text :
       {R"({})", R"({"metadata":{},"tensors":[1]})", R"({"metadata":{},"tensors":[["a","Q4_K"]]})",
        R"({"metadata":{},"tensors":[["a","Q9_9",[32]]]})",
        R"({"metadata":{},"tensors":[["a","Q4_K",[33]]]})",
        R"({"metadata":{},"tensors":[["blk.*.a","F32",[32],"3-1"]]})",
        R"({"metadata":{},"tensors":[["blk.*.a","F32",[32],"x"]]})"}) {
    EXPECT_FALSE(HeaderOfEntry(ParseJson(text).value())) << text;
  }
}

class CatalogCommand : public CommandTest {};

TEST_F(CatalogCommand, ListsWhatFitsAndTellsOfOne) {
  ASSERT_EQ(Call({"catalog", "list", "--budget", "8Gi"}), kDone) << err_.str();
  ExpectGolden("catalog-list.txt", Said());
  ASSERT_EQ(Call({"catalog", "list", "--budget", "8Gi", "-o", "json"}), kDone);
  const auto json = ParseJson(out_.str());
  ASSERT_TRUE(json);
  for (const Json& one : *json->AsArray()) {
    const bool fits = IntOr(one, {"footprintBytes"}, 0) <= static_cast<int64_t>(8 * kGiB);
    EXPECT_EQ(StringOr(one, {"fits"}), fits ? "budget" : "") << StringOr(one, {"name"});
  }
  const std::string nodes =
      Nodes({{.name = "mac-1", .budget = 6 * kGiB}, {.name = "mac-2", .budget = 64 * kGiB}});
  ASSERT_EQ(Call({"catalog", "info", "llama-3.1-8b", "--nodes", nodes}), kDone) << err_.str();
  ExpectGolden("catalog-info.txt", Said());
}

TEST_F(CatalogCommand, BadInputIsOneClearLine) {
  const struct {
    Arguments arguments;
    int code;
    const char* expected;
  } cases[] = {
      {{"catalog"}, kUsage, "list, or info NAME"},
      {{"catalog", "info"}, kUsage, "list, or info NAME"},
      {{"catalog", "info", "llama-9", "--budget", "1Gi"}, kFailed, "there are llama-3.1-8b"},
      {{"catalog", "info", "zzz", "--budget", "1Gi"}, kFailed, "catalog list names all"},
      {{"catalog", "list", "--budget", "banana"}, kUsage, "--budget"},
      {{"catalog", "list", "--nodes", "/absent"}, kFailed, "/absent"},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(Call(c.arguments), c.code) << err_.str();
    EXPECT_THAT(err_.str(), HasSubstr(c.expected));
    const std::string line = err_.str();
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << line;
  }
}

}  // namespace
}  // namespace headroom::cli
