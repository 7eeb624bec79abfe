#include "cli/check/manifests.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "common/files.h"
#include "common/yaml.h"

namespace headroom::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kGroup = "inference.llmkube.dev";

bool IsOurKind(const Json& object) {
  const std::string kind = StringOr(object, {"kind"});
  if (kind == "Node") return true;
  // "apiVersion" left out is a person's shorthand for a file of ours.
  const std::string api = StringOr(object, {"apiVersion"}, kGroup);
  return (kind == "Model" || kind == "InferenceService") && api.starts_with(kGroup);
}

Result<void> Add(std::vector<Manifest>& out, Json object, const std::string& file, int line) {
  if (!IsOurKind(object)) return {};
  const std::string where = file + ":" + std::to_string(line) + ": ";
  if (StringOr(object, {"metadata", "name"}).empty()) {
    return Error(Code::kInvalid, where + StringOr(object, {"kind"}) + ": metadata.name is missing");
  }
  if (StringOr(object, {"kind"}) != "Node") {
    Json& metadata = object.Make({"metadata"});
    if (StringOr(metadata, {"namespace"}).empty()) metadata.Set("namespace", "default");
  }
  out.push_back({std::move(object), file, line});
  return {};
}

Result<std::string> ReadText(const std::string& path) {
  if (path != "-") return ReadFile(path);
  return std::string(std::istreambuf_iterator<char>(std::cin), {});
}

Result<std::vector<std::string>> FilesBelow(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code failed;
  for (fs::recursive_directory_iterator it(folder, failed), end; it != end && !failed;
       it.increment(failed)) {
    const std::string extension = it->path().extension().string();
    const bool hidden = it->path().filename().string().starts_with('.');
    if (hidden && it->is_directory(failed)) it.disable_recursion_pending();
    if (hidden || !it->is_regular_file(failed)) continue;
    if (extension == ".yaml" || extension == ".yml" || extension == ".json") {
      files.push_back(it->path().string());
    }
  }
  if (failed) return Error(Code::kIo, folder + ": " + failed.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

std::vector<int> DocumentLines(std::string_view text) {
  std::vector<int> lines;
  bool open = false;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const bool separator = line == "---" || line.starts_with("--- ") || line.starts_with("---\r");
    if (separator || line.starts_with("...")) {
      open = false;
      continue;
    }
    const size_t first = line.find_first_not_of(" \t\r");
    const bool blank = first == std::string_view::npos || line[first] == '#' || line[0] == '%';
    if (open || blank) continue;
    lines.push_back(number);
    open = true;
  }
  return lines;
}

Result<std::vector<Manifest>> ManifestsOf(std::string_view text, const std::string& file) {
  auto documents = ParseYaml(text, file);
  if (!documents) return documents.error();
  const auto lines = DocumentLines(text);
  std::vector<Manifest> out;
  for (size_t i = 0; i < documents->size(); ++i) {
    const int line = i < lines.size() ? lines[i] : 1;
    const Json* items = (*documents)[i].Find("items");
    if (items == nullptr || items->AsArray() == nullptr) {
      auto added = Add(out, std::move((*documents)[i]), file, line);
      if (!added) return added.error();
      continue;
    }
    for (const Json& item : *items->AsArray()) {
      if (auto added = Add(out, item, file, line); !added) return added.error();
    }
  }
  return out;
}

Result<std::vector<Manifest>> ReadManifestTree(const std::string& path) {
  std::error_code error;
  const bool folder = path != "-" && fs::is_directory(path, error);
  std::vector<std::string> files{path};
  if (folder) {
    auto below = FilesBelow(path);
    if (!below) return below.error();
    files = std::move(*below);
  }
  std::vector<Manifest> out;
  for (const std::string& file : files) {
    const auto text = ReadText(file);
    if (!text) return text.error();
    auto manifests = ManifestsOf(*text, file == "-" ? "stdin" : file);
    if (!manifests && folder && text->find(kGroup) == std::string::npos) continue;
    if (!manifests) return manifests.error();
    out.insert(out.end(), std::make_move_iterator(manifests->begin()),
               std::make_move_iterator(manifests->end()));
  }
  return out;
}

}  // namespace headroom::cli
