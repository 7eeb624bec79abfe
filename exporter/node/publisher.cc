#include "exporter/node/publisher.h"

#include <boost/asio/this_coro.hpp>
#include <utility>

#include "common/log.h"
#include "net/task_group.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

WallTime Now() { return std::chrono::system_clock::now(); }

}  // namespace

NodePublisher::NodePublisher(kube::ApiClient& api, PublisherOptions options, Capacity capacity)
    : api_(api),
      options_(std::move(options)),
      capacity_(std::move(capacity)),
      state_(options_.register_node, options_.intervals),
      lease_(api, options_.identity.name, options_.lease, [this] {
        return LeaseKeeper::Owner{state_.uid(), state_.registered()};
      }) {}

asio::awaitable<void> NodePublisher::Run() {
  const auto executor = co_await asio::this_coro::executor;
  net::TaskGroup group(executor);
  group.Spawn(lease_.Run());
  group.Spawn(RunNode());
  co_await group.Join();
}

asio::awaitable<void> NodePublisher::Settled() {
  while (!state_.settled()) co_await looked_.Wait(net::After(std::chrono::minutes(1)));
}

asio::awaitable<void> NodePublisher::RunNode() {
  uint64_t missed = 0;
  for (;;) {
    const auto capacity = capacity_();
    NodeStep step = NodeStep::kWait;
    if (std::exchange(missed, lease_.missed()) != lease_.missed()) state_.PulseMissed();
    if (capacity) step = state_.Next(*capacity, std::chrono::steady_clock::now());
    if (step == NodeStep::kWait) {
      co_await wake_.Wait(net::After(options_.tick));
      continue;
    }
    const auto result = co_await Perform(step, *capacity);
    const std::string before = state_.problem(), uid = state_.uid();
    state_.Done(step, result, *capacity, std::chrono::steady_clock::now(), Jitter());
    if (state_.uid() != uid) lease_.Wake();
    looked_.Notify();
    TakeLabels();
    Tell(step, result, before);
  }
}

// While the Node is away, deleted by somebody, its models stay this node's.
void NodePublisher::TakeLabels() {
  if (state_.node().IsNull()) return;
  auto labels = kube::DecodeMeta(state_.node()).labels;
  if (std::exchange(labels_, labels) != labels && options_.on_labels) options_.on_labels();
}

asio::awaitable<Result<Json>> NodePublisher::Perform(NodeStep step,
                                                     estimator::NodeCapacity capacity) {
  const kube::ResourceType& type = kube::TypeOf(kube::Kind::kNode);
  const std::string& name = options_.identity.name;
  switch (step) {
    case NodeStep::kWait: break;
    case NodeStep::kGet: co_return co_await api_.Get(kube::ResourcePath(type, "", name));
    case NodeStep::kRegister: {
      Json node = RegistrationDocument(options_.identity, capacity);
      co_return co_await api_.Create(kube::ResourcePath(type, "", ""), std::move(node));
    }
    case NodeStep::kAnnotate: {
      Json patch = AnnotationPatch(capacity);
      co_return co_await api_.MergePatch(kube::ResourcePath(type, "", name), std::move(patch));
    }
    case NodeStep::kWriteStatus: {
      Json patch = StatusDocument(options_.identity, capacity, state_.node(), Now());
      co_return co_await api_.MergePatch(kube::ResourcePath(type, "", name, "status"),
                                         std::move(patch));
    }
  }
  co_return Json();
}

void NodePublisher::Tell(NodeStep step, const Result<Json>& result,
                         const std::string& problem_before) {
  if (result) {
    if (step != NodeStep::kGet) ++writes_;
    if (step == NodeStep::kRegister) {
      LogInfo("node registered", {{"node", options_.identity.name}});
    }
    if (!problem_before.empty()) LogInfo("node is published again", {{"step", ToString(step)}});
    return;
  }
  if (state_.problem().empty()) return;  // handled: absent, or registered by somebody else
  ++failures_;
  if (state_.problem() == problem_before) return;
  LogWarn("node cannot be published",
          {{"node", options_.identity.name}, {"error", state_.problem()}});
}

}  // namespace headroom::exporter
