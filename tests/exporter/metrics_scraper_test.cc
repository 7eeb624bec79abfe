#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "exporter/metrics/scraper.h"

namespace headroom::exporter {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Fixed : Collector {
  explicit Fixed(std::string n) : label(std::move(n)) {}
  std::string_view name() const override { return label; }
  Result<Families> Collect() override {
    Families out;
    out.Gauge("test_" + label, "A test.", 1);
    return out;
  }
  std::string label;
};

struct Failing : Fixed {
  using Fixed::Fixed;
  Result<Families> Collect() override { return Error(Code::kIo, "broken"); }
};

struct Throwing : Fixed {
  using Fixed::Fixed;
  Result<Families> Collect() override { throw std::runtime_error("worse"); }
};

Scraper Make() {
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(std::make_unique<Fixed>("one"));
  collectors.push_back(std::make_unique<Failing>("two"));
  collectors.push_back(std::make_unique<Throwing>("three"));
  collectors.push_back(std::make_unique<Fixed>("four"));
  return Scraper(std::move(collectors));
}

std::string Success(const char* name, int value) {
  return std::string("headroom_scrape_collector_success{collector=\"") + name + "\"} " +
         std::to_string(value) + "\n";
}

TEST(Scraper, OneFailureCostsNobodyElse) {
  Scraper scraper = Make();
  const auto page = scraper.Scrape({});
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, HasSubstr("test_one 1\n"));
  EXPECT_THAT(*page, HasSubstr("test_four 1\n"));
  EXPECT_THAT(*page, HasSubstr(Success("one", 1)));
  EXPECT_THAT(*page, HasSubstr(Success("two", 0)));
  EXPECT_THAT(*page, HasSubstr(Success("three", 0)));
  EXPECT_THAT(*page, HasSubstr("headroom_scrape_collector_duration_seconds{collector=\"three\"}"));
}

TEST(Scraper, TakesOrLeavesCollectors) {
  Scraper scraper = Make();
  EXPECT_TRUE(scraper.Takes({}, "one"));
  EXPECT_TRUE(scraper.Takes({{"collect[]", "one"}}, "one"));
  EXPECT_FALSE(scraper.Takes({{"collect[]", "two"}}, "one"));
  EXPECT_FALSE(scraper.Takes({{"exclude[]", "one"}}, "one"));
  EXPECT_FALSE(scraper.Takes({}, "none"));
  EXPECT_FALSE(scraper.Takes({{"collect[]", "one"}, {"exclude[]", "two"}}, "one")) << "no page";
  const auto some = scraper.Scrape({{"collect[]", "one"}, {"collect[]", "two"}, {"x", "y"}});
  ASSERT_TRUE(some);
  EXPECT_THAT(*some, HasSubstr("test_one 1\n"));
  EXPECT_THAT(*some, HasSubstr(Success("two", 0)));
  EXPECT_THAT(*some, Not(HasSubstr("four")));
  const auto others = scraper.Scrape({{"exclude[]", "one"}});
  ASSERT_TRUE(others);
  EXPECT_THAT(*others, Not(HasSubstr("one")));
  EXPECT_THAT(*others, HasSubstr("test_four 1\n"));
}

TEST(Scraper, RefusesWhatMakesNoSense) {
  Scraper scraper = Make();
  const auto both = scraper.Scrape({{"collect[]", "one"}, {"exclude[]", "two"}});
  ASSERT_FALSE(both);
  EXPECT_EQ(both.error().code(), Code::kInvalid);
  EXPECT_EQ(both.error().message(),
            "collect[] and exclude[] cannot be used together; send one kind");
  EXPECT_EQ(scraper.Scrape({{"collect[]", "five"}}).error().message(),
            "no collector is named \"five\"; there are: one two three four");
  EXPECT_FALSE(scraper.Scrape({{"exclude[]", ""}}));
}

TEST(Scraper, ModelsThatGoLeaveNoSeries) {
  ServingSeries serving;
  serving.models.push_back({.ns = "default", .name = "gone", .estimated = 1});
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(MakeModelsCollector([&serving] { return serving; }));
  Scraper scraper(std::move(collectors));
  EXPECT_THAT(*scraper.Scrape({}), HasSubstr("name=\"gone\""));
  serving.models.clear();
  EXPECT_THAT(*scraper.Scrape({}), Not(HasSubstr("gone")));
}

struct Broken : MemoryProvider {
  Result<MemorySample> Sample() override { return Error(Code::kIo, "no memory figures"); }
  Result<ProcessMemory> SampleProcess(pid_t) override { return Error(Code::kIo, "no process"); }
  HostInfo Host() override { return {}; }
};

TEST(Scraper, WatchdogSpeaksWhenMemoryCannotBeRead) {
  Broken provider;
  SampleCache cache(provider);
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(MakeMemoryCollector(cache));
  collectors.push_back(MakePressureCollector(
      cache, [] { return WatchdogSeries{.level = Pressure::kUnknown, .sample_errors = 7}; }));
  Scraper scraper(std::move(collectors));
  const auto page = scraper.Scrape({});
  ASSERT_TRUE(page);
  EXPECT_THAT(*page, HasSubstr(Success("memory", 0)));
  EXPECT_THAT(*page, HasSubstr("headroom_memory_pressure_level -1\n"));
  EXPECT_THAT(*page, HasSubstr("headroom_watchdog_sample_errors_total 7\n"));
  EXPECT_THAT(*page, Not(HasSubstr("headroom_memory_total_bytes")));
}

}  // namespace
}  // namespace headroom::exporter
