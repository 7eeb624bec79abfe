// Client, reflector, node and endpoint publisher against a real kube-apiserver. with_cluster.sh
// starts one and names it in HEADROOM_TEST_KUBECONFIG.
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include "exporter/node/endpoint_publisher.h"
#include "exporter/node/publisher.h"
#include "kube/object_feed.h"
#include "tests/support/run_coro.h"

namespace headroom::exporter {
namespace {

using namespace std::chrono_literals;

class Live : public ::testing::Test {
 protected:
  void SetUp() override {
    const char* path = getenv("HEADROOM_TEST_KUBECONFIG");
    if (path == nullptr) {
      GTEST_SKIP()
          << "HEADROOM_TEST_KUBECONFIG names no cluster: run tests/exporter/with_cluster.sh";
    }
    const auto config = kube::LoadKubeconfig(path);
    ASSERT_TRUE(config) << config.error().message();
    api_ = kube::ApiClient::Make(context_.get_executor(), *config).value();
    suffix_ = std::to_string(getpid());
  }
  void TearDown() override {
    tasks_.Cancel();
    test::RunCoro(context_, tasks_.Join(), 10s);
  }
  template <class T>
  T Run(boost::asio::awaitable<T> task) {
    return test::RunCoro(context_, std::move(task), 20s);
  }
  void RunUntil(const std::function<bool()>& done) {
    const auto end = std::chrono::steady_clock::now() + 30s;
    context_.restart();
    while (!done()) {
      const auto now = std::chrono::steady_clock::now();
      if (now >= end || context_.run_one_for(end - now) == 0) FAIL() << "did not happen in 30 s";
    }
  }
  static std::string NodePath(const std::string& name) {
    return kube::ResourcePath(kube::TypeOf(kube::Kind::kNode), "", name);
  }
  std::unique_ptr<NodePublisher> Publisher(const std::string& name) {
    capacity_.name = name;
    capacity_.memory_total = 64ull << 30;
    capacity_.memory_budget = 48ull << 30;
    capacity_.pressure = "normal";
    capacity_.observed_at = std::chrono::system_clock::now();
    PublisherOptions options;
    options.identity = ThisHost(name, "10.1.2.3");
    options.tick = 20ms;
    return std::make_unique<NodePublisher>(
        *api_, options, [this]() -> Result<estimator::NodeCapacity> { return capacity_; });
  }
  kube::ObjectSink Remember() {
    return [this](kube::ObjectEvent event) {
      if (event.type == kube::ObjectEvent::Type::kSynced) return;
      const kube::Node node = kube::DecodeNode(event.object);
      if (event.type == kube::ObjectEvent::Type::kDelete) {
        nodes_.erase(node.meta.name);
      } else {
        nodes_[node.meta.name] = event.object;
      }
    };
  }
  bool IsReady(const std::string& name) const {
    const auto it = nodes_.find(name);
    if (it == nodes_.end()) return false;
    const Json* conditions = it->second.Find({"status", "conditions"});
    if (conditions == nullptr) return false;
    for (const Json& condition : *conditions->AsArray()) {
      if (StringOr(condition, {"type"}) == "Ready") {
        return StringOr(condition, {"status"}) == "True";
      }
    }
    return false;
  }

