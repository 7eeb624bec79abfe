#include "exporter/node/publisher.h"

#include "common/log.h"

namespace headroom::exporter {

namespace asio = boost::asio;

namespace {

constexpr std::string_view kLeaseNamespace = "kube-node-lease";

WallTime Now() { return std::chrono::system_clock::now(); }

}  // namespace

NodePublisher::NodePublisher(kube::ApiClient& api, PublisherOptions options, Capacity capacity)
    : api_(api),
      options_(std::move(options)),
      capacity_(std::move(capacity)),
      state_(options_.register_node, options_.intervals) {}

asio::awaitable<void> NodePublisher::Run() {
  for (;;) {
    const auto capacity = capacity_();
    NodeStep step = NodeStep::kWait;
    if (capacity) step = state_.Next(*capacity, std::chrono::steady_clock::now());
    if (step == NodeStep::kWait) {
      co_await wake_.Wait(net::After(options_.tick));
      continue;
    }
    const auto result = co_await Perform(step, *capacity);
    const std::string before = state_.problem();
    state_.Done(step, result, *capacity, std::chrono::steady_clock::now(), Jitter());
    Tell(step, result, before);
  }
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
    case NodeStep::kRenewLease: co_return co_await RenewLease();
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

// The owner goes with every renewal: a Node registered anew has another uid, and a Lease that names
// the old one would be collected as garbage.
asio::awaitable<Result<Json>> NodePublisher::RenewLease() {
  const std::string& name = options_.identity.name;
  const Json lease = LeaseDocument(name, state_.uid(), Now());
  auto renewed =
      co_await api_.MergePatch(kube::ResourcePath(kube::kLeaseType, kLeaseNamespace, name), lease);
  if (renewed || renewed.error().code() != Code::kNotFound) co_return renewed;
  co_return co_await api_.Create(kube::ResourcePath(kube::kLeaseType, kLeaseNamespace, ""), lease);
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
