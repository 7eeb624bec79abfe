#include "cli/probe.h"

#include "cli/await.h"
#include "cli/cli.h"
#include "kube/client.h"
#include "net/async.h"

namespace headroom::cli {
namespace {

namespace asio = boost::asio;

constexpr std::string_view kRule = "[HR-202]";
constexpr std::chrono::seconds kPause{1};

struct ProbeOptions {
  std::string kubeconfig, ns = "default";
  std::chrono::milliseconds timeout{30'000};
};

Json ProbeModel(std::string_view ns, std::string_view name) {
  Json model = Json::MakeObject();
  model.Set("apiVersion", kube::TypeOf(kube::Kind::kModel).group_version);
  model.Set("kind", kube::TypeOf(kube::Kind::kModel).kind);
  Json& metadata = model.Set("metadata", Json::MakeObject());
  metadata.Set("name", name);
  metadata.Set("namespace", ns);
  model.Make({"spec"}).Set("source",
                           "https://huggingface.co/headroom/probe/resolve/main/probe.gguf");
  return model;
}

// An answer that proves nothing either way: no connection, no right, no CRD, no webhook reached.
Error NoProof(const Error& error) {
  if (error.code() == Code::kNotFound) {
    return Error(Code::kNotFound, error.message() + " (are the CRDs installed?)");
  }
  return error;
}

asio::awaitable<Result<void>> Try(kube::ApiClient& api, const ProbeOptions& options) {
  const std::string path =
      kube::ResourcePath(kube::TypeOf(kube::Kind::kModel), options.ns, "") + "?dryRun=All";
  const auto refused = co_await api.Create(path, ProbeToRefuse(options.ns));
  if (auto checked = CheckRefused(refused); !checked) co_return checked;
  const auto passed = co_await api.Create(path, ProbeToPass(options.ns));
  co_return CheckPassed(passed);
}

// A webhook that was registered a moment ago may not be reached yet: until the timeout, try again.
asio::awaitable<Result<void>> Probe(kube::ApiClient& api, const ProbeOptions& options) {
  const auto deadline = std::chrono::steady_clock::now() + options.timeout;
  for (;;) {
    auto result = co_await Try(api, options);
    const bool may_pass = !result && result.error().code() == Code::kUnavailable;
    if (!may_pass || std::chrono::steady_clock::now() + kPause >= deadline) co_return result;
    co_await net::SleepFor(kPause);
  }
}

}  // namespace

Json ProbeToRefuse(std::string_view ns) {
  Json model = ProbeModel(ns, "headroom-probe-refused");
  Json& hardware = model.Make({"spec", "hardware"});
  hardware.Set("accelerator", "metal");
  hardware.Set("memoryBudget", "not-a-quantity");
  return model;
}

Json ProbeToPass(std::string_view ns) {
  Json model = ProbeModel(ns, "headroom-probe-passed");
  model.Make({"spec", "hardware"}).Set("accelerator", "cpu");
  return model;
}

Result<void> CheckRefused(const Result<Json>& answer) {
  if (answer) {
    return Error(Code::kUnavailable,
                 "a model with a malformed memoryBudget was accepted: the API server does not ask "
                 "headroom-webhook, or failurePolicy is Ignore and no webhook answers; look at "
                 "kubectl get validatingwebhookconfigurations and at the webhook's pods");
  }
  if (answer.error().message().find(kRule) != std::string::npos) return {};
  return NoProof(answer.error());
}

Result<void> CheckPassed(const Result<Json>& answer) {
  if (answer) return {};
  return NoProof(answer.error()).Within("a model that is not for a Mac was not accepted");
}

int RunProbe(const Arguments& arguments, Streams streams) {
  ProbeOptions options;
  Flags flags(
      "headroom probe",
      "headroom probe [FLAGS]\n"
      "Proves that the API server asks headroom-webhook: by server-side dry run it creates a "
      "model that must be refused and one that must pass. Nothing is stored.");
  flags.Add("kubeconfig", options.kubeconfig, "FILE",
            "how to reach the API server; unset = the pod's service account");
  flags.Add("namespace", options.ns, "NAMESPACE", "where the two models would be created");
  flags.Add("timeout", options.timeout, "how long to wait for a webhook that cannot be called yet");
  const auto [parsed, exit_code] = ParseFlags(flags, arguments, streams);
  if (!parsed) return exit_code;
  asio::io_context io(1);
  auto config = kube::LoadConfig(options.kubeconfig);
  if (!config) return Fail(streams, config.error());
  auto api = kube::ApiClient::Make(io.get_executor(), std::move(*config));
  if (!api) return Fail(streams, api.error());
  const auto proved = Await(io, Probe(**api, options));
  if (!proved) return Fail(streams, proved.error());
  streams.out << "headroom-webhook refused the model it must refuse and let the other pass\n";
  return kDone;
}

}  // namespace headroom::cli
