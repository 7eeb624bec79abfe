#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <utility>

#include "exporter/memory/linux_decode.h"
#include "exporter/memory/provider.h"

namespace headroom::exporter {
namespace {

// Each file is read by one read(2): the kernel makes the text at that moment, so two reads could
// show two states. 16 KiB is three times the largest (/proc/vmstat of a 6.x kernel: 5 KiB).
using Buffer = std::array<char, 16 << 10>;

Result<std::string_view> ReadOnce(const std::string& path, Buffer& buffer) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  ssize_t size = -1;
  if (file >= 0) size = ::read(file, buffer.data(), buffer.size());
  const int error = errno;
  if (file >= 0) ::close(file);
  if (size >= 0) return std::string_view(buffer.data(), static_cast<size_t>(size));
  const bool gone = error == ENOENT || error == ESRCH;
  const bool denied = error == EACCES || error == EPERM;
  return Error(gone     ? Code::kNotFound
               : denied ? Code::kUnauthorized
                        : Code::kIo,
               path + ": " + std::strerror(error));
}

class LinuxProvider final : public MemoryProvider {
 public:
  explicit LinuxProvider(std::string root)
      : root_(std::move(root)), page_size_(static_cast<uint64_t>(::sysconf(_SC_PAGESIZE))) {}

  Result<MemorySample> Sample() override {
    const auto meminfo = ReadOnce(root_ + "/proc/meminfo", meminfo_);
    if (!meminfo) return meminfo.error();
    const auto vmstat = ReadOnce(root_ + "/proc/vmstat", vmstat_);
    const auto pressure = ReadOnce(root_ + "/proc/pressure/memory", pressure_);
    auto sample = DecodeLinuxMemory({.meminfo = *meminfo,
                                     .vmstat = vmstat ? *vmstat : std::string_view(),
                                     .pressure = pressure ? *pressure : std::string_view(),
                                     .page_size = page_size_});
    if (sample) sample->taken_at = std::chrono::system_clock::now();
    return sample;
  }

  Result<ProcessMemory> SampleProcess(pid_t pid) override {
    const std::string folder = root_ + "/proc/" + std::to_string(pid);
    const auto status = ReadOnce(folder + "/status", meminfo_);
    if (!status) return status.error();
    const auto rollup = ReadOnce(folder + "/smaps_rollup", vmstat_);
    auto process = DecodeLinuxProcess(*status, rollup ? *rollup : std::string_view());
    if (!process) return process.error().Within(folder);
    return process;
  }

  HostInfo Host() override {
    HostInfo host;
    host.page_size = page_size_;
    struct utsname names;
    if (::uname(&names) == 0) host.system = names.sysname;
    if (const auto text = ReadOnce(root_ + "/etc/os-release", meminfo_)) {
      host.os_version = FirstValue(*text, "PRETTY_NAME", '=');
    }
    if (const auto text = ReadOnce(root_ + "/proc/cpuinfo", meminfo_)) {
      host.chip = FirstValue(*text, "model name", ':');
    }
    if (const auto text = ReadOnce(root_ + "/sys/class/dmi/id/product_name", meminfo_)) {
      host.model = text->substr(0, text->find('\n'));
    }
    return host;
  }

 private:
  const std::string root_;
  const uint64_t page_size_;
  Buffer meminfo_, vmstat_, pressure_;
};

}  // namespace

std::unique_ptr<MemoryProvider> MakeMemoryProvider(std::string root) {
  return std::make_unique<LinuxProvider>(std::move(root));
}

}  // namespace headroom::exporter
