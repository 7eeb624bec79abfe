#include "tests/estimator/ground_truth.h"

#include <cstdio>
#include <cstring>
#include <stdexcept>

#include "common/json.h"
#include "estimator/gguf/reader.h"

namespace headroom::estimator {
namespace {

const std::string kData = HEADROOM_TEST_DATA "/groundtruth/";

using Pipe = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

Pipe Open(const std::string& command) {
  Pipe pipe(::popen(command.c_str(), "r"), ::pclose);
  if (!pipe) throw std::runtime_error(command + ": cannot be run");
  return pipe;
}

std::string ReadAll(const std::string& command) {
  const Pipe pipe = Open(command);
  std::string out;
  char buffer[65536];
  while (const size_t got = std::fread(buffer, 1, sizeof buffer, pipe.get())) {
    out.append(buffer, got);
  }
  return out;
}

ModelFile Describe(const std::string& name, const std::string& bytes) {
  GgufReader reader;
  if (auto fed = reader.Feed(bytes); !fed) {
    throw std::runtime_error(name + ": " + fed.error().message());
  }
  auto header = reader.Finish();
  if (!header) throw std::runtime_error(name + ": " + header.error().message());
  auto model = DescribeModel({*header}, 0);
  if (!model) throw std::runtime_error(name + ": " + model.error().message());
  return *model;
}

uint32_t Number(const Json& cfg, std::string_view key) {
  return static_cast<uint32_t>(std::stoul(StringOr(cfg, {key}, "0")));
}

uint64_t Bytes(const Json& row, std::string_view device, std::string_view part) {
  return static_cast<uint64_t>(IntOr(row, {"buf", device, part}, 0));
}

GroundTruthRow ParseRow(const Json& row, const std::string& version) {
  const Json& cfg = *row.Find("cfg");
  GroundTruthRow out;
  out.model = StringOr(row, {"model"});
  ServingOptions& o = out.options;
  o.context = Number(cfg, "c");
  o.parallel = Number(cfg, "np");
  o.kv_unified = StringOr(cfg, {"kvu"}) == "1";
  o.ubatch = Number(cfg, "ub");
  o.batch = Number(cfg, "b");
  if (StringOr(cfg, {"fa"}) == "off") o.flash_attention = FlashAttention::kOff;
  o.cache_type_k = StringOr(cfg, {"ctk"});
  o.cache_type_v = StringOr(cfg, {"ctv"});
  o.swa_full = StringOr(cfg, {"swa_full"}) == "1";
  const uint32_t outputs = Number(cfg, "no");
  o.outputs =
      outputs == 0 ? Outputs{Outputs::Mode::kBatch, 0} : Outputs{Outputs::Mode::kCount, outputs};
  o.runtime_version = version;
  out.refused = row.Find("error") != nullptr;
  out.device_weights = Bytes(row, "MTL0", "model");
  out.device_context = Bytes(row, "MTL0", "context");
  out.device_compute = Bytes(row, "MTL0", "compute");
  out.host_weights = Bytes(row, "CPU", "model");
  out.host_compute = Bytes(row, "CPU", "compute");
  out.where = version + " " + out.model + " " + WriteJson(cfg);
  return out;
}

}  // namespace

void ForEachLine(const std::string& name, const std::function<void(const Json&)>& visit) {
  const std::string text = ReadAll("gzip -dc '" + kData + "rows/" + name + ".jsonl.gz'");
  size_t start = 0;
  for (size_t end; (end = text.find('\n', start)) != std::string::npos; start = end + 1) {
    const auto row = ParseJson(std::string_view(text).substr(start, end - start));
    if (!row) throw std::runtime_error(name + ": " + row.error().message());
    visit(*row);
  }
}

void ForEachRow(const std::string& name, const std::string& version,
                const std::function<void(const GroundTruthRow&)>& visit) {
  ForEachLine(name, [&](const Json& row) { visit(ParseRow(row, version)); });
}

std::string ReadModelHeader(const std::string& name) {
  return ReadAll("xz -dc '" + kData + "models/" + name + ".gguf.xz' 2>/dev/null");
}

namespace {

// One pass over the archive; members are plain files with 512-byte tar headers (ustar).
std::map<std::string, std::string> ReadArchitectures() {
  std::map<std::string, std::string> headers;
  const std::string tar = ReadAll("xz -dc '" + kData + "architectures.tar.xz'");
  for (size_t at = 0; at + 512 <= tar.size() && tar[at] != '\0';) {
    std::string name(tar.c_str() + at, strnlen(tar.c_str() + at, 100));
    const size_t size = std::stoul(std::string(tar, at + 124, 11), nullptr, 8);
    const size_t slash = name.rfind('/');
    if (slash != std::string::npos) name.erase(0, slash + 1);
    if (name.ends_with(".gguf")) {
      name.erase(name.size() - 5);
      headers.emplace(name, tar.substr(at + 512, size));
    }
    at += 512 + (size + 511) / 512 * 512;
  }
  return headers;
}

}  // namespace

const std::string& GroundTruthHeader(const std::string& name) {
  static std::map<std::string, std::string> headers;
  const auto found = headers.find(name);
  if (found != headers.end()) return found->second;
  std::string known = ReadModelHeader(name);
  if (known.empty()) {
    headers.merge(ReadArchitectures());
    return headers.at(name);
  }
  return headers.emplace(name, std::move(known)).first->second;
}

const ModelFile& GroundTruthModels::Get(const std::string& name) {
  const auto known = models_.find(name);
  if (known != models_.end()) return known->second;
  return models_.emplace(name, Describe(name, GroundTruthHeader(name))).first->second;
}

std::vector<std::string> GroundTruthModels::Names() const {
  std::vector<std::string> names;
  for (const auto& [name, model] : models_) names.push_back(name);
  return names;
}

}  // namespace headroom::estimator
