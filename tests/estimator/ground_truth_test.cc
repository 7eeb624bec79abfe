// Every row that llama.cpp was measured with, against the estimate.
#include "tests/estimator/ground_truth.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <set>

namespace headroom::estimator {
namespace {

// Signed errors of one group of rows, in percent.
class Errors {
 public:
  void Add(double estimated, double truth) { values_.push_back(100 * (estimated / truth - 1)); }

  double AbsoluteQuantile(double q) const {
    std::vector<double> sorted;
    for (double value : values_) sorted.push_back(std::abs(value));
    std::sort(sorted.begin(), sorted.end());
    return sorted[std::min(sorted.size() - 1, static_cast<size_t>(q * sorted.size()))];
  }
  size_t TooLow(double limit) const {
    return std::count_if(values_.begin(), values_.end(), [limit](double e) { return e < -limit; });
  }
  double Lowest() const { return *std::min_element(values_.begin(), values_.end()); }
  double Highest() const { return *std::max_element(values_.begin(), values_.end()); }
  size_t size() const { return values_.size(); }

  void Print(const std::string& name) const {
    std::printf(
        "%-28s n=%5zu  median %6.2f %%  p90 %6.2f %%  max %7.2f %%  lowest %7.2f %%  "
        "below -0.5 %%: %zu\n",
        name.c_str(), size(), AbsoluteQuantile(0.5), AbsoluteQuantile(0.9), AbsoluteQuantile(1),
        Lowest(), TooLow(0.5));
  }

