// Node and model objects of strangers: decoding never crashes, and what decodes without a problem
// is published again as the same values.
#include <cstdint>
#include <cstdlib>

#include "kube/objects.h"
#include "kube/workload.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace headroom;
  const auto json = ParseJson({reinterpret_cast<const char*>(data), size});
  if (!json) return 0;
  const kube::Model model = kube::DecodeModel(*json);
  if (const auto workload = kube::WorkloadOf(model)) (void)kube::ServingOptionsOf(*workload);
  const auto service = kube::DecodeInferenceService(*json);
  if (const auto workload = kube::WorkloadOf(service, model)) {
    (void)kube::ServingOptionsOf(*workload);
  }
  const kube::Node node = kube::DecodeNode(*json);
  if (!node.capacity.invalid.empty()) return 0;
  Json copy = Json::MakeObject();
  Json& annotations = copy.Make({"metadata", "annotations"});
  annotations = Json::MakeObject();
  const auto published = kube::EncodeAnnotations(node.capacity);
  for (const auto& [key, value] : published) annotations.Set(key, value);
  const kube::Node again = kube::DecodeNode(copy);
  if (!again.capacity.invalid.empty()) abort();
  if (kube::EncodeAnnotations(again.capacity) != published) abort();
  return 0;
}
