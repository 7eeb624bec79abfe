// The manager with real child processes (a stand-in for llama-server) and the contract double of
// the API server: what may happen between two Macs, and what a killed exporter leaves.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "common/yaml.h"
#include "exporter/models/manager.h"
#include "tests/kube/api_fixture.h"
#include "tests/tools/tiny_models.h"

namespace headroom::exporter {
namespace {

using kube::FakeReply;
using kube::FakeRequest;
using kube::JsonReply;
using kube::StatusReply;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

constexpr uint64_t kGiB = 1ull << 30;

class ManagerTest : public kube::ApiTest {
 protected:
  ManagerTest() : reaper_(context_.get_executor()) {
    api_.OnRequest([this](const FakeRequest& request) { return Answer(request); });
    std::filesystem::create_directories(folder_);
    EXPECT_TRUE(headroom::testing::TinyModel().WriteTo(folder_ + "/m.gguf"));
    capacity_.name = "mac-1";
    capacity_.accelerator = "metal";
    capacity_.memory_total = capacity_.available = 64 * kGiB;
    capacity_.memory_budget = 48 * kGiB;
    capacity_.pressure = "normal";
    options_.node_name = "mac-1";
    options_.llama_server = HEADROOM_STAND_IN;
    // Tests run beside each other.
    const auto first = static_cast<uint16_t>(20000 + ::getpid() % 400 * 10);
    options_.ports = {first, static_cast<uint16_t>(first + 9)};
    options_.claim_spread = 1ms;
    options_.policy.loading_probe = options_.policy.doubtful_probe = 10ms;
    options_.policy.claimed_elsewhere_retry = 10ms;
    options_.policy.out_of_touch_retry = 10ms;
    options_.policy.fence_drain = 50ms;
    tasks_.Spawn(reaper_.Run());
  }
  void TearDown() override {
    if (manager_) {
      down_ = false;
      trusted_ = SteadyTime::max();
      test::RunCoro(context_, manager_->StopModels(), 15s);
    }
    kube::ApiTest::TearDown();
    manager_.reset();
    state_.reset();
    std::filesystem::remove_all(folder_);
  }

  // One API server with models and leases; optimistic writes as the real one.
  FakeReply Answer(const FakeRequest& request) {
    if (down_) return StatusReply(503, "away");
    const std::string name = request.target.substr(request.target.rfind('/') + 1);
    if (request.target.find("/leases/") != std::string::npos) {
      if (renewing_)
        leases_[name].Make({"spec"}).Set("renewTime", "1999-" + std::to_string(++renewals_));
      return leases_.count(name) ? JsonReply(200, leases_[name]) : StatusReply(404, "no lease");
    }
    if (request.target.find("/models/") == std::string::npos)
      return JsonReply(201, Json::MakeObject());
    const bool status = name == "status";
    const size_t slash = request.target.rfind('/');
    const std::string key =
        status ? request.target.substr(0, slash).substr(request.target.rfind('/', slash - 1) + 1)
               : name;
    Json& model = models_[key];
    if (request.method == "PATCH") {
      if (before_patch_) std::exchange(before_patch_, nullptr)(model);
      const Json patch = ParseJson(request.body).value();
      const std::string wanted = StringOr(patch, {"metadata", "resourceVersion"});
      if (!wanted.empty() && wanted != StringOr(model, {"metadata", "resourceVersion"})) {
        return StatusReply(409, "the object has been modified");
      }
      MergePatch(model, patch);
      Touch(model);
    }
    return JsonReply(200, model);
  }
  void Touch(Json& model) {
    model.Make({"metadata"}).Set("resourceVersion", std::to_string(++version_));
  }
  Json& Add(const std::string& name, const std::string& holder = "", const std::string& more = "") {
    Json& model = models_[name] =
        ParseYaml(
            "apiVersion: inference.llmkube.dev/v1alpha1\nkind: Model\n"
            "metadata: {name: " +
                name + ", namespace: default, uid: u-" + name +
                "}\n"
                "spec:\n  source: file://" +
                folder_ +
                "/m.gguf\n  hardware: {accelerator: metal}\n"
                "  serving: {contextSize: 512, parallelSlots: 1, promptCacheMiB: 0" +
                more + "}\n",
            "test")
            ->at(0);
    if (!holder.empty()) Hold(model, holder);
    Touch(model);
    return model;
  }
  static void Hold(Json& model, const std::string& holder) {
    model.Make({"metadata", "annotations"}).Set("headroom.dev/claimed-by", holder);
  }
  std::string Holder(const std::string& name) {
    return StringOr(models_[name], {"metadata", "annotations", "headroom.dev/claimed-by"});
  }

