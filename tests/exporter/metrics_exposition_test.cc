#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/files.h"
#include "exporter/metrics/exposition.h"

namespace headroom::exporter {
namespace {

using testing::HasSubstr;

std::string Shown(std::string_view page,
                  const ForeignLabels& labels = {{"namespace", "a"}, {"name", "m"}}) {
  const auto families = ParseExposition(page, labels);
  return families ? ExpositionText(*families) : "error: " + families.error().message();
}

TEST(Exposition, AddsLabelsAndMakesNamesLegal) {
  const struct {
    const char* page;
    const char* shown;
  } cases[] = {
      {"# HELP x:y_total Some.\n# TYPE x:y_total counter\nx:y_total 3\n",
       "# HELP x_y_total Some.\n# TYPE x_y_total counter\n"
       "x_y_total{namespace=\"a\",name=\"m\"} 3\n"},
      // What is no counter by its name is none.
      {"# HELP x_max Most.\n# TYPE x_max counter\nx_max 3\n",
       "# HELP x_max Most.\n# TYPE x_max untyped\nx_max{namespace=\"a\",name=\"m\"} 3\n"},
      // Labels that we set, escapes, blanks, a timestamp, CRLF.
      {"# TYPE x gauge\r\nx{ name=\"o\\\"}\" , le = \"1\", } +Inf 1700000000000\r\n",
       "# HELP x As the model's server reports it.\n# TYPE x gauge\n"
       "x{namespace=\"a\",name=\"m\",exported_name=\"o\\\"}\",le=\"1\"} +Inf\n"},
      {"x NaN",
       "# HELP x As the model's server reports it.\n# TYPE x untyped\n"
       "x{namespace=\"a\",name=\"m\"} NaN\n"},
      {"# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3.5\nh_count 2\n",
       "# HELP h As the model's server reports it.\n# TYPE h histogram\n"
       "h_bucket{namespace=\"a\",name=\"m\",le=\"1\"} 1\n"
       "h_bucket{namespace=\"a\",name=\"m\",le=\"+Inf\"} 2\n"
       "h_sum{namespace=\"a\",name=\"m\"} 3.5\nh_count{namespace=\"a\",name=\"m\"} 2\n"},
      // Ours stay ours; families without samples and other comments go.
      {"headroom_model_up 0\nheadroom:model_up 0\n# TYPE y gauge\n# EOF\n\n", ""},
      {"", ""},
  };
  for (const auto& c : cases) EXPECT_EQ(Shown(c.page), c.shown) << c.page;
}

TEST(Exposition, EscapesOurLabels) {
  EXPECT_THAT(Shown("x 1", {{"name", "a\"b\\c\nd"}}), HasSubstr("x{name=\"a\\\"b\\\\c\\nd\"} 1"));
}

TEST(Exposition, RefusesAPageItDoesNotUnderstand) {
  const struct {
    const char* page;
    const char* error;
  } cases[] = {
      {"x 1\n<html>", "line 2: expected the Prometheus text format, found no metric name"},
      {"x", "line 1: expected the Prometheus text format, found a value that is no number"},
      {"x one", "found a value that is no number"},
      {"x 1e", "found a value that is no number"},
      {"x{a=\"1\" b=\"2\"} 1", "found labels without end"},
      {"x{a=\"1\"", "found labels without end"},
      {"x{a=\"1} 1", "found a label that is not NAME=\"VALUE\""},
      {"x{a:b=\"1\"} 1", "found a label that is not NAME=\"VALUE\""},
      {"x{=\"1\"} 1", "found a label that is not NAME=\"VALUE\""},
      {"x{a=1} 1", "found a label that is not NAME=\"VALUE\""},
      {"# TYPE 1x gauge", "found no metric name after TYPE"},
      {"x{a=\"\x01\"} 1", "found a control character"},
  };
  for (const auto& c : cases) {
    const auto families = ParseExposition(c.page, {});
    ASSERT_FALSE(families) << c.page;
    EXPECT_THAT(families.error().message(), HasSubstr(c.error));
  }
  std::string many;
  for (size_t i = 0; i <= kMaxForeignSeries; ++i) many += "x{i=\"" + std::to_string(i) + "\"} 1\n";
  EXPECT_EQ(ParseExposition(many, {}).error().code(), Code::kTooLarge);
}

TEST(Exposition, SeveralServersShareAFamily) {
  auto all = *ParseExposition("# TYPE x gauge\nx 1\ny 2", {{"name", "a"}});
  MergeFamilies(all, *ParseExposition("# TYPE x gauge\nx 3\n# TYPE y gauge\ny 4", {{"name", "b"}}));
  EXPECT_EQ(ExpositionText(all),
            "# HELP x As the model's server reports it.\n# TYPE x gauge\n"
            "x{name=\"a\"} 1\nx{name=\"b\"} 3\n"
            "# HELP y As the model's server reports it.\n# TYPE y untyped\ny{name=\"a\"} 2\n")
      << "two types of one name: the first one's";
}

TEST(Exposition, ReadsARealPage) {
  const auto page = ReadFile(std::string(HEADROOM_TEST_DATA) + "/llama-server/metrics-0.7.0.txt");
  ASSERT_TRUE(page);
  const std::string shown = Shown(*page);
  EXPECT_THAT(shown, HasSubstr("llamacpp_prompt_tokens_total{namespace=\"a\",name=\"m\"} "));
  EXPECT_THAT(shown, HasSubstr("# TYPE llamacpp_n_tokens_max untyped\n"));
}

}  // namespace
}  // namespace headroom::exporter
