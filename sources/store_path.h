// Where a downloaded source lies in a node's store folder. Pure and deterministic:
//   STORE/huggingface.co/owner/repo/resolve/main/3f2a1c…/model-00001-of-00002.gguf
// Host and path are there for the reader; the digest over the whole URL keeps sources apart (query,
// case, characters a file system does not take). The parts of a split lie in one folder under their
// own names, as llama-server looks for them.
#pragma once

#include <string>
#include <vector>

#include "common/result.h"
#include "sources/source.h"

namespace headroom::sources {

struct StoreFile {
  Source part;  // what to fetch
  std::string path;
};

// All files of a kHttps source, the first one first; empty for other sources. `store` is a folder
// without a trailing slash.
std::vector<StoreFile> StoreFiles(const std::string& store, const Source& source);

}  // namespace headroom::sources
