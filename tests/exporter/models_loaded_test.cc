#include <gtest/gtest.h>

#include "exporter/models/loaded.h"

namespace headroom::exporter {
namespace {

TEST(Loaded, IsReadFromProps) {
  const auto loaded = ParseProps(
      R"({"default_generation_settings":{"n_ctx":4096,"params":{}},"total_slots":2,"model_path":"m"})");
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->context, 4096u);
  EXPECT_EQ(loaded->slots, 2u);
  for (const char* bad : {"", "{}", "[]", R"({"total_slots":2})", R"({"total_slots":-1})",
                          R"({"default_generation_settings":{"n_ctx":"x"},"total_slots":2})"}) {
    EXPECT_FALSE(ParseProps(bad)) << bad;
  }
}

TEST(Loaded, DiffersFromWhatWasAdmitted) {
  struct Case {
    uint32_t context, parallel;
    bool unified;
    Loaded loaded;
    const char* text;
  } const cases[] = {
      {4096, 1, false, {4096, 1}, ""},
      {8192, 2, false, {4096, 2}, ""},
      {8192, 2, true, {8192, 2}, ""},
      {1000, 1, false, {1024, 1}, ""},
      {0, 1, false, {131072, 1}, ""},
      {4096,
       1,
       false,
       {8192, 1},
       "llama-server serves 8192 tokens a slot where 4096 were admitted"},
      {4096,
       1,
       false,
       {2048, 1},
       "llama-server serves 2048 tokens a slot where 4096 were admitted"},
      {4096,
       1,
       false,
       {2048, 2},
       "llama-server serves 2 slots where 1 were admitted, 2048 tokens a slot where 4096 were "
       "admitted"},
  };
  for (const Case& c : cases) {
    estimator::ServingOptions admitted;
    admitted.context = c.context;
    admitted.parallel = c.parallel;
    admitted.kv_unified = c.unified;
    EXPECT_EQ(DifferenceFrom(admitted, c.loaded), c.text);
  }
}

}  // namespace
}  // namespace headroom::exporter
