#include <algorithm>

#include "certs/certs.h"
#include "cli/doctor/findings.h"
#include "cli/view/view.h"
#include "kube/base64.h"

namespace headroom::cli {
namespace {

using Level = Finding::Level;

constexpr std::chrono::hours kExpiresSoon{24 * 14};

void JudgeCrds(const ClusterFacts& facts, std::vector<Finding>& out) {
  for (const char* plural : {"models", "inferenceservices"}) {
    const bool served =
        std::find(facts.resources.begin(), facts.resources.end(), plural) != facts.resources.end();
    const std::string name = std::string(plural) + ".inference.llmkube.dev";
    out.push_back(served ? Finding{Level::kOk, "CRD", name + " is served", ""}
                         : Finding{Level::kFailure, "CRD", name + " is missing",
                                   "kubectl apply --server-side -f charts/headroom/files/crds"});
  }
}

void JudgeCertificate(const ClusterFacts& facts, WallTime now, std::vector<Finding>& out) {
  const std::string bundle = StringOr(facts.webhook, {"clientConfig", "caBundle"});
  const auto pem = kube::DecodeBase64(bundle);
  if (bundle.empty() || !pem) {
    out.push_back({Level::kFailure, "webhook CA", "caBundle is empty or no base64",
                   "put the CA of the webhook's certificate into its configuration"});
    return;
  }
  const auto info = certs::Describe(*pem);
  if (!info) {
    out.push_back({Level::kFailure, "webhook CA", info.error().message(),
                   "put a PEM certificate into caBundle"});
    return;
  }
  const std::string until = info->subject + ", good until " + FormatRfc3339(info->not_after);
  if (info->not_after < now) {
    out.push_back({Level::kFailure, "webhook CA", until + ": expired",
                   "renew it; until then every apply fails or passes unchecked"});
  } else if (info->not_after - now < kExpiresSoon) {
    out.push_back({Level::kWarning, "webhook CA", until, "renew it before it ends"});
  } else {
    out.push_back({Level::kOk, "webhook CA", until, ""});
  }
}

void JudgeWebhook(const ClusterFacts& facts, WallTime now, std::vector<Finding>& out) {
  if (facts.webhook.IsNull()) {
    out.push_back({Level::kFailure, "webhook", "no configuration calls fit.headroom.dev",
                   "install the chart, or docs/examples/webhook-configuration.yaml"});
    return;
  }
  JudgeCertificate(facts, now, out);
  const std::string policy = StringOr(facts.webhook, {"failurePolicy"}, "Fail");
  if (facts.probe.find("HR-202") != std::string::npos) {
    out.push_back({Level::kOk, "webhook", "answers (failurePolicy " + policy + ")", ""});
  } else if (facts.probe_allowed) {
    out.push_back({Level::kFailure, "webhook",
                   "a model that must be denied was let through (failurePolicy " + policy + ")",
                   policy == "Ignore" ? "it is not reached: look at its pods and its Service"
                                      : "its rules or selectors leave this namespace out"});
  } else {
    out.push_back({Level::kFailure, "webhook", facts.probe.substr(0, facts.probe.find('\n')),
                   "look at its pods, Service and certificate; headroom-webhook logs why"});
  }
}

void JudgeNodes(const ClusterFacts& facts, WallTime now, std::vector<Finding>& out) {
  size_t good = 0;
  for (const kube::Node& node : facts.nodes) {
    if (!node.publishes) continue;
    const std::string check = "node " + node.meta.name;
    if (!node.capacity.invalid.empty()) {
      out.push_back({Level::kFailure, check, node.capacity.invalid,
                     "upgrade its exporter, or take the annotation away"});
    } else if (estimator::IsStale(node.capacity, now)) {
      const std::string age = Age(node.capacity.observed_at, now);
      out.push_back({Level::kWarning, check,
                     "its exporter was last heard of " + (age.empty() ? "never" : age + " ago"),
                     "start headroom-exporter there; it takes no models until then"});
    } else {
      ++good;
    }
  }
  if (good > 0) {
    out.push_back({Level::kOk, "nodes", std::to_string(good) + " publish their memory", ""});
  } else {
    out.push_back({Level::kWarning, "nodes", "none publishes its memory now",
                   "let a Mac join: headroom join NAME"});
  }
}

}  // namespace

std::vector<Finding> JudgeCluster(const ClusterFacts& facts, WallTime now) {
  std::vector<Finding> out;
  if (facts.version.empty()) {
    out.push_back({Level::kFailure, "API server", facts.problem,
                   "look at the kubeconfig's server, certificate and token"});
    return out;
  }
  out.push_back({Level::kOk, "API server", "Kubernetes " + facts.version, ""});
  JudgeCrds(facts, out);
  JudgeWebhook(facts, now, out);
  for (const auto& [right, allowed] : facts.rights) {
    out.push_back(allowed ? Finding{Level::kOk, "rights", "may " + right, ""}
                          : Finding{Level::kFailure, "rights", "may not " + right,
                                    "for a Mac: headroom join NAME; for a person: a Role with it"});
  }
  JudgeNodes(facts, now, out);
  return out;
}

}  // namespace headroom::cli
