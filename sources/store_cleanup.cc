#include "sources/store_cleanup.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <map>

namespace headroom::sources {
namespace {

namespace fs = std::filesystem;

WallTime ModifiedAt(const struct stat& info) {
  return std::chrono::system_clock::from_time_t(info.st_mtime);
}

}  // namespace

CleanupPlan PlanCleanup(std::vector<StoreEntry> entries, const std::set<std::string>& in_use,
                        uint64_t limit, uint64_t coming) {
  CleanupPlan plan;
  for (const StoreEntry& entry : entries) plan.bytes_after += entry.bytes;
  const auto fits = [&](uint64_t bytes) { return coming <= limit && bytes <= limit - coming; };
  std::erase_if(entries, [&](const StoreEntry& entry) { return in_use.count(entry.folder) > 0; });
  std::sort(entries.begin(), entries.end(), [](const StoreEntry& a, const StoreEntry& b) {
    return a.used != b.used ? a.used < b.used : a.folder < b.folder;
  });
  const uint64_t before = plan.bytes_after;
  for (const StoreEntry& entry : entries) {
    if (fits(plan.bytes_after)) break;
    plan.bytes_after -= entry.bytes;
    plan.remove.push_back(entry.folder);
  }
  plan.enough = fits(plan.bytes_after);
  if (!plan.enough) {
    plan.remove.clear();
    plan.bytes_after = before;
  }
  return plan;
}

std::vector<StoreEntry> ScanStore(const std::string& store) {
  std::map<std::string, StoreEntry> folders;
  std::error_code error;
  for (fs::recursive_directory_iterator it(store, error), end; !error && it != end;
       it.increment(error)) {
    struct stat info {};
    if (::lstat(it->path().c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
    StoreEntry& entry = folders[it->path().parent_path().string()];
    entry.bytes += static_cast<uint64_t>(info.st_size);
    entry.used = std::max(entry.used, ModifiedAt(info));
  }
  std::vector<StoreEntry> entries;
  for (auto& [folder, entry] : folders) {
    entry.folder = folder;
    entries.push_back(std::move(entry));
  }
  return entries;
}

Result<void> RemoveFromStore(const std::string& store, const std::string& folder) {
  std::error_code error;
  fs::remove_all(folder, error);
  if (error) return Error(Code::kIo, folder + ": " + error.message());
  for (fs::path above = fs::path(folder).parent_path();
       above.string().size() > store.size() && above.string().starts_with(store);
       above = above.parent_path()) {
    if (!fs::remove(above, error)) break;  // not empty
  }
  return {};
}

void MarkUsed(const std::string& path) {
  // The record, not the model: its time belongs to what is known of the file itself.
  ::utimensat(AT_FDCWD, (path + ".json").c_str(), nullptr, 0);
}

}  // namespace headroom::sources
