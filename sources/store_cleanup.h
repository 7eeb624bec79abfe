// Keeping the store of downloaded models below a size: what was used longest ago goes first, and
// nothing that is in use ever goes. The unit is the folder of one source (store_path.h): the parts
// of a split, their records and what is left of a download that nobody goes on with.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/result.h"
#include "common/time.h"

namespace headroom::sources {

struct StoreEntry {
  std::string folder;  // absolute
  uint64_t bytes = 0;  // of all files in it
  WallTime used{};     // last MarkUsed(), else the newest file
};

struct CleanupPlan {
  std::vector<std::string> remove;  // folders, oldest first
  uint64_t bytes_after = 0;         // of what stays, without what is to come
  bool enough = false;              // the rest and what is to come are within the limit
};

// `in_use` are folders that stay; `coming` are the bytes of what is to be fetched now. Removes
// nothing when that could not make room enough: files would be lost for nothing. Pure.
CleanupPlan PlanCleanup(std::vector<StoreEntry> entries, const std::set<std::string>& in_use,
                        uint64_t limit, uint64_t coming);

// What lies in the store. Blocks: for the worker thread.
std::vector<StoreEntry> ScanStore(const std::string& store);
// Removes one folder of the store and those above it that are empty by that. Blocks.
Result<void> RemoveFromStore(const std::string& store, const std::string& folder);
// Remembers that the file at `path` (its final name) is used now.
void MarkUsed(const std::string& path);

}  // namespace headroom::sources
