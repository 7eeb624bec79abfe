#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "exporter/models/eviction.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr uint64_t kGiB = 1ull << 30;

EvictionModel Model(const char* key, const char* priority, uint64_t gib, int started = 0) {
  return {.key = key,
          .rank = EvictionRank(priority),
          .bytes = gib * kGiB,
          .started = WallTime(std::chrono::seconds(started))};
}

// 64 GiB with 4 left: 60 in use, of which models must hold more than 30.
struct World {
  EvictionOptions options{.enabled = true};
  Evictor evictor{options};
  EvictionInput input{.level = Pressure::kCritical, .total = 64 * kGiB, .available = 4 * kGiB};

  EvictionStep Look(std::chrono::seconds later = 10s) {
    input.now += later;
    return evictor.Look(input);
  }
  uint64_t Skipped(std::string_view reason) const {
    for (const auto& [name, count] : evictor.counts().skipped) {
      if (name == reason) return count;
    }
    return UINT64_MAX;
  }
};

TEST(Evictor, ChoosesByPriorityThenSizeThenAge) {
  struct Case {
    std::vector<EvictionModel> running;
    const char* victim;
  } const cases[] = {
      {{Model("a", "normal", 30), Model("b", "low", 8)}, "b"},
      {{Model("a", "normal", 30), Model("b", "batch", 5), Model("c", "low", 20)}, "b"},
      {{Model("a", "high", 30), Model("b", "critical", 20)}, "a"},
      {{Model("a", "", 10), Model("b", "normal", 30), Model("c", "odd", 20)}, "b"},
      {{Model("a", "low", 20, 7), Model("b", "low", 20, 3)}, "b"},
  };
  for (const Case& c : cases) {
    World world;
    world.input.running = c.running;
    EXPECT_EQ(world.Look().victim, c.victim);
    EXPECT_EQ(world.evictor.counts().evictions, 1u);
  }
}

TEST(Evictor, SkipsWithAReason) {
  const auto with = [](auto change) {
    World world;
    world.input.running = {Model("a", "normal", 30), Model("b", "low", 8)};
    change(world);
    return world;
  };
  struct Case {
    const char* reason;
    bool told;
    World world;
  } cases[] = {
      {"floor", true, with([](World& w) { w.input.running.pop_back(); })},
      {"floor", true, with([](World& w) { w.input.running.clear(); })},
      {"minority", true, with([](World& w) { w.input.running[0].bytes = 22 * kGiB; })},
      {"protected", true, with([](World& w) {
         for (auto& m : w.input.running) m.is_protected = true;
       })},
      {"settling", false, with([](World& w) { w.input.running[1].stopping = true; })},
      {"disabled", false, with([](World& w) { w.evictor = Evictor(EvictionOptions{}); })},
  };
  for (Case& c : cases) {
    const EvictionStep step = c.world.Look();
    EXPECT_EQ(step.victim, "") << c.reason;
    EXPECT_EQ(step.skipped, c.reason);
    EXPECT_EQ(step.tell, c.told) << c.reason;
    EXPECT_FALSE(c.world.Look().tell) << "once in a time of critical memory: " << c.reason;
    EXPECT_EQ(c.world.Skipped(c.reason), 2u);
    EXPECT_EQ(c.world.evictor.counts().evictions, 0u);
  }
}

TEST(Evictor, HonoursProtection) {
  World world;
  world.input.running = {Model("a", "normal", 30), Model("b", "batch", 8)};
  world.input.running[1].is_protected = true;
  EXPECT_EQ(world.Look().victim, "a");
}

TEST(Evictor, NeverActsBelowCriticalOrOnWhatIsUnknown) {
  for (const Pressure level : {Pressure::kNormal, Pressure::kWarning, Pressure::kUnknown}) {
    World world;
    world.input.running = {Model("a", "normal", 30), Model("b", "low", 8)};
    world.input.level = level;
    for (int i = 0; i < 10; ++i) EXPECT_EQ(world.Look().victim, "");
    for (const auto& [reason, count] : world.evictor.counts().skipped) EXPECT_EQ(count, 0u);
  }
}

TEST(Evictor, OnePerLookAndTheNextAfterItsMemoryHadTimeToReturn) {
  World world;
  world.input.running = {Model("a", "normal", 30), Model("b", "low", 8), Model("c", "low", 7)};
  EXPECT_EQ(world.Look().victim, "b");
  world.input.running[1].stopping = true;
  EXPECT_EQ(world.Look().skipped, "settling");
  world.input.running.erase(world.input.running.begin() + 1);
  EXPECT_EQ(world.Look(-1s).skipped, "settling") << "gone, but only 9 s ago";
  EXPECT_EQ(world.Look(1s).victim, "c");
  world.input.running.pop_back();
  EXPECT_EQ(world.Look().skipped, "floor") << "the last one stays";
}

TEST(Evictor, ComesBackOneByOneWhenNormalAndRested) {
  World world;
  world.input.running = {Model("a", "normal", 20), Model("b", "low", 18), Model("c", "batch", 9)};
  EXPECT_EQ(world.Look().victim, "c");
  world.input.running.pop_back();
  EXPECT_EQ(world.Look().victim, "b");
  world.input.running.pop_back();
  world.input.level = Pressure::kWarning;
  EXPECT_EQ(world.Look(600s).readmitted, "") << "only at normal";
  world.input.level = Pressure::kUnknown;
  EXPECT_EQ(world.Look().readmitted, "");
  world.input.level = Pressure::kNormal;
  EXPECT_EQ(world.Look().readmitted, "b") << "the most important first";
  EXPECT_EQ(world.Look().readmitted, "c");
  EXPECT_EQ(world.Look().readmitted, "");
}

TEST(Evictor, RestsLongerEachTime) {
  World world;
  const auto evict = [&] {
    world.input.level = Pressure::kCritical;
    world.input.running = {Model("a", "normal", 30), Model("b", "low", 8)};
    EXPECT_EQ(world.Look().victim, "b");
    world.input.level = Pressure::kNormal;
    world.input.running.pop_back();
    std::chrono::seconds rest{0};
    while (world.Look(10s).readmitted.empty()) rest += 10s;
    return rest + 10s;
  };
  EXPECT_EQ(evict(), 60s);
  EXPECT_EQ(evict(), 120s);
  EXPECT_EQ(evict(), 240s);
  world.input.now += 3600s;
  EXPECT_EQ(evict(), 60s) << "long ago";
}

// The level is debounced before it comes here; even if it flapped with each look, the rest holds.
TEST(Evictor, DoesNotFlap) {
  World world;
  int evictions = 0;
  bool b_runs = true;
  for (int look = 0; look < 60; ++look) {  // ten minutes
    world.input.level = look % 2 == 0 ? Pressure::kCritical : Pressure::kNormal;
    world.input.running = {Model("a", "normal", 30)};
    if (b_runs) world.input.running.push_back(Model("b", "low", 8));
    const EvictionStep step = world.Look();
    if (!step.victim.empty()) ++evictions, b_runs = false;
    if (!step.readmitted.empty()) b_runs = true;
  }
  EXPECT_LE(evictions, 4);
}

TEST(Evictor, SaysTheNumbers) {
  World world;
  world.input.running = {Model("a", "normal", 30), Model("b", "low", 8)};
  EXPECT_EQ(world.Look().text,
            "evicted: memory is critical with 4.0 GiB of 64.0 GiB available (6 %); this model took "
            "8.0 GiB of the 38.0 GiB of 2 models. It comes back when memory pressure is normal "
            "again, after 60 s at the earliest");
}

}  // namespace
}  // namespace headroom::exporter
