#include "cli/manifest_folder.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>
#include <iterator>

#include "common/ascii.h"
#include "common/files.h"
#include "common/yaml.h"

namespace headroom::cli {
namespace {

// Names become part of a file name, so nothing but what Kubernetes allows may pass.
bool IsDnsName(const std::string& text) {
  const auto ok = [](unsigned char c) {
    return std::islower(c) || std::isdigit(c) || c == '-' || c == '.';
  };
  return !text.empty() && text.size() <= 253 && text.front() != '.' && text.front() != '-' &&
         std::all_of(text.begin(), text.end(), ok);
}

// A label has no '.': the file name kind.namespace.name.yaml then means one object only.
bool IsDnsLabel(const std::string& text) {
  return IsDnsName(text) && text.size() <= 63 && text.find('.') == std::string::npos;
}

Result<void> Check(const Json& object) {
  const std::string kind = StringOr(object, {"kind"});
  if (kind != "Model" && kind != "InferenceService") {
    return Error(Code::kInvalid, "kind: expected Model or InferenceService, found '" + kind + "'");
  }
  const std::string name = StringOr(object, {"metadata", "name"});
  if (!IsDnsName(name)) {
    return Error(
        Code::kInvalid,
        "metadata.name: expected lower-case letters, digits, '-' and '.', found '" + name + "'");
  }
  const std::string ns = StringOr(object, {"metadata", "namespace"});
  if (!IsDnsLabel(ns)) {
    return Error(Code::kInvalid,
                 "metadata.namespace: expected at most 63 lower-case letters, digits and '-', "
                 "found '" +
                     ns + "'");
  }
  return {};
}

std::vector<Json> Flatten(std::vector<Json> documents) {
  std::vector<Json> objects;
  for (Json& document : documents) {
    const Json* items = document.Find("items");
    if (StringOr(document, {"kind"}) == "List" && items && items->AsArray()) {
      objects.insert(objects.end(), items->AsArray()->begin(), items->AsArray()->end());
    } else {
      objects.push_back(std::move(document));
    }
  }
  return objects;
}

}  // namespace

std::string NameOf(const Json& object) {
  return AsciiLower(StringOr(object, {"kind"})) + " " +
         StringOr(object, {"metadata", "namespace"}) + "/" + StringOr(object, {"metadata", "name"});
}

std::string ManifestFolder::PathOf(const Json& object) const {
  return path_ + "/" + AsciiLower(StringOr(object, {"kind"})) + "." +
         StringOr(object, {"metadata", "namespace"}) + "." +
         StringOr(object, {"metadata", "name"}) + ".yaml";
}

Result<std::optional<Json>> ManifestFolder::Find(const Json& object) const {
  const std::string path = PathOf(object);
  const auto text = ReadFile(path);
  if (!text) {
    if (text.error().code() == Code::kNotFound) return std::optional<Json>();
    return text.error();
  }
  auto documents = ParseYaml(*text, path);
  if (!documents) return documents.error();
  if (documents->size() != 1) return std::optional<Json>();
  return std::optional<Json>(std::move(documents->front()));
}

Result<void> ManifestFolder::Store(const Json& object) const {
  std::error_code failed;
  std::filesystem::create_directories(path_, failed);
  if (failed) return Error(Code::kIo, path_ + ": " + failed.message());
  return WriteFileAtomically(PathOf(object), WriteYaml(object));
}

Result<bool> ManifestFolder::Remove(const Json& object) const {
  std::error_code failed;
  const bool removed = std::filesystem::remove(PathOf(object), failed);
  if (failed) return Error(Code::kIo, PathOf(object) + ": " + failed.message());
  return removed;
}

Result<std::vector<Json>> ReadManifests(const std::string& file) {
  std::string text;
  if (file == "-") {
    text.assign(std::istreambuf_iterator<char>(std::cin), {});
  } else {
    auto read = ReadFile(file);
    if (!read) return read.error();
    text = std::move(read).value();
  }
  auto documents = ParseYaml(text, file);
  if (!documents) return documents.error();
  std::vector<Json> objects = Flatten(std::move(documents).value());
  if (objects.empty()) return Error(Code::kInvalid, file + ": no object in it");
  for (size_t i = 0; i < objects.size(); ++i) {
    const std::string where = file + ": object " + std::to_string(i + 1);
    if (!objects[i].IsObject()) return Error(Code::kInvalid, where + ": expected an object");
    Json& metadata = objects[i].Make({"metadata"});
    if (!metadata.Find("namespace")) metadata.Set("namespace", "default");
    if (const auto ok = Check(objects[i]); !ok) return ok.error().Within(where);
  }
  return objects;
}

}  // namespace headroom::cli
