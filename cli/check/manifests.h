// Manifests out of files, folders and standard input, with the line each begins on, for a check of
// a GitOps repository: what is none of ours is left out.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cli/check/check.h"

namespace headroom::cli {

// The first line of each document of YAML text that holds anything. Pure.
std::vector<int> DocumentLines(std::string_view text);

// Models, InferenceServices and Nodes of `text`. An error for text that does not parse, and for a
// manifest of ours that lacks its name.
Result<std::vector<Manifest>> ManifestsOf(std::string_view text, const std::string& file);

// `path` is a file, "-", or a folder, read with its subfolders in the order of names. In a folder a
// file that does not parse counts only if it speaks of our API group (templates are no YAML).
Result<std::vector<Manifest>> ReadManifestTree(const std::string& path);

}  // namespace headroom::cli