  void Start() {
    auto opened = StateDir::Open(folder_ + "/state");
    ASSERT_TRUE(opened) << opened.error().message();
    state_ = std::move(*opened);
    ManagerSeams seams;
    seams.capacity = [this]() -> Result<estimator::NodeCapacity> {
      capacity_.observed_at = std::chrono::system_clock::now();
      return capacity_;
    };
    seams.self = [this] {
      kube::Node node;
      node.meta.name = "mac-1";
      node.publishes = true;
      node.capacity = capacity_;
      return node;
    };
    seams.trusted_until = [this] { return trusted_; };
    seams.api = client_.get();
    seams.endpoint = [this](EndpointChange change) { return Note(std::move(change)); };
    manager_ = std::make_unique<Manager>(context_.get_executor(), options_, std::move(seams),
                                         reaper_, *state_);
    const auto adopted = manager_->Adopt();
    ASSERT_TRUE(adopted) << adopted.error().message();
    tasks_.Spawn(manager_->Run());
    for (auto& [name, model] : models_) Tell(model);
    manager_->Synced();
  }
  boost::asio::awaitable<void> Note(EndpointChange change) {
    held_at_.push_back(Holder(change.object.name));
    endpoints_.push_back(std::move(change));
    co_return;
  }
  void Tell(const Json& model) {
    manager_->Apply(kube::Kind::kModel, {kube::ObjectEvent::Type::kUpsert, model});
  }
  ModelView View(const std::string& name) const {
    for (const ModelView& view : manager_->Views()) {
      if (view.name == name) return view;
    }
    return {};
  }
  void Until(const std::string& name, State state) {
    RunUntil([&] { return View(name).state == state; }, 10s);
    ASSERT_EQ(View(name).state, state) << View(name).reason;
  }
  void RunFor(std::chrono::milliseconds time) {
    const auto end = std::chrono::steady_clock::now() + time;
    context_.restart();
    while (std::chrono::steady_clock::now() < end) context_.run_one_until(end);
  }
  static bool Lives(pid_t pid) { return net::ProcessStartTime(pid).has_value(); }

  std::string folder_ = ::testing::TempDir() + "manager-" + std::to_string(::getpid());
  net::Reaper reaper_;
  ManagerOptions options_;
  estimator::NodeCapacity capacity_;
  SteadyTime trusted_ = SteadyTime::max();
  std::unique_ptr<StateDir> state_;
  std::unique_ptr<Manager> manager_;
  std::map<std::string, Json> models_, leases_;
  std::vector<EndpointChange> endpoints_;
  std::vector<std::string> held_at_;  // by whom the object was held then
  std::function<void(Json&)> before_patch_;
  bool down_ = false, renewing_ = false;
  int version_ = 100, renewals_ = 0;
};

TEST_F(ManagerTest, LeavesAClaimWhoseHolderRenewsWithAClockThatIsFarOff) {
  Add("m", "mac-2");
  renewing_ = true;
  Start();
  RunUntil([this] { return renewals_ > 20; });
  EXPECT_EQ(Holder("m"), "mac-2");
  Until("m", State::kPending);
  EXPECT_EQ(View("m").reason, "claimed by node mac-2");
}

TEST_F(ManagerTest, TakesOverWhatADeadNodeHeldAndWithdrawsItsEndpoint) {
  Add("m", "mac-2");
  leases_["mac-2"] = *ParseJson(
      R"({"spec": {"holderIdentity": "mac-2", "renewTime": "2999-01-01T00:00:00Z",
                   "leaseDurationSeconds": 1}})");
  Start();
  RunFor(500ms);
  EXPECT_EQ(Holder("m"), "mac-2") << "not seen unchanged for a second yet";
  Until("m", State::kReady);
  EXPECT_EQ(Holder("m"), "mac-1");
  ASSERT_GE(endpoints_.size(), 2u);
  EXPECT_EQ(endpoints_.front().to, EndpointChange::To::kNotReady);
  EXPECT_EQ(endpoints_.back().to, EndpointChange::To::kReady);
}

