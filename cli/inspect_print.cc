#include <iomanip>
#include <map>

#include "cli/inspect_facts.h"
#include "cli/output/color.h"
#include "common/quantity.h"
#include "estimator/gguf/ggml_type.h"
#include "estimator/tensors.h"

namespace headroom::cli {
namespace {

using estimator::GgufHeader;
using estimator::GgufTensor;

std::string OneDecimal(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

void Fact(std::ostream& out, std::string_view label, const std::string& value) {
  if (value.empty()) return;
  out << "  " << std::left << std::setw(18) << label << std::right << value << "\n";
}

std::string Number(const GgufHeader& header, const std::string& key) {
  const auto* value = header.Find(key);
  return value == nullptr ? "" : value->Print();
}

void PrintFacts(std::ostream& out, const InspectFacts& facts) {
  const GgufHeader& first = facts.parts.front();
  const std::string architecture = first.String("general.architecture");
  const std::string p = architecture + ".";
  Fact(out, "architecture", architecture);
  Fact(out, "name", first.String("general.name"));
  Fact(out, "license", first.String("general.license"));
  const auto file_type = first.Uint("general.file_type");
  Fact(out, "quantisation",
       (file_type ? std::string(estimator::FileTypeName(*file_type)) + ", " : std::string()) +
           OneDecimal(facts.BitsPerWeight()) + " bits a weight");
  Fact(out, "parameters", std::to_string(facts.Parameters()));
  Fact(out, "context trained", Number(first, p + "context_length"));
  Fact(out, "layers", Number(first, p + "block_count"));
  Fact(out, "embedding", Number(first, p + "embedding_length"));
  Fact(out, "heads", Number(first, p + "attention.head_count"));
  Fact(out, "KV heads", Number(first, p + "attention.head_count_kv"));
  Fact(out, "experts", Number(first, p + "expert_count"));
  const auto* tokens = first.Find("tokenizer.ggml.tokens");
  if (tokens != nullptr && tokens->AsArray() != nullptr) {
    Fact(out, "vocabulary", std::to_string(tokens->AsArray()->length));
  }
  const auto* chat = first.Find("tokenizer.chat_template");
  const auto* text = chat == nullptr ? nullptr : std::get_if<estimator::GgufString>(&chat->value);
  Fact(out, "chat template",
       text == nullptr ? "none" : "present, " + std::to_string(text->length) + " bytes");
}

// "blk.7.ffn_down.weight" -> "ffn_down.weight": the layers of one kind together.
std::string KindOf(const GgufTensor& tensor) {
  if (!estimator::LayerOfTensor(tensor.name)) return tensor.name;
  return tensor.name.substr(tensor.name.find('.', 4) + 1);
}

void PrintMix(std::ostream& out, const InspectFacts& facts) {
  std::map<std::string, std::map<std::string_view, uint64_t>> kinds;
  for (const GgufHeader& part : facts.parts) {
    for (const GgufTensor& tensor : part.tensors) ++kinds[KindOf(tensor)][tensor.type->name];
  }
  out << "\nquantisation mix\n";
  for (const auto& [kind, types] : kinds) {
    out << "  " << std::left << std::setw(30) << kind << std::right;
    for (const auto& [type, count] : types) out << " " << type << " x" << count;
    out << "\n";
  }
}

void PrintTensors(std::ostream& out, const InspectFacts& facts) {
  out << "\ntensors\n";
  for (const GgufHeader& part : facts.parts) {
    for (const GgufTensor& tensor : part.tensors) {
      out << "  " << tensor.name << " " << tensor.type->name << " [";
      for (uint32_t i = 0; i < tensor.n_dims; ++i) out << (i ? ", " : "") << tensor.dims[i];
      out << "] " << FormatBytes(tensor.nbytes) << "\n";
    }
  }
}

}  // namespace

void PrintInspect(std::ostream& out, const InspectFacts& facts, const InspectView& view) {
  const GgufHeader& first = facts.parts.front();
  out << Painted(facts.source, Tone::kBold, view.color) << ": GGUF v" << first.version << ", "
      << FormatBytes(facts.file_bytes) << " in " << facts.parts.size()
      << (facts.parts.size() == 1 ? " file" : " files") << ", header "
      << FormatBytes(facts.HeaderBytes()) << ", " << facts.TensorCount() << " tensors\n";
  PrintFacts(out, facts);
  out << "\ntensors by type\n";
  uint64_t bytes = 0;
  for (const TypeShare& share : facts.types) bytes += share.bytes;
  for (const TypeShare& share : facts.types) {
    const double percent = 100.0 * static_cast<double>(share.bytes) / static_cast<double>(bytes);
    out << "  " << std::left << std::setw(10) << share.type << std::right << std::setw(8)
        << share.tensors << std::setw(14) << FormatBytes(share.bytes) << std::setw(8)
        << OneDecimal(percent) << " %\n";
  }
  if (view.wide) PrintMix(out, facts);
  out << "\nmetadata\n";
  for (const auto& [key, value] : first.metadata) {
    out << "  " << key << " = " << value.Print() << "\n";
  }
  if (view.tensors) PrintTensors(out, facts);
}

}  // namespace headroom::cli
