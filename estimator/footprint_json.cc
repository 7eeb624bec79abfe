// The contract of `headroom estimate --json`: docs/estimator.md describes every field.
#include "estimator/footprint.h"

namespace headroom::estimator {
namespace {

Json PartsJson(const MemoryParts& parts) {
  Json out = Json::MakeObject();
  out.Set("weights", parts.weights);
  out.Set("kv_cache", parts.kv_cache);
  out.Set("recurrent_state", parts.recurrent_state);
  out.Set("compute", parts.compute);
  out.Set("output", parts.output);
  return out;
}

}  // namespace

Json ToJson(const ModelFile& model, const Footprint& footprint) {
  Json out = Json::MakeObject();
  out.Set("architecture", model.architecture);
  out.Set("name", model.name);
  out.Set("quantization", model.quantization);
  out.Set("runtime_version", footprint.runtime_version);
  out.Set("method", ToString(footprint.method));
  out.Set("context", uint64_t{footprint.context});
  out.Set("context_per_slot", uint64_t{footprint.context_per_slot});
  out.Set("slots", uint64_t{footprint.slots});
  out.Set("device_bytes", PartsJson(footprint.device));
  out.Set("host_bytes", PartsJson(footprint.host));
  out.Set("prompt_cache", footprint.prompt_cache);
  out.Set("context_checkpoints", footprint.context_checkpoints);
  out.Set("full_outputs", footprint.full_outputs);
  out.Set("projector", footprint.projector);
  out.Set("lora", footprint.lora);
  out.Set("control_vectors", footprint.control_vectors);
  out.Set("draft", footprint.draft);
  out.Set("expert_cache", footprint.expert_cache);
  out.Set("runtime", footprint.runtime);
  out.Set("resident_weights", footprint.resident_weights);
  out.Set("load_bytes", footprint.load_bytes);
  out.Set("footprint_bytes", footprint.footprint_bytes);
  out.Set("file_bytes", footprint.file_bytes);
  Json warnings = Json::MakeArray();
  for (const std::string& warning : footprint.warnings) warnings.Append(warning);
  out.Set("warnings", std::move(warnings));
  return out;
}

}  // namespace headroom::estimator
