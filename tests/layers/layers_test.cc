// Folders include only folders below them, and no source file grows beyond what one can review.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Folders = std::set<std::string>;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int kMaxLines = 400;

const std::map<std::string, Folders> kMayInclude = {
    {"common", {}},
    {"estimator", {"common"}},
    {"net", {"common"}},
    {"certs", {"common"}},
    {"sources", {"net", "estimator", "common"}},
    {"kube", {"net", "estimator", "common"}},
    {"admission", {"kube", "estimator", "common"}},
    {"exporter", {"kube", "sources", "certs", "net", "estimator", "common"}},
    {"webhook", {"admission", "kube", "sources", "certs", "net", "estimator", "common"}},
    {"cli", {"admission", "kube", "sources", "certs", "net", "estimator", "common"}},
};

std::string FirstPart(const std::string& path) { return path.substr(0, path.find('/')); }

// The path of `#include "path"`.
std::optional<std::string> IncludedPath(const std::string& line) {
  const size_t hash = line.find_first_not_of(" \t");
  if (hash == std::string::npos || line[hash] != '#') return std::nullopt;
  const size_t word = line.find_first_not_of(" \t", hash + 1);
  if (word == std::string::npos || line.compare(word, 7, "include") != 0) return std::nullopt;
  const size_t open = line.find('"', word);
  const size_t close = open == std::string::npos ? open : line.find('"', open + 1);
  if (close == std::string::npos) return std::nullopt;
  return line.substr(open + 1, close - open - 1);
}

// What is wrong with one file; `path` is relative to the repository.
std::vector<std::string> Violations(const std::string& path, const std::vector<std::string>& text) {
  std::vector<std::string> found;
  const std::string folder = FirstPart(path);
  const auto layer = kMayInclude.find(folder);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto included = IncludedPath(text[i]);
    if (!included || layer == kMayInclude.end()) continue;
    const std::string where = path + ":" + std::to_string(i + 1) + ": ";
    const std::string target = FirstPart(*included);
    if (target == "tests") found.push_back(where + "includes test code: " + *included);
    if (included->find('/') == std::string::npos || included->find("..") == 0) {
      found.push_back(where + "not named from the repository root: " + *included);
    }
    const bool ours = kMayInclude.count(target) > 0 && target != folder;
    if (ours && layer->second.count(target) == 0) {
      found.push_back(where + folder + " may not include " + *included);
    }
  }
  if (text.size() > kMaxLines) {
    found.push_back(path + ": " + std::to_string(text.size()) + " lines, the cap is " +
                    std::to_string(kMaxLines));
  }
  return found;
}

std::vector<std::string> Lines(const fs::path& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

bool IsSource(const fs::path& path) {
  const std::string extension = path.extension().string();
  return extension == ".h" || extension == ".cc";
}

std::vector<fs::path> SourcesBelow(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file() && IsSource(entry.path())) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

TEST(Layers, TreeKeepsToTheTable) {
  std::vector<std::string> folders = {"tests"};
  for (const auto& [folder, below] : kMayInclude) folders.push_back(folder);
  size_t checked = 0;
  for (const std::string& folder : folders) {
    for (const fs::path& file : SourcesBelow(fs::path(HEADROOM_SOURCE) / folder)) {
      const std::string path = fs::relative(file, HEADROOM_SOURCE).generic_string();
      EXPECT_THAT(Violations(path, Lines(file)), IsEmpty());
      ++checked;
    }
  }
  EXPECT_GT(checked, 40u) << "the tree was not found below " << HEADROOM_SOURCE;
}

TEST(Layers, TableHasNoCycle) {
  for (const auto& [folder, below] : kMayInclude) {
    for (const std::string& lower : below) {
      EXPECT_EQ(kMayInclude.at(lower).count(folder), 0u) << folder << " <-> " << lower;
    }
  }
}

TEST(Layers, CatchesViolations) {
  EXPECT_THAT(Violations("common/a.cc", {"#pragma once", "#include \"net/http.h\""}),
              ElementsAre("common/a.cc:2: common may not include net/http.h"));
  EXPECT_THAT(Violations("webhook/a.cc", {"#  include  \"cli/b.h\""}),
              ElementsAre("webhook/a.cc:1: webhook may not include cli/b.h"));
  EXPECT_THAT(Violations("kube/x/a.h", {"#include \"sources/b.h\""}),
              ElementsAre("kube/x/a.h:1: kube may not include sources/b.h"));
  EXPECT_THAT(Violations("net/a.cc", {"#include \"http.h\""}),
              ElementsAre("net/a.cc:1: not named from the repository root: http.h"));
  EXPECT_THAT(Violations("net/a.cc", {"#include \"tests/net/fake.h\""}),
              ElementsAre("net/a.cc:1: includes test code: tests/net/fake.h"));
  EXPECT_THAT(Violations("net/a.cc", std::vector<std::string>(401)),
              ElementsAre("net/a.cc: 401 lines, the cap is 400"));
}

TEST(Layers, AllowsWhatTheTableAllows) {
  EXPECT_THAT(Violations("kube/a.cc", {"#include \"net/http.h\"", "#include \"kube/b.h\"",
                                       "#include <yaml-cpp/yaml.h>", "// #include \"cli/b.h\"",
                                       "#include \"common/json.h\""}),
              IsEmpty());
  EXPECT_THAT(Violations("tests/net/a.cc", {"#include \"cli/b.h\""}), IsEmpty());
  EXPECT_THAT(Violations("net/a.cc", std::vector<std::string>(400)), IsEmpty());
}

}  // namespace
