// System calls only; what they mean is in darwin_decode.cc.
#include <libproc.h>
#include <mach/mach.h>
#include <mach/mach_host.h>
#include <mach/vm_page_size.h>
#include <sys/sysctl.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "exporter/memory/darwin_decode.h"
#include "exporter/memory/provider.h"

namespace headroom::exporter {
namespace {

static_assert(sizeof(vm_statistics64_data_t) >= sizeof(VmStatistics64));
static_assert(offsetof(vm_statistics64_data_t, speculative_count) ==
              offsetof(VmStatistics64, speculative_count));
static_assert(offsetof(vm_statistics64_data_t, total_uncompressed_pages_in_compressor) ==
              offsetof(VmStatistics64, total_uncompressed_pages_in_compressor));
static_assert(sizeof(struct xsw_usage) == sizeof(SwapUsage));
static_assert(sizeof(struct rusage_info_v4) == sizeof(RusageInfoV4));
static_assert(offsetof(struct rusage_info_v4, ri_phys_footprint) ==
              offsetof(RusageInfoV4, phys_footprint));
static_assert(offsetof(struct rusage_info_v4, ri_lifetime_max_phys_footprint) ==
              offsetof(RusageInfoV4, lifetime_max_phys_footprint));

// An integer sysctl of 4 or 8 bytes, whichever this macOS has. T is signed for int sysctls.
template <class T>
std::optional<T> Integer(const char* name) {
  std::array<unsigned char, 8> bytes{};
  size_t size = bytes.size();
  if (::sysctlbyname(name, bytes.data(), &size, nullptr, 0) != 0) return std::nullopt;
  if (size == sizeof(int32_t)) {
    int32_t value;
    std::memcpy(&value, bytes.data(), sizeof value);
    return static_cast<T>(value);
  }
  if (size != sizeof(T)) return std::nullopt;
  T value;
  std::memcpy(&value, bytes.data(), sizeof value);
  return value;
}

std::string Text(const char* name) {
  std::array<char, 256> text{};
  size_t size = text.size() - 1;
  if (::sysctlbyname(name, text.data(), &size, nullptr, 0) != 0) return {};
  return std::string(text.data());
}

std::optional<SwapUsage> Swap() {
  SwapUsage swap{};
  size_t size = sizeof swap;
  if (::sysctlbyname("vm.swapusage", &swap, &size, nullptr, 0) != 0) return std::nullopt;
  if (size != sizeof swap) return std::nullopt;
  return swap;
}

void ReadSysctls(DarwinReading& reading) {
  reading.memsize = Integer<uint64_t>("hw.memsize");
  reading.memsize_usable = Integer<uint64_t>("hw.memsize_usable");
  reading.pressure_level = Integer<int64_t>("kern.memorystatus_vm_pressure_level");
  reading.memorystatus_level = Integer<int64_t>("kern.memorystatus_level");
  reading.user_wire_limit = Integer<uint64_t>("vm.global_user_wire_limit");
  reading.swap = Swap();
  reading.wired_limit_mb = Integer<int64_t>("iogpu.wired_limit_mb");
  if (!reading.wired_limit_mb) {
    reading.wired_limit_bytes = Integer<int64_t>("debug.iogpu.wired_limit");
  }
  reading.wired_lwm_mb = Integer<int64_t>("iogpu.wired_lwm_mb");
  reading.dynamic_lwm = Integer<int64_t>("iogpu.dynamic_lwm");
  reading.collector_disabled = Integer<int64_t>("iogpu.disable_wired_collector");
}

class DarwinProvider final : public MemoryProvider {
 public:
  // mach_host_self() adds a port reference each time it is called: once, and kept.
  DarwinProvider() : host_(::mach_host_self()) {}

  Result<MemorySample> Sample() override {
    vm_statistics64_data_t vm{};
    mach_msg_type_number_t words = HOST_VM_INFO64_COUNT;
    const kern_return_t status =
        ::host_statistics64(host_, HOST_VM_INFO64, reinterpret_cast<host_info64_t>(&vm), &words);
    if (status != KERN_SUCCESS) {
      return Error(Code::kIo, std::string("host_statistics64: ") + ::mach_error_string(status));
    }
    DarwinReading reading;
    std::memcpy(&reading.vm, &vm, sizeof reading.vm);
    reading.vm_words = words;
    reading.page_size = vm_kernel_page_size;
    ReadSysctls(reading);
    auto sample = DecodeDarwinMemory(reading);
    if (sample) sample->taken_at = std::chrono::system_clock::now();
    return sample;
  }

  Result<ProcessMemory> SampleProcess(pid_t pid) override {
    RusageInfoV4 usage{};
    if (::proc_pid_rusage(pid, RUSAGE_INFO_V4, reinterpret_cast<rusage_info_t*>(&usage)) != 0) {
      const Code code = errno == ESRCH   ? Code::kNotFound
                        : errno == EPERM ? Code::kUnauthorized
                                         : Code::kIo;
      return Error(code, "process " + std::to_string(pid) + ": " + std::strerror(errno));
    }
    return DecodeDarwinProcess(usage);
  }

  HostInfo Host() override {
    return {.system = "Darwin",
            .model = Text("hw.model"),
            .chip = Text("machdep.cpu.brand_string"),
            .os_version = Text("kern.osproductversion"),
            .page_size = vm_kernel_page_size};
  }

 private:
  const mach_port_t host_;
};

}  // namespace

std::unique_ptr<MemoryProvider> MakeMemoryProvider(std::string) {
  return std::make_unique<DarwinProvider>();
}

}  // namespace headroom::exporter
