#include "cli/doctor/gather.h"

namespace headroom::cli {
namespace {

struct Right {
  std::string verb, group, resource, subresource, name, ns;
};

std::vector<Right> RightsToAsk(const std::string& node) {
  const std::string ours = "inference.llmkube.dev";
  std::vector<Right> rights = {{"list", ours, "models", "", "", ""},
                               {"list", ours, "inferenceservices", "", "", ""}};
  if (node.empty()) {
    rights.push_back({"list", "", "nodes", "", "", ""});
    return rights;
  }
  for (const char* plural : {"models", "inferenceservices"}) {
    rights.push_back({"watch", ours, plural, "", "", ""});
    rights.push_back({"patch", ours, plural, "", "", ""});
    rights.push_back({"patch", ours, plural, "status", "", ""});
  }
  rights.push_back({"patch", "", "nodes", "", node, ""});
  rights.push_back({"patch", "", "nodes", "status", node, ""});
  rights.push_back({"update", "coordination.k8s.io", "leases", "", node, "kube-node-lease"});
  rights.push_back({"create", "", "services", "", "", ""});
  rights.push_back({"create", "discovery.k8s.io", "endpointslices", "", "", ""});
  rights.push_back({"create", "", "events", "", "", ""});
  return rights;
}

std::string Describe(const Right& right) {
  std::string text = right.verb + " " + right.resource;
  if (!right.subresource.empty()) text += "/" + right.subresource;
  return right.name.empty() ? text : text + " " + right.name;
}

bool Allowed(Cluster& cluster, const Right& right) {
  Json review = Json::MakeObject();
  review.Set("apiVersion", "authorization.k8s.io/v1");
  review.Set("kind", "SelfSubjectAccessReview");
  Json& attributes = review.Make({"spec", "resourceAttributes"});
  attributes.Set("verb", right.verb);
  attributes.Set("group", right.group);
  attributes.Set("resource", right.resource);
  if (!right.subresource.empty()) attributes.Set("subresource", right.subresource);
  if (!right.name.empty()) attributes.Set("name", right.name);
  if (!right.ns.empty()) attributes.Set("namespace", right.ns);
  const auto answer =
      cluster.Create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", std::move(review));
  return answer && BoolOr(*answer, {"status", "allowed"}, false);
}

Json FindWebhook(Cluster& cluster) {
  const auto list =
      cluster.Get("/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations");
  const Json* items = list ? list->Find("items") : nullptr;
  if (items == nullptr || items->AsArray() == nullptr) return Json();
  for (const Json& item : *items->AsArray()) {
    const Json* webhooks = item.Find("webhooks");
    if (webhooks == nullptr || webhooks->AsArray() == nullptr) continue;
    for (const Json& webhook : *webhooks->AsArray()) {
      if (StringOr(webhook, {"name"}) == "fit.headroom.dev") return webhook;
    }
  }
  return Json();
}

// A dry run of a model whose budget no webhook of ours lets pass, whatever the nodes are.
void Probe(Cluster& cluster, ClusterFacts& facts) {
  Json model = Json::MakeObject();
  model.Set("apiVersion", "inference.llmkube.dev/v1alpha1");
  model.Set("kind", "Model");
  model.Make({"metadata", "name"}) = "headroom-doctor-probe";
  model.Make({"metadata", "namespace"}) = cluster.config().default_namespace;
  model.Make({"spec", "source"}) = "/headroom-doctor/probe.gguf";
  model.Make({"spec", "hardware", "accelerator"}) = "metal";
  model.Make({"spec", "hardware", "memoryBudget"}) = "probe";
  const std::string path = PathOf(model).collection + "?dryRun=All";
  const auto created = cluster.Create(path, std::move(model));
  facts.probe_allowed = created.has_value();
  if (!created) facts.probe = created.error().message();
}

}  // namespace

ClusterFacts GatherCluster(Cluster& cluster, const std::string& node) {
  ClusterFacts facts;
  const auto version = cluster.Get("/version");
  if (!version) {
    facts.problem = version.error().message();
    return facts;
  }
  facts.version = StringOr(*version, {"gitVersion"}, "of an unknown version");
  const auto group = cluster.Get("/apis/inference.llmkube.dev/v1alpha1");
  const Json* resources = group ? group->Find("resources") : nullptr;
  if (resources != nullptr && resources->AsArray() != nullptr) {
    for (const Json& one : *resources->AsArray())
      facts.resources.push_back(StringOr(one, {"name"}));
  }
  facts.webhook = FindWebhook(cluster);
  Probe(cluster, facts);
  for (const Right& right : RightsToAsk(node)) {
    facts.rights.emplace_back(Describe(right), Allowed(cluster, right));
  }
  if (const auto nodes = cluster.List(kube::TypeOf(kube::Kind::kNode))) {
    for (const Json& object : *nodes) facts.nodes.push_back(kube::DecodeNode(object));
  }
  return facts;
}

}  // namespace headroom::cli
