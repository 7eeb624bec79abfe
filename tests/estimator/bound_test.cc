// Unknown architectures and cut headers: the estimate says so and is never below the truth.
#include <gtest/gtest.h>

#include <set>

#include "estimator/gguf/reader.h"
#include "tests/estimator/ground_truth.h"
#include "tests/tools/tiny_models.h"

namespace headroom::estimator {
namespace {

GgufHeader Read(std::string_view bytes) {
  GgufReader reader;
  EXPECT_TRUE(reader.Feed(bytes));
  auto header = reader.Finish();
  EXPECT_TRUE(header);
  return *header;
}

// The same file by a new architecture's name, as it will look on the day it comes out.
GgufHeader Renamed(const GgufHeader& header) {
  const std::string old = header.String("general.architecture") + ".";
  GgufHeader out = header;
  out.metadata.clear();
  for (const auto& [key, value] : header.metadata) {
    const bool own = key.starts_with(old);
    out.metadata.emplace(own ? "brandnew." + key.substr(old.size()) : key, value);
  }
  out.metadata["general.architecture"].value = GgufString{"brandnew", 8};
  return out;
}

struct Sums {
  uint64_t truth, estimate;
};

Sums SumsOf(const GroundTruthRow& row, const Footprint& f) {
  return {row.device_weights + row.host_weights + row.device_context + row.device_compute +
              row.host_compute,
          f.device.Sum() + f.host.Sum() - f.Output()};
}

// Every model of `file` by another name, each 7th row.
void CheckBounds(const std::string& file, const std::string& version, double at_most) {
  std::map<std::string, Result<ModelFile>> models;
  std::set<std::string> low;
  size_t count = 0, checked = 0;
  double factors = 0;
  ForEachRow(file, version, [&](const GroundTruthRow& row) {
    if (count++ % 7 != 0 || row.refused) return;
    auto model = models.find(row.model);
    if (model == models.end()) {
      const auto described = DescribeModel({Renamed(Read(GroundTruthHeader(row.model)))}, 0);
      model = models.emplace(row.model, described).first;
    }
    if (!model->second) return;  // no bound: also fine, it is said
    const auto estimate = Estimate(*model->second, row.options);
    if (!estimate) return;
    EXPECT_EQ(estimate->method, Method::kBound);
    const Sums sums = SumsOf(row, *estimate);
    ++checked;
    factors += static_cast<double>(sums.estimate) / static_cast<double>(sums.truth);
    if (sums.estimate >= sums.truth) return;
    if (low.insert(row.model).second) {
      std::printf("low: %s %llu < %llu (kv %llu/%llu)\n", row.where.c_str(),
                  static_cast<unsigned long long>(sums.estimate),
                  static_cast<unsigned long long>(sums.truth),
                  static_cast<unsigned long long>(estimate->KvCache() + estimate->RecurrentState()),
                  static_cast<unsigned long long>(row.device_context));
    }
  });
  EXPECT_TRUE(low.empty()) << ::testing::PrintToString(low);
  EXPECT_GT(checked, count / 10);
  std::printf("%s: %zu bounds, on average %.2f times the truth\n", file.c_str(), checked,
              factors / static_cast<double>(checked));
  EXPECT_LT(factors / static_cast<double>(checked), at_most);
}

TEST(Bound, OfKnownModelsByAnotherNameIsNeverLow) { CheckBounds("metal-0.6.0", "0.6.0", 2.5); }

TEST(Bound, OfEveryArchitectureByAnotherNameIsNeverLow) { CheckBounds("archs-0.6.0", "0.6.0", 5); }

TEST(Bound, OfTheFirst64KiBIsNeverLow) {
  constexpr size_t kCut = 64u << 10;
  std::map<std::string, ModelFile> cut, whole;
  size_t count = 0;
  ForEachRow("metal-0.6.0", "0.6.0", [&](const GroundTruthRow& row) {
    if (count++ % 25 != 0 || row.refused) return;
    if (!cut.contains(row.model)) {
      const std::string bytes = GroundTruthHeader(row.model);
      const GgufHeader header = Read(bytes);
      GgufReader reader;
      ASSERT_TRUE(reader.Feed(std::string_view(bytes).substr(0, kCut)));
      const auto partial = DescribePartial(reader.Partial(), header.MinFileBytes());
      ASSERT_TRUE(partial) << row.model << ": " << partial.error().message();
      cut.emplace(row.model, *partial);
      whole.emplace(row.model, *DescribeModel({header}, 0));
    }
    const auto bound = Estimate(cut.at(row.model), row.options);
    const auto exact = Estimate(whole.at(row.model), row.options);
    ASSERT_TRUE(bound && exact) << row.where;
    EXPECT_EQ(bound->method, Method::kBound);
    EXPECT_EQ(bound->KvCache(), exact->KvCache()) << row.where;
    const Sums sums = SumsOf(row, *bound);
    EXPECT_GE(sums.estimate, sums.truth) << row.where;
    EXPECT_GE(bound->footprint_bytes, exact->footprint_bytes) << row.where;
    EXPECT_LT(bound->footprint_bytes, 4 * exact->footprint_bytes + (uint64_t{4} << 30))
        << row.where;
  });
  EXPECT_EQ(cut.size(), 27u);
}

TEST(Bound, TooShortAStartGivesNone) {
  const std::string bytes = headroom::testing::TinyModel().Header();
  GgufReader reader;
  ASSERT_TRUE(reader.Feed(std::string_view(bytes).substr(0, 200)));
  const auto partial = DescribePartial(reader.Partial(), 1u << 30);
  ASSERT_FALSE(partial);
  EXPECT_EQ(partial.error().code(), Code::kUnavailable);
}

}  // namespace
}  // namespace headroom::estimator