  boost::asio::io_context context_{1};
  std::unique_ptr<kube::ApiClient> api_;
  net::TaskGroup tasks_{context_.get_executor(), net::TaskGroup::Mode::kIndependent};
  estimator::NodeCapacity capacity_;
  std::map<std::string, Json> nodes_;  // as the reflector tells them
  kube::FeedStatus feed_;
  std::string suffix_;
};

TEST_F(Live, ANodeIsRegisteredWatchedAndRegisteredAgain) {
  const std::string name = "live-" + suffix_;
  const auto publisher = Publisher(name);
  tasks_.Spawn(kube::RunReflector(*api_, kube::TypeOf(kube::Kind::kNode), Remember(), feed_));
  RunUntil([this] { return feed_.synced; });
  tasks_.Spawn(publisher->Run());
  RunUntil([&] { return IsReady(name); });
  const kube::Node node = kube::DecodeNode(nodes_.at(name));
  EXPECT_EQ(node.capacity.invalid, "");
  EXPECT_EQ(node.capacity.memory_budget, 48ull << 30);
  EXPECT_EQ(StringOr(nodes_.at(name), {"status", "capacity", "pods"}), "0");
  // The Lease has a task of its own: it may be there before it knows the Node it belongs to.
  const std::string path = kube::ResourcePath(kube::kLeaseType, "kube-node-lease", name);
  RunUntil([&] {
    const auto lease = Run(api_->Get(path));
    const Json* owners = lease ? lease->Find({"metadata", "ownerReferences"}) : nullptr;
    const Json::Array* list = owners != nullptr ? owners->AsArray() : nullptr;
    return list != nullptr && !list->empty() && StringOr(list->front(), {"uid"}) == node.meta.uid;
  });

  ASSERT_TRUE(Run(api_->Delete(NodePath(name))));
  RunUntil([&] { return nodes_.count(name) == 0; });
  capacity_.committed = 1;
  RunUntil([&] { return IsReady(name) && kube::DecodeMeta(nodes_.at(name)).uid != node.meta.uid; });
  tasks_.Cancel();
  Run(tasks_.Join());
  EXPECT_TRUE(Run(api_->Delete(NodePath(name))));
}

TEST_F(Live, AForeignNodeIsAnnotatedOnly) {
  const std::string name = "foreign-" + suffix_;
  Json node = Json::MakeObject();
  node.Set("apiVersion", "v1");
  node.Set("kind", "Node");
  node.Make({"metadata"}).Set("name", name);
  const auto made = Run(api_->Create(NodePath(""), node));
  ASSERT_TRUE(made) << made.error().message();
  const auto publisher = Publisher(name);
  tasks_.Spawn(publisher->Run());
  RunUntil([&] { return publisher->state().published(); });
  const auto seen = Run(api_->Get(NodePath(name)));
  ASSERT_TRUE(seen);
  EXPECT_TRUE(kube::DecodeNode(*seen).publishes);
  EXPECT_EQ(StringOr(*seen, {"spec", "providerID"}), "");
  // No kubelet renews a Lease for it, so others would take its claims.
  Result<Json> lease = Error();
  for (int i = 0; i < 100 && !lease; ++i) {  // it is written beside the annotations
    lease = Run(api_->Get(kube::ResourcePath(kube::kLeaseType, "kube-node-lease", name)));
  }
  ASSERT_TRUE(lease) << lease.error().message();
  tasks_.Cancel();
  Run(tasks_.Join());
  EXPECT_TRUE(Run(api_->Delete(NodePath(name))));
}

TEST_F(Live, EndpointsComeAndGoWithTheirModel) {
  const std::string name = "endpoint-" + suffix_;
  const kube::ResourceType& type = kube::TypeOf(kube::Kind::kModel);
  Json model = Json::MakeObject();
  model.Set("apiVersion", type.group_version);
  model.Set("kind", type.kind);
  model.Make({"metadata"}).Set("name", name);
  model.Make({"spec"}).Set("source", "/models/m.gguf");
  const auto made = Run(api_->Create(kube::ResourcePath(type, "default", ""), model));
  ASSERT_TRUE(made) << made.error().message();
  EndpointChange change;
  change.object = kube::DecodeMeta(*made);
  change.host = "10.1.2.3";
  change.port = 19900;
  change.to = EndpointChange::To::kReady;
  EndpointPublisher publisher(*api_, "mac-1");
  const std::string path = kube::ResourcePath(kube::kEndpointSliceType, "default", name);
  const auto ready = [&] {
    const auto slice = Run(api_->Get(path));
    EXPECT_TRUE(slice) << slice.error().message();
    return slice &&
           BoolOr(slice->Find("endpoints")->AsArray()->front(), {"conditions", "ready"}, false);
  };
  Run(publisher.Apply(change));
  EXPECT_TRUE(ready());
  change.to = EndpointChange::To::kNotReady;
  Run(publisher.Apply(change));
  EXPECT_FALSE(ready());
  ASSERT_TRUE(Run(api_->Delete(kube::ResourcePath(type, "default", name))));
  Run(publisher.Apply(change));
  const auto gone = Run(api_->Get(path));
  ASSERT_FALSE(gone);
  EXPECT_EQ(gone.error().code(), Code::kNotFound);
}

TEST_F(Live, EventsAreWrittenAndCounted) {
  kube::EventRecorder recorder(*api_, "headroom-exporter", "mac-1");
  kube::Meta object;
  object.name = "event-" + suffix_;
  object.ns = "default";
  for (int i = 0; i < 2; ++i) {
    Run(recorder.Record(kube::TypeOf(kube::Kind::kModel), object, {true, "Tested", "hello"}));
  }
  const auto events = Run(api_->Get(kube::ResourcePath(kube::kEventType, "default", "") +
                                    "?fieldSelector=involvedObject.name=" + object.name));
  ASSERT_TRUE(events) << events.error().message();
  const Json::Array& items = *events->Find("items")->AsArray();
  ASSERT_EQ(items.size(), 1u);
  EXPECT_EQ(IntOr(items[0], {"count"}, 0), 2);
}

}  // namespace
}  // namespace headroom::exporter