 private:
  std::vector<double> values_;
};

struct Exactness {
  size_t rows = 0, exact = 0, wrong_claims = 0;  // not exact, but the estimate says so
  Errors total;
  std::string first_miss = {};
};

struct Outcome {
  size_t rows = 0, wrong_claims = 0;           // `wrong_claims`: called exact, but compute is not
  std::set<std::string> architectures, wrong;  // `wrong`: weights, KV or state not exact
  Errors compute, total;
  std::map<std::string, std::map<std::string, Exactness>> exactness;  // by architecture, model
  std::map<std::string, Errors> groups;                               // of totals
};

constexpr char kMixed[] = "K/V types differ";

std::string GroupOf(const ServingOptions& o) {
  if (o.cache_type_k != o.cache_type_v) return kMixed;
  if (o.flash_attention == FlashAttention::kOff) return "no FA";
  return o.cache_type_k == "f16" ? "FA f16" : "FA quantised";
}

// One row: true if weights, KV and recurrent state are exact and refusals agree.
bool CheckRow(const GroundTruthRow& row, const ModelFile& model, Outcome& out) {
  ++out.rows;
  out.architectures.insert(model.architecture);
  const auto estimate = Estimate(model, row.options);
  if (row.refused) return !estimate;
  if (!estimate) return false;
  const MemoryParts& device = estimate->device;
  const MemoryParts& host = estimate->host;
  const uint64_t context = device.kv_cache + device.recurrent_state;
  if (row.device_compute > 0) {
    Exactness& exactness = out.exactness[model.architecture][row.model];
    ++exactness.rows;
    const bool claimed = estimate->method == Method::kExact;
    const bool exact = device.compute == row.device_compute && host.compute == row.host_compute;
    exactness.exact += exact;
    exactness.wrong_claims += claimed && !exact;
    out.wrong_claims += claimed && !exact;
    if (!exact && exactness.first_miss.empty()) {
      exactness.first_miss = row.where + ": device " + std::to_string(device.compute) + " of " +
                             std::to_string(row.device_compute) + ", host " +
                             std::to_string(host.compute) + " of " +
                             std::to_string(row.host_compute);
    }
    out.compute.Add(device.compute, row.device_compute);
    const double estimated =
        device.weights + host.weights + context + device.compute + host.compute;
    const double truth = row.device_weights + row.host_weights + row.device_context +
                         row.device_compute + row.host_compute;
    out.total.Add(estimated, truth);
    out.exactness[model.architecture][row.model].total.Add(estimated, truth);
    out.groups[GroupOf(row.options)].Add(estimated, truth);
  }
  return device.weights == row.device_weights && host.weights == row.host_weights &&
         context == row.device_context;
}

// Both compute buffers byte for byte; what is not, is listed by model.
void PrintExactness(const Outcome& out) {
  size_t rows = 0, exact = 0, whole = 0, wrong_claims = 0;
  for (const auto& [architecture, models] : out.exactness) {
    bool all = true;
    for (const auto& [model, e] : models) {
      rows += e.rows;
      exact += e.exact;
      wrong_claims += e.wrong_claims;
      if (e.exact == e.rows) continue;
      all = false;
      std::printf(
          "  %-18s exact in %zu of %zu rows, total %+.2f to %+.2f %%, wrongly claimed in %zu: %s\n",
          model.c_str(), e.exact, e.rows, e.total.Lowest(), e.total.Highest(), e.wrong_claims,
          e.first_miss.c_str());
    }
    whole += all;
  }
  std::printf(
      "  compute exact in %zu of %zu rows, in every row of %zu of %zu architectures; "
      "wrongly claimed in %zu\n",
      exact, rows, whole, out.exactness.size(), wrong_claims);
}

Outcome CheckFile(GroundTruthModels& models, const std::string& name, const std::string& version) {
  Outcome out;
  size_t reported = 0;
  ForEachRow(name, version, [&](const GroundTruthRow& row) {
    const ModelFile& model = models.Get(row.model);
    if (CheckRow(row, model, out)) return;
    out.wrong.insert(model.architecture);
    if (++reported <= 5) std::printf("not exact: %s\n", row.where.c_str());
  });
  std::printf("%s: %zu rows, %zu architectures\n", name.c_str(), out.rows,
              out.architectures.size());
  for (const auto& [group, errors] : out.groups) errors.Print("  total, " + group);
  PrintExactness(out);
  out.compute.Print("  compute, all");
  out.total.Print("  total, all");
  return out;
}

// The known models: weights, KV cache, recurrent state and refusals are exact in every row, and the
// closed form of the compute buffers keeps the error of the total at or below these percentages.
struct KnownCase {
  const char* file;
  const char* version;
  double median, p90, max;  // for each group of rows with equal K and V types
  size_t low;               // rows below the truth by more than 0.5 % of the total
};

class KnownModels : public ::testing::TestWithParam<KnownCase> {};

TEST_P(KnownModels, AreExactButForCompute) {
  const KnownCase& c = GetParam();
  GroundTruthModels models;
  const Outcome out = CheckFile(models, c.file, c.version);
  EXPECT_TRUE(out.wrong.empty()) << ::testing::PrintToString(out.wrong);
  EXPECT_EQ(out.wrong_claims, 0u);
  EXPECT_LE(out.total.TooLow(0.5), c.low);
  for (const auto& [group, errors] : out.groups) {
    if (group == kMixed) continue;
    EXPECT_LE(errors.AbsoluteQuantile(0.5), c.median) << group;
    EXPECT_LE(errors.AbsoluteQuantile(0.9), c.p90) << group;
    EXPECT_LE(errors.AbsoluteQuantile(1), c.max) << group;
  }
}

INSTANTIATE_TEST_SUITE_P(
    , KnownModels,
    // Where no table serves a model the estimate leans upwards: the errors are on that side.
    ::testing::Values(KnownCase{"metal-0.5.0", "0.5.0", 0.07, 1.2, 6.5, 0},
                      KnownCase{"metal-0.5.0-more", "0.5.0", 0.05, 0.6, 3.2, 6},
                      KnownCase{"metal-0.5.0-full-outputs", "0.5.0", 0.02, 1.7, 9.1, 0},
                      KnownCase{"metal-0.6.0", "0.6.0", 0.05, 1.2, 6.5, 0}),
    [](const ::testing::TestParamInfo<KnownCase>& param) {
      std::string name = param.param.file;
      std::replace(name.begin(), name.end(), '-', '_');
      std::replace(name.begin(), name.end(), '.', '_');
      return name;
    });

// Every configuration that llama.cpp refused or aborted on is refused, with a reason and a way out.
TEST(RefusedRows, AreRefusedWithAReason) {
  GroundTruthModels models;
  std::map<std::string, size_t> reasons;
  size_t refused = 0;
  for (const auto& [file, version] : {std::pair("metal-0.5.0", "0.5.0"),
                                      {"metal-0.5.0-more", "0.5.0"},
                                      {"metal-0.5.0-full-outputs", "0.5.0"},
                                      {"metal-0.6.0", "0.6.0"},
                                      {"archs-0.5.0", "0.5.0"},
                                      {"archs-0.6.0", "0.6.0"}}) {
    ForEachRow(file, version, [&](const GroundTruthRow& row) {
      if (!row.refused) return;
      ++refused;
      const auto estimate = Estimate(models.Get(row.model), row.options);
      ASSERT_FALSE(estimate) << row.where;
      EXPECT_EQ(estimate.error().code(), Code::kUnsupported) << row.where;
      ++reasons[estimate.error().message().substr(0, 60)];
    });
  }
  std::printf("%zu rows refused\n", refused);
  for (const auto& [reason, count] : reasons) std::printf("%6zu  %s\n", count, reason.c_str());
  EXPECT_GT(refused, 2300u);
}

class Architectures : public ::testing::TestWithParam<const char*> {};

TEST_P(Architectures, WeightsAndCachesAreExact) {
  GroundTruthModels models;
  const Outcome out = CheckFile(models, std::string("archs-") + GetParam(), GetParam());
  EXPECT_GE(out.architectures.size(), 145u);
  std::ifstream list(HEADROOM_TEST_DATA "/groundtruth/exact-" + std::string(GetParam()) + ".txt");
  size_t listed = 0;
  for (std::string name; std::getline(list, name); ++listed) {
    for (const auto& [model, e] : out.exactness.at(name)) {
      EXPECT_EQ(e.exact, e.rows) << name << " is listed as exact: " << e.first_miss;
    }
  }
  EXPECT_GE(listed, 115u);
  EXPECT_LE(out.total.TooLow(0.5), 300u);  // the rest: docs/estimator.md
  EXPECT_TRUE(out.wrong.empty()) << ::testing::PrintToString(out.wrong);
  EXPECT_EQ(out.wrong_claims, 0u);
}

INSTANTIATE_TEST_SUITE_P(, Architectures, ::testing::Values("0.5.0", "0.6.0"),
                         [](const ::testing::TestParamInfo<const char*>& param) {
                           std::string name = param.param;
                           std::replace(name.begin(), name.end(), '.', '_');
                           return "v" + name;
                         });

}  // namespace
}  // namespace headroom::estimator
