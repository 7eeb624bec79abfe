#include <unistd.h>

#include <charconv>
#include <filesystem>
#include <string_view>

#include "common/files.h"
#include "net/process.h"

namespace headroom::net {

// /proc/PID/stat: "PID (NAME) STATE ..."; the name may hold blanks and parentheses, so fields are
// counted from its last ')'. State is field 3, the start time field 22.
std::optional<uint64_t> ProcessStartTime(pid_t pid) {
  const auto stat = ReadFile("/proc/" + std::to_string(pid) + "/stat", 64 << 10);
  if (!stat) return std::nullopt;
  const size_t name_end = stat->rfind(')');
  if (name_end == std::string::npos || name_end + 2 >= stat->size()) return std::nullopt;
  std::string_view rest = std::string_view(*stat).substr(name_end + 2);
  if (rest.front() == 'Z' || rest.front() == 'X') return std::nullopt;
  for (int field = 3; field < 22; ++field) {
    const size_t blank = rest.find(' ');
    if (blank == std::string_view::npos) return std::nullopt;
    rest.remove_prefix(blank + 1);
  }
  uint64_t ticks = 0;
  const auto [end, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), ticks);
  if (ec != std::errc()) return std::nullopt;
  return ticks;
}

std::vector<ProcessInGroup> FindByEnvironment(const std::string& entry) {
  constexpr size_t kMaxEnvironment = 4 << 20;  // the kernel's limit for arguments is 6 MiB in all
  const std::string needle = entry + '\0';
  std::vector<ProcessInGroup> found;
  std::error_code error;
  for (const auto& folder : std::filesystem::directory_iterator("/proc", error)) {
    const std::string name = folder.path().filename().string();
    pid_t pid = 0;
    const auto [end, ec] = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (ec != std::errc() || end != name.data() + name.size()) continue;
    const auto environment = ReadFile(folder.path().string() + "/environ", kMaxEnvironment);
    if (!environment) continue;  // another user's, or gone
    const bool first = environment->starts_with(needle);
    if (!first && environment->find('\0' + needle) == std::string::npos) continue;
    if (ProcessStartTime(pid)) found.push_back({pid, ::getpgid(pid)});
  }
  return found;
}

}  // namespace headroom::net
