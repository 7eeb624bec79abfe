#include <libproc.h>
#include <sys/proc.h>
#include <sys/proc_info.h>
#include <sys/sysctl.h>
#include <unistd.h>

#include <string_view>
#include <vector>

#include "net/process.h"

namespace headroom::net {

std::optional<uint64_t> ProcessStartTime(pid_t pid) {
  proc_bsdinfo info{};
  const int size = static_cast<int>(sizeof info);
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, size) != size) return std::nullopt;
  if (info.pbi_status == SZOMB) return std::nullopt;
  return info.pbi_start_tvsec * 1'000'000 + info.pbi_start_tvusec;
}

std::vector<ProcessInGroup> FindByEnvironment(const std::string& entry) {
  // KERN_PROCARGS2: argc, the path, then arguments and environment, each ended by a zero.
  const std::string needle = '\0' + entry + '\0';
  std::vector<ProcessInGroup> found;
  const int bytes = proc_listpids(PROC_UID_ONLY, ::getuid(), nullptr, 0);
  if (bytes <= 0) return found;
  // As many again may have been started meanwhile.
  std::vector<pid_t> pids(2 * static_cast<size_t>(bytes) / sizeof(pid_t));
  const int filled = proc_listpids(PROC_UID_ONLY, ::getuid(), pids.data(),
                                   static_cast<int>(pids.size() * sizeof(pid_t)));
  pids.resize(filled > 0 ? static_cast<size_t>(filled) / sizeof(pid_t) : 0);
  std::vector<char> text(1 << 20);  // ARG_MAX
  for (const pid_t pid : pids) {
    int name[] = {CTL_KERN, KERN_PROCARGS2, pid};
    size_t size = text.size();
    if (pid <= 0 || sysctl(name, 3, text.data(), &size, nullptr, 0) != 0) continue;
    if (std::string_view(text.data(), size).find(needle) == std::string_view::npos) continue;
    if (ProcessStartTime(pid)) found.push_back({pid, ::getpgid(pid)});
  }
  return found;
}

}  // namespace headroom::net
