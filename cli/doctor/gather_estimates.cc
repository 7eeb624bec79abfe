#include <algorithm>
#include <filesystem>

#include "cli/doctor/estimates.h"
#include "cli/doctor/gather.h"
#include "cli/doctor/run_program.h"
#include "cli/model_reader.h"

namespace headroom::cli {
namespace {

namespace fs = std::filesystem;

constexpr uint32_t kContext = 8192;  // what a model is compared at
constexpr size_t kMostOfStore = 3;   // a large model takes llama.cpp seconds

// "/opt/bin/llama-server" -> "/opt/bin/llama-fit-params"; a bare name stays one, for PATH.
std::string FitProgram(const std::string& llama_server) {
  return llama_server.substr(0, llama_server.rfind('/') + 1) + "llama-fit-params";
}

// "version: 0.7.0 (build …)" -> "0.7.0"; the line may follow others.
std::string VersionOf(const std::string& text) {
  constexpr std::string_view kKey = "version: ";
  const size_t at = text.find(kKey);
  if (at == std::string::npos) return "";
  const size_t from = at + kKey.size();
  return text.substr(from, text.find_first_of(" \n", from) - from);
}

// Of a split the first part stands for all.
bool IsModel(const std::string& name) {
  return name.ends_with(".gguf") && name.find("mmproj") == std::string::npos &&
         (name.find("-of-") == std::string::npos || name.find("-00001-of-") != std::string::npos);
}

std::vector<std::string> NewestOfStore(const std::string& store) {
  std::vector<std::pair<fs::file_time_type, std::string>> found;
  std::error_code error;
  for (fs::recursive_directory_iterator at(store, error), end; !error && at != end;
       at.increment(error)) {
    std::error_code gone;
    const auto written = at->last_write_time(gone);
    if (!gone && IsModel(at->path().filename().string())) {
      found.emplace_back(written, at->path().string());
    }
  }
  std::sort(found.rbegin(), found.rend());
  if (found.size() > kMostOfStore) found.resize(kMostOfStore);
  std::vector<std::string> out;
  for (auto& [written, path] : found) out.push_back(std::move(path));
  return out;
}

// llama-fit-params reserves logits for the whole batch and knows neither prompt cache nor
// checkpoints.
estimator::ServingOptions ComparedServing(const MachineFacts& facts) {
  estimator::ServingOptions serving;
  serving.context = kContext;
  serving.parallel = 1;
  serving.outputs.mode = estimator::Outputs::Mode::kBatch;
  serving.prompt_cache_mib = 0;
  serving.context_checkpoints = 0;
  serving.device = facts.darwin ? estimator::Device::kMetal : estimator::Device::kCpu;
  serving.runtime_version = VersionOf(facts.llama_version_text.value_or(""));
  return serving;
}

ComparedEstimate Compare(const std::string& program, const std::string& model,
                         const MachineFacts& facts) {
  ComparedEstimate out{model, "", 0, ""};
  const auto header = ReadModel(model);
  if (!header) {
    out.problem = header.error().message();
    return out;
  }
  if (header->projector) {
    out.problem = "is a projector (mmproj) and no language model";
    return out;
  }
  const auto footprint = estimator::Estimate(header->model, ComparedServing(facts));
  if (!footprint) {
    out.problem = footprint.error().message();
    return out;
  }
  out.ours = ComparableBytes(*footprint);
  std::vector<std::string> arguments = {
      "--model",    model, "--ctx-size",  std::to_string(kContext),
      "--parallel", "1",   "--fit-print", "on"};
  // On the CPU it leaves out the weights it would repack.
  if (!facts.darwin) arguments.push_back("--no-repack");
  auto printed = ProgramOutput(program, std::move(arguments), false);
  if (printed) {
    out.fit_print = std::move(*printed);
  } else {
    out.problem = printed.error().message();
  }
  return out;
}

}  // namespace

void GatherEstimates(const MachineQuestions& questions, MachineFacts& facts) {
  const std::string program = FitProgram(questions.llama_server);
  if (const auto help = ProgramOutput(program, {"--help"}, false);
      !help || help->find("--fit-print") == std::string::npos) {
    facts.not_compared = "not compared with llama.cpp's own: there is no " + program +
                         (help ? " that knows --fit-print" : "");
    return;
  }
  const std::vector<std::string> models =
      questions.models.empty() ? NewestOfStore(facts.state_dir + "/models") : questions.models;
  if (models.empty()) {
    facts.not_compared =
        "not compared with llama.cpp's own: no model was fetched yet; --model FILE names one";
  }
  for (const std::string& model : models) {
    facts.estimates.push_back(Compare(program, model, facts));
  }
}

}  // namespace headroom::cli
