#include <libproc.h>
#include <sys/proc.h>
#include <sys/proc_info.h>

#include "net/process.h"

namespace headroom::net {

std::optional<uint64_t> ProcessStartTime(pid_t pid) {
  proc_bsdinfo info{};
  const int size = static_cast<int>(sizeof info);
  if (proc_pidinfo(pid, PROC_PIDTBSDINFO, 0, &info, size) != size) return std::nullopt;
  if (info.pbi_status == SZOMB) return std::nullopt;
  return info.pbi_start_tvsec * 1'000'000 + info.pbi_start_tvusec;
}

}  // namespace headroom::net
