#include "cli/deploy/objects.h"

#include <algorithm>

#include "common/quantity.h"
#include "estimator/explain.h"
#include "estimator/serving.h"

namespace headroom::cli {
namespace {

using estimator::CandidateView;
using estimator::Rule;

Json Blank(const Deployment& d, std::string_view kind) {
  Json object = Json::MakeObject();
  object.Set("apiVersion", "inference.llmkube.dev/v1alpha1");
  object.Set("kind", kind);
  object.Make({"metadata", "name"}) = d.name;
  object.Make({"metadata", "namespace"}) = d.ns;
  return object;
}

Json ModelObject(const Deployment& d) {
  Json model = Blank(d, "Model");
  Json& spec = model.Make({"spec"});
  spec.Set("source", d.source);
  if (!d.sha256.empty()) spec.Set("sha256", d.sha256);
  if (!d.mmproj.empty()) spec.Set("mmproj", d.mmproj);
  Json& hardware = spec.Make({"hardware"});
  hardware.Set("accelerator", "metal");
  if (!d.memory_budget.empty()) hardware.Set("memoryBudget", d.memory_budget);
  // A number in the CRD; CheckDeployment() has read it.
  if (!d.memory_fraction.empty()) hardware.Set("memoryFraction", std::stod(d.memory_fraction));
  return model;
}

Json ServiceObject(const Deployment& d) {
  Json service = Blank(d, "InferenceService");
  if (!d.node.empty()) service.Make({"metadata", "annotations", "headroom.dev/node"}) = d.node;
  Json& spec = service.Make({"spec"});
  spec.Set("modelRef", d.name);
  if (d.context > 0) spec.Set("contextSize", d.context);
  if (d.parallel > 0) spec.Set("parallelSlots", d.parallel);
  if (!d.cache_type_k.empty()) spec.Set("cacheTypeK", d.cache_type_k);
  if (!d.cache_type_v.empty()) spec.Set("cacheTypeV", d.cache_type_v);
  if (d.cache_ram >= -1) {
    Json arguments = Json::MakeArray();
    arguments.Append("--cache-ram");
    arguments.Append(std::to_string(d.cache_ram));
    spec.Set("extraArgs", std::move(arguments));
  }
  return service;
}

bool IsLabel(const std::string& name) {
  const bool characters = std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  return characters && !name.empty() && name.size() <= 63 && name.front() != '-' &&
         name.back() != '-';
}

Result<void> CheckType(const std::string& text, std::string_view flag) {
  if (text.empty()) return {};
  const auto type = estimator::ParseCacheType(text);
  return type ? Result<void>() : type.error().Within(flag);
}

Error Bad(std::string_view flag, std::string_view text) {
  return Error(Code::kInvalid, std::string(flag) + ": " + std::string(text));
}

bool IsMemory(Rule rule) {
  return rule == Rule::kOverBudget || rule == Rule::kFitsNoNode || rule == Rule::kOccupied;
}

}  // namespace

Result<void> CheckDeployment(const Deployment& d) {
  if (!IsLabel(d.name)) {
    return Bad("NAME '" + d.name + "'", "expected 1 to 63 lower-case letters, digits and '-'");
  }
  if (!IsLabel(d.ns)) {
    return Bad("--namespace", "expected 1 to 63 lower-case letters, digits and '-'");
  }
  // The bounds of the CRD, which would refuse it with less of an explanation.
  if (d.context != 0 && (d.context < 128 || d.context > 2'097'152)) {
    return Bad("--context", "expected 128 to 2097152 tokens");
  }
  if (d.parallel < 0 || d.parallel > 64) return Bad("--parallel", "expected 1 to 64 slots");
  if (d.cache_ram < -2) return Bad("--cache-ram", "expected MiB, or -1 for no limit");
  if (auto ok = CheckType(d.cache_type_k, "--cache-type-k"); !ok) return ok.error();
  if (auto ok = CheckType(d.cache_type_v, "--cache-type-v"); !ok) return ok.error();
  estimator::BudgetTexts texts;
  if (!d.memory_fraction.empty()) {
    texts.memory_fraction = d.memory_fraction;
    if (!estimator::CheckBudgetTexts(texts)) {
      return Bad("--memory-fraction",
                 "expected a number above 0 and at most 1, got '" + d.memory_fraction + "'");
    }
  }
  if (!d.memory_budget.empty()) {
    const auto bytes = ParseQuantity(d.memory_budget);
    if (!bytes) return bytes.error().Within("--memory-budget");
  }
  return {};
}

std::vector<Json> DeploymentObjects(const Deployment& deployment) {
  return {ModelObject(deployment), ServiceObject(deployment)};
}

std::string RefusalText(const estimator::Verdict& verdict, const std::string& name,
                        const std::string& quantization) {
  const CandidateView* closest = verdict.Chosen();
  if (!IsMemory(verdict.rule) || closest == nullptr) {
    return "Error: " + estimator::DenialText(verdict);
  }
  const estimator::Footprint& f = closest->footprint;
  std::string text = "Error: insufficient memory for " + name +
                     (quantization.empty() ? "" : " (" + quantization + ")") + "\n\n";
  text += "Estimated requirement: " + FormatBytes(closest->need) + " (weights " +
          FormatBytes(f.resident_weights) + ", KV cache " + FormatBytes(f.KvCache()) +
          " at context " + std::to_string(f.context) + ", compute " +
          FormatBytes(f.Compute() + f.Output()) + ", runtime " + FormatBytes(f.runtime);
  if (f.prompt_cache > 0) text += ", prompt cache up to " + FormatBytes(f.prompt_cache);
  if (f.context_checkpoints > 0) {
    text += ", checkpoints up to " + FormatBytes(f.context_checkpoints);
  }
  text += ")\nAvailable budget:      " + FormatBytes(closest->headroom) + " on node " +
          closest->node + " (" + closest->budget.derivation + " - " +
          FormatBytes(closest->committed) + " committed)\n";
  // What else is in use does not count against the budget; the node looks at it when it launches.
  if (closest->available < closest->headroom) {
    text += "                       " + FormatBytes(closest->available) +
            " of it is available now, the rest is in use\n";
  }
  for (const estimator::Suggestion& suggestion : verdict.suggestions) {
    text += "Suggestion:            " + suggestion.text + "\n";
  }
  if (verdict.suggestions.empty()) {
    text +=
        "Suggestion:            a smaller model or quantization; no change of its settings "
        "makes it fit\n";
  }
  return text;
}

}  // namespace headroom::cli