// While the node holds the claim nobody else writes the endpoint.
TEST_F(ManagerTest, TheEndpointGoesBeforeTheClaim) {
  for (const char* edit : {"enabled", "nodeName", "delete"}) {
    Add("m");
    if (!manager_) Start();
    Tell(models_["m"]);
    Until("m", State::kReady);
    Json gone = models_["m"];
    if (edit == std::string("enabled")) gone.Make({"spec", "serving"}).Set("enabled", false);
    if (edit == std::string("nodeName")) gone.Make({"spec"}).Set("nodeName", "mac-2");
    gone.Make({"metadata"}).Set("resourceVersion", std::to_string(++version_));
    models_["m"] = gone;
    using Type = kube::ObjectEvent::Type;
    const bool deleted = edit == std::string("delete");
    manager_->Apply(kube::Kind::kModel, {deleted ? Type::kDelete : Type::kUpsert, gone});
    RunUntil([this] { return Holder("m").empty() && View("m").name.empty(); }, 10s);
    ASSERT_FALSE(endpoints_.empty()) << edit;
    EXPECT_EQ(endpoints_.back().to, EndpointChange::To::kRemoved) << edit;
    EXPECT_EQ(held_at_.back(), "mac-1") << edit;
  }
}

TEST_F(ManagerTest, OldNewsDoesNotUndoAClaim) {
  const Json before = Add("m", "mac-2");
  Hold(Add("m"), "");
  Start();
  Until("m", State::kReady);
  const pid_t pid = View("m").pid;
  Tell(before);  // of a time when mac-2 held it
  RunFor(100ms);
  EXPECT_EQ(View("m").state, State::kReady);
  EXPECT_TRUE(Lives(pid));
  Hold(models_["m"], "mac-2");  // and now it really has it
  Touch(models_["m"]);
  renewing_ = true;
  Tell(models_["m"]);
  Until("m", State::kPending);
  EXPECT_FALSE(Lives(pid));
}

TEST_F(ManagerTest, AClaimFreedElsewhereIsTakenAtOnce) {
  options_.policy.claimed_elsewhere_retry = 1h;
  Add("m", "mac-2");
  renewing_ = true;
  Start();
  Until("m", State::kPending);
  models_["m"].Make({"metadata", "annotations"}).Set("headroom.dev/claimed-by", nullptr);
  Touch(models_["m"]);
  Tell(models_["m"]);
  Until("m", State::kReady);
}

TEST_F(ManagerTest, ARefusalGivesAnOlderClaimBack) {
  Add("m", "mac-1");
  capacity_.memory_budget = 1 << 20;
  Start();
  Until("m", State::kWaitingForMemory);
  RunUntil([this] { return Holder("m").empty(); });
}

TEST_F(ManagerTest, AConflictIsReadAgainAndAnotherWritersConditionStays) {
  Add("m");
  const auto meddle = [this](Json& model) {
    model.Make({"status"})
        .Set("conditions",
             *ParseJson(R"([{"type": "Degraded", "status": "False", "reason": "Theirs"}])"));
    Touch(model);
  };
  before_patch_ = meddle;  // of the claim
  Start();
  RunUntil([this] { return !before_patch_ && Holder("m") == "mac-1"; });
  before_patch_ = meddle;  // of a status
  Until("m", State::kReady);
  RunUntil([this] {
    const std::string status = WriteJson(models_["m"]);
    return status.find("Theirs") != std::string::npos &&
           StringOr(models_["m"], {"status", "serving", "phase"}) == "Ready";
  });
  EXPECT_FALSE(before_patch_);
}

