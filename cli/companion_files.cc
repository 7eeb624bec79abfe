#include "cli/companion_files.h"

#include "cli/model_reader.h"
#include "estimator/companions.h"
#include "estimator/gguf/file.h"

namespace headroom::cli {
namespace {

using estimator::Companion;
using Role = Companion::Role;

Result<void> AddProjector(const Companion& file, estimator::ServingOptions& serving) {
  if (file.file.find("://") != std::string::npos) {
    // Of a remote projector the size of the file is known, which is little more than its tensors.
    const auto header = ReadModel(file.file);
    if (!header) return header.error();
    if (!header->projector) return Error(Code::kInvalid, "expected a projector (mmproj)");
    serving.mmproj_bytes += header->model.file_bytes;
    return {};
  }
  const auto header = estimator::ReadGgufFile(file.file);
  if (!header) return header.error();
  const auto projector = estimator::DescribeProjector(header->parts);
  if (!projector) return projector.error().Within(file.file);
  serving.mmproj_bytes += projector->tensors;
  serving.mmproj_compute_bytes += projector->compute;
  return {};
}

Result<void> AddLora(const Companion& file, const estimator::ModelFile& model,
                     estimator::ServingOptions& serving) {
  const auto header = estimator::ReadGgufFile(file.file);
  if (!header) return header.error();
  const auto bytes = estimator::LoraBytes(header->parts, model);
  if (!bytes) return bytes.error().Within(file.file);
  serving.lora_bytes += *bytes;
  return {};
}

Result<void> AddDraft(const Companion& file, Companions& out) {
  auto header = ReadModel(file.file);
  if (!header) return header.error();
  if (header->projector) return Error(Code::kInvalid, file.file + ": is a projector, no model");
  out.draft = std::move(header->model);
  return {};
}

Result<void> AddOne(const Companion& file, const estimator::ModelFile& model,
                    estimator::ServingOptions& serving, Companions& out) {
  switch (file.role) {
    case Role::kProjector: return AddProjector(file, serving);
    case Role::kLora: return AddLora(file, model, serving);
    case Role::kControlVector:
      serving.control_vector_bytes = estimator::ControlVectorBytes(model);
      return {};
    case Role::kDraft: return AddDraft(file, out);
    case Role::kLookupCache:
      out.warnings.push_back(file.flag + " " + file.file + ": the lookup cache is not counted");
      return {};
  }
  return {};
}

}  // namespace

Result<Companions> ReadCompanions(const std::vector<Companion>& files,
                                  const estimator::ModelFile& model,
                                  estimator::ServingOptions& serving) {
  Companions out;
  for (const Companion& file : files) {
    if (auto added = AddOne(file, model, serving, out); !added) {
      return added.error().Within(file.flag);
    }
  }
  return out;
}

}  // namespace headroom::cli
