// The message builder on requests with any names, numbers and texts of strangers: what comes out is
// ASCII, bounded, and the same each time.
#include <fuzzer/FuzzedDataProvider.h>

#include <cstdlib>

#include "estimator/explain.h"
#include "estimator/gguf/reader.h"
#include "tests/tools/tiny_models.h"
#include "webhook/review.h"

namespace {

using namespace headroom;

const estimator::ModelFile& Model() {
  static const estimator::ModelFile model = [] {
    const auto writer = testing::KvHeavyModel();
    estimator::GgufReader reader(writer.FileBytes());
    if (!reader.Feed(writer.Header())) std::abort();
    return *estimator::DescribeModel({*reader.Finish()}, writer.FileBytes());
  }();
  return model;
}

class Maker {
 public:
  Maker(const uint8_t* data, size_t size) : data_(data, size) {}

  estimator::Request Make() {
    estimator::Request request;
    request.workload = {Text(), Text(), Text()};
    request.source = Text();
    request.header_bytes_read = Number();
    request.file_on_node = data_.ConsumeBool();
    if (data_.ConsumeBool()) request.model = &Model();
    request.unknown.reason = Text();
    if (data_.ConsumeBool()) request.unknown.why = estimator::UnknownSize::Why::kPending;
    request.allow_unknown = data_.ConsumeBool();
    request.serving.context = data_.ConsumeIntegral<uint32_t>();
    request.serving.parallel = data_.ConsumeIntegralInRange<uint32_t>(0, 300);
    request.serving.prompt_cache_mib = data_.ConsumeIntegral<uint32_t>();
    request.context_default = data_.ConsumeBool();
    if (data_.ConsumeBool()) request.budget.memory_budget = Text();
    if (data_.ConsumeBool()) request.budget.memory_fraction = Text();
    request.preflight = data_.ConsumeBool();
    request.candidates = Nodes();
    request.others = Nodes();
    return request;
  }
  std::string Rest() { return data_.ConsumeRemainingBytesAsString(); }

 private:
  std::string Text() { return data_.ConsumeRandomLengthString(400); }
  uint64_t Number() {
    return data_.ConsumeIntegral<uint64_t>() >> data_.ConsumeIntegralInRange<int>(0, 63);
  }
  std::vector<estimator::Candidate> Nodes() {
    std::vector<estimator::Candidate> nodes;
    for (int i = data_.ConsumeIntegralInRange<int>(0, 6); i > 0; --i) {
      estimator::Candidate node;
      node.node.name = Text();
      node.node.memory_total = Number();
      if (data_.ConsumeBool()) node.node.memory_budget = Number();
      node.node.budget_source = Text();
      node.node.gpu_working_set = Number();
      node.node.available = Number();
      node.node.pressure = data_.PickValueInArray({"normal", "critical", "odd"});
      node.node.runtime_version = Text();
      node.node.schedulable = data_.ConsumeBool();
      if (data_.ConsumeBool()) node.node.observed_at = WallTime{};
      if (data_.ConsumeBool()) node.node.invalid = Text();
      for (int j = data_.ConsumeIntegralInRange<int>(0, 6); j > 0; --j) {
        node.occupants.push_back({Text(), Number()});
      }
      node.other_bytes = Number();
      nodes.push_back(std::move(node));
    }
    return nodes;
  }
  FuzzedDataProvider data_;
};

void CheckLine(const std::string& text, size_t max) {
  if (text.size() > max) std::abort();
  for (const unsigned char c : text) {
    if (c < 0x20 || c > 0x7e) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Maker maker(data, size);
  const estimator::Request request = maker.Make();
  const estimator::Verdict verdict = estimator::Decide(request);
  const std::string text = estimator::DenialText(verdict);
  if (text.size() > 2048 || text.empty() != verdict.allowed) std::abort();
  for (const unsigned char c : text) {
    if (c != '\n' && (c < 0x20 || c > 0x7e)) std::abort();
  }
  if (!text.empty() && !text.starts_with("[HR-")) std::abort();
  if (text != estimator::DenialText(estimator::Decide(request))) std::abort();
  const auto warnings = estimator::Warnings(verdict);
  if (warnings.size() > 4) std::abort();
  for (const std::string& warning : warnings) CheckLine(warning, 120);
  for (const estimator::Cause& cause : estimator::Causes(verdict)) CheckLine(cause.message, 400);
  (void)estimator::ToJson(verdict);
  CheckLine(webhook::CleanWarning(maker.Rest()), 120);
  return 0;
}