TEST_F(ManagerTest, OutOfTouchItStopsWhatOthersMayTakeAndNothingElse) {
  Add("free");
  Add("bound").Make({"spec"}).Set("nodeName", "mac-1");
  Start();
  Until("free", State::kReady);
  Until("bound", State::kReady);
  const pid_t free = View("free").pid, bound = View("bound").pid;
  down_ = true;
  trusted_ = std::chrono::steady_clock::now() + 100ms;
  Until("free", State::kPending);
  EXPECT_FALSE(Lives(free));
  EXPECT_THAT(View("free").reason, HasSubstr("out of touch"));
  EXPECT_TRUE(Lives(bound));
  // Crashed, what is bound comes back even so.
  ASSERT_GT(bound, 1);
  ASSERT_EQ(::kill(bound, SIGKILL), 0);
  RunUntil([&] { return View("bound").state == State::kReady && View("bound").pid != bound; }, 10s);
  EXPECT_EQ(View("free").pid, 0);
  trusted_ = SteadyTime::max();
  down_ = false;
  Until("free", State::kReady);
}

TEST_F(ManagerTest, AClaimThatTheObjectLostIsWrittenAgain) {
  Add("m");
  Start();
  Until("m", State::kReady);
  const pid_t pid = View("m").pid;
  models_["m"].Make({"metadata", "annotations"}).Set("headroom.dev/claimed-by", nullptr);
  Touch(models_["m"]);
  Tell(models_["m"]);
  RunUntil([this] { return Holder("m") == "mac-1"; });
  EXPECT_EQ(View("m").pid, pid);
}

TEST_F(ManagerTest, WhatAKilledExporterStartedAndDidNotWriteDownIsEnded) {
  std::filesystem::create_directories(folder_ + "/state");
  net::SpawnOptions child;
  child.executable = HEADROOM_STAND_IN;
  child.arguments = {"--host", "127.0.0.1", "--port", "0", "--alias", "ignore-term,fork"};
  const std::string marker =
      "HEADROOM_CHILD_OF=" + std::filesystem::canonical(folder_ + "/state").string();
  child.environment = {marker};
  const auto orphan = net::Spawn(child);
  ASSERT_TRUE(orphan);
  RunUntil([&] {
    RunFor(10ms);
    return net::FindByEnvironment(marker).size() == 2;
  });
  Start();
  EXPECT_FALSE(Lives(*orphan));
  EXPECT_TRUE(net::FindByEnvironment(marker).empty());
}

TEST_F(ManagerTest, EvictsOnCriticalMemoryAndNeverOnAFailedSample) {
  options_.eviction = {.enabled = true, .settle = 0ms, .cool_down = 50ms};
  Add("important", "", ", priority: high");
  Add("small", "", ", priority: low");
  Start();
  Until("important", State::kReady);
  Until("small", State::kReady);
  MemorySample sample;
  sample.total = 64 << 20;  // of which our models hold the most
  sample.available = 1 << 20;
  PressureTracker tracker;
  const auto look = [&](const Result<MemorySample>& seen) {
    static SteadyTime now{};
    manager_->OnMemory(tracker.Step(seen, now += 10s), seen);
  };
  for (int i = 0; i < 5; ++i) look(Error(Code::kIo, "no /proc"));
  EXPECT_EQ(manager_->evictions().evictions, 0u);
  look(sample);
  EXPECT_EQ(manager_->evictions().evictions, 0u) << "one bad sample";
  look(sample);
  EXPECT_EQ(manager_->evictions().evictions, 1u);
  Until("small", State::kEvicted);
  EXPECT_THAT(View("small").reason,
              HasSubstr("evicted: memory is critical with 1.0 MiB of 64.0 MiB"));
  look(sample);
  EXPECT_EQ(View("important").state, State::kReady) << "the last one stays";
  RunUntil([this] {
    return StringOr(models_["small"], {"status", "serving", "phase"}) == "Evicted" &&
           Holder("small").empty();
  });
  EXPECT_THAT(WriteJson(models_["small"]), HasSubstr(R"("type":"MemoryPressure","status":"True",)"
                                                     R"("reason":"Evicted")"));
  EXPECT_THAT(WriteJson(models_["important"]), HasSubstr(R"("reason":"Critical")"));
  sample.available = 63 << 20;
  RunFor(60ms);
  look(sample);
  look(sample);
  Until("small", State::kReady);
  RunUntil([this] {
    return WriteJson(models_["small"]).find(R"("type":"MemoryPressure","status":"False")") !=
           std::string::npos;
  });
}

}  // namespace
}  // namespace headroom::exporter
