#include "exporter/models/unhonoured.h"

#include <string_view>

#include "estimator/gguf/reader.h"
#include "sources/source.h"

namespace headroom::exporter {
namespace {

struct Field {
  std::string_view parent, name;  // parent "" = the specification itself
  std::string_view why;
  std::string_view quiet = "";  // this value says nothing
};

constexpr std::string_view kNoContainer = "a native process runs here, not a container";
constexpr std::string_view kNoPod = "a native process runs here, not a pod";
constexpr std::string_view kOtherServer = "is a field of another model server";

constexpr Field kServing[] = {
    {"", "speculativeDecoding", "draft models are not started on this node"},
    {"", "image", kNoContainer},
    {"", "command", kNoContainer},
    {"", "args", "a native process runs here; use extraArgs"},
    {"", "env", "the model server gets the environment of the exporter"},
    {"", "containerPort", "the port is set by the exporter's --model-ports"},
    {"", "bindAddress", "the address is set by the exporter's --model-host"},
    {"", "skipModelInit", kNoPod},
    {"", "modelCache", "files are kept in the exporter's --store-dir"},
    {"", "rolloutPolicy", "one model server per workload runs on a node"},
    {"", "disruption", kNoPod},
    {"", "slo", kNoPod},
    {"", "maxPodLifetimeSeconds", kNoPod},
    {"", "autoscaling", "one model server per workload runs on a node"},
    {"", "affinity", "use nodeSelector, nodeName or the annotation headroom.dev/node"},
    {"", "tolerations", kNoPod},
    {"", "resources", "memory is judged by the footprint and the node's budget"},
    {"", "turboQuantBits", "llama-server has no such cache"},
    {"", "pagedSSDCacheDir", kOtherServer},
    {"", "hotCacheMaxSize", kOtherServer},
    {"", "pagedSSDCacheMaxSize", kOtherServer},
    {"endpoint", "port", "the Service has port 8080", "8080"},
    {"endpoint", "path", "llama-server has its own paths", "/v1/chat/completions"},
    {"endpoint", "type", "the Service is a ClusterIP", "ClusterIP"},
    {"endpoint", "nodePort", "the Service is a ClusterIP"},
    {"endpoint", "gateway", "no route is made"},
};

constexpr Field kModel[] = {
    {"", "refreshPolicy", "a file is fetched once; remove it from --store-dir to fetch it again",
     "IfNotPresent"},
    {"", "prefetch", "a file is fetched when its model is to be served", "false"},
    {"", "prefetchTolerations", kNoPod},
    {"", "resources", "memory is judged by the footprint and the node's budget"},
    {"gpu", "count", "a node has one GPU", "1"},
    {"gpu", "memory", "memory is judged by the footprint and the node's budget"},
    {"gpu", "sharding", "a node has one GPU"},
    {"gpu", "resourceName", kNoPod},
    {"gpu", "tolerationKey", kNoPod},
    {"gpu", "resourceClaims", kNoPod},
    {"gpu", "runtime", "the installed llama-server decides it"},
};

// The parts of a split come with the first; anything else would have to be loaded beside it.
void ReportFiles(const Json& model, std::vector<std::string>& lines) {
  const auto files = GetStrings(model, {"files"});
  if (!files || files->empty()) return;
  const auto first = estimator::ParseSplitName(files->front());
  for (const std::string& file : *files) {
    const auto part = estimator::ParseSplitName(file);
    const bool sibling = first && part && part->prefix == first->prefix;
    if (file != files->front() && !sibling) {
      lines.push_back("spec.files: " + file + ": only the first file and its parts are served");
    }
  }
}

bool SaysSomething(const Json* value, std::string_view quiet) {
  if (value == nullptr || value->IsNull()) return false;
  if (const std::string* text = value->AsString()) return *text != quiet;
  const std::string text = WriteJson(*value);
  return text != "{}" && text != "[]" && text != quiet;
}

void Report(const Json* object, const Field& field, const std::string& path,
            std::vector<std::string>& lines) {
  if (object == nullptr || !SaysSomething(object->Find(field.name), field.quiet)) return;
  std::string line = path;
  if (!field.parent.empty()) line.append(".").append(field.parent);
  lines.push_back(line.append(".").append(field.name).append(": ").append(field.why));
}

}  // namespace

std::vector<std::string> UnhonouredFields(const kube::Workload& workload, const Json& serving,
                                          const Json& model) {
  std::vector<std::string> lines;
  for (const Field& field : kServing) {
    const Json* parent = field.parent.empty() ? &serving : serving.Find(field.parent);
    Report(parent, field, workload.spec.path, lines);
  }
  if (const Json::Object* all = serving.AsObject()) {
    for (const auto& [name, value] : *all) {  // vllmConfig, tgiConfig, ...
      if (name.size() > 6 && name.ends_with("Config") && SaysSomething(&value, "")) {
        lines.push_back(workload.spec.path + "." + name + ": " + std::string(kOtherServer));
      }
    }
  }
  for (const Field& field : kModel) {
    const Json* parent = field.parent.empty() ? &model : model.Find({"hardware", field.parent});
    Report(parent, field, field.parent.empty() ? "spec" : "spec.hardware", lines);
  }
  ReportFiles(model, lines);
  const auto source = sources::ParseSource(workload.source);
  const bool by_hand = source && source->where == sources::Source::Where::kNodeFile;
  if (by_hand && !workload.sha256.empty()) {
    lines.push_back("spec.sha256: not checked, the file was put on this node by hand");
  }
  if (by_hand && SaysSomething(model.Find("sourceSecretRef"), "")) {
    lines.push_back("spec.sourceSecretRef: not needed, the file is on this node");
  }
  if (workload.spec.replicas > 1) {
    lines.push_back("spec.replicas: one model server per workload runs on a node");
  }
  return lines;
}

}  // namespace headroom::exporter
