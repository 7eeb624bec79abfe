#include "exporter/memory/linux_decode.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <initializer_list>
#include <optional>
#include <string>

#include "common/checked.h"

namespace headroom::exporter {
namespace {

constexpr uint64_t kKiB = 1024;

std::string_view NextLine(std::string_view& text) {
  const size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

std::string_view Trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

struct Field {
  std::string_view name;
  std::optional<uint64_t> value;
};

// Fills the wanted fields from "name<separator> number[ kB]" lines in one pass; a number that does
// not parse stays absent, and its user says so.
void ReadFields(std::string_view text, char separator, std::initializer_list<Field*> wanted) {
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    const size_t split = line.find(separator);
    if (split == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, split);
    const auto field = std::find_if(wanted.begin(), wanted.end(),
                                    [name](const Field* f) { return f->name == name; });
    if (field == wanted.end()) continue;
    const std::string_view rest = Trim(line.substr(split + 1));
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), number);
    if (error != std::errc()) continue;
    const bool kilobytes = std::string_view(end, rest.data() + rest.size() - end) == " kB";
    (*field)->value = kilobytes ? CheckedMul(number, kKiB) : std::optional(number);
  }
}

Error Missing(std::string_view file, const Field& field) {
  return Error(Code::kUnsupported, std::string(file) + ": expected a number for " +
                                       std::string(field.name) + ", found none");
}

uint64_t Sum(std::initializer_list<const Field*> fields) {
  uint64_t sum = 0;
  for (const Field* field : fields) sum += field->value.value_or(0);
  return sum;
}

void DecodeEvents(std::string_view vmstat, uint64_t page_size, MemorySample& sample) {
  Field in{"pgpgin", {}}, out{"pgpgout", {}}, swap_in{"pswpin", {}}, swap_out{"pswpout", {}},
      zswap_in{"zswpin", {}}, zswap_out{"zswpout", {}};
  ReadFields(vmstat, ' ', {&in, &out, &swap_in, &swap_out, &zswap_in, &zswap_out});
  // pgpgin and pgpgout count KiB in spite of their names, the others count pages.
  const uint64_t per_page = std::max<uint64_t>(page_size / kKiB, 1);
  if (in.value) sample.pageins = *in.value / per_page;
  if (out.value) sample.pageouts = *out.value / per_page;
  sample.swapins = swap_in.value;
  sample.swapouts = swap_out.value;
  sample.decompressions = zswap_in.value;
  sample.compressions = zswap_out.value;
}

// "avg10=12.34 ..." as a ratio. Two decimals always; from_chars(double) is not everywhere.
std::optional<double> Average(std::string_view line) {
  constexpr std::string_view kKey = "avg10=";
  const size_t at = line.find(kKey);
  if (at == std::string_view::npos) return std::nullopt;
  const char* const last = line.data() + line.size();
  unsigned whole = 0, hundredths = 0;
  const auto point = std::from_chars(line.data() + at + kKey.size(), last, whole);
  if (point.ec != std::errc() || point.ptr == last || *point.ptr != '.') return std::nullopt;
  const auto end = std::from_chars(point.ptr + 1, last, hundredths);
  if (end.ec != std::errc() || end.ptr != point.ptr + 3 || whole > 100) return std::nullopt;
  return (whole * 100.0 + hundredths) / 10000.0;
}

std::optional<MemoryStall> DecodeStall(std::string_view text) {
  std::optional<double> some, full;
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    if (line.starts_with("some ")) some = Average(line);
    if (line.starts_with("full ")) full = Average(line);
  }
  if (!some || !full) return std::nullopt;
  return MemoryStall{*some, *full};
}

struct Meminfo {
  Field total{"MemTotal", {}}, free{"MemFree", {}}, available{"MemAvailable", {}},
      buffers{"Buffers", {}}, cached{"Cached", {}}, shmem{"Shmem", {}}, anon{"AnonPages", {}},
      active{"Active", {}}, inactive{"Inactive", {}}, locked{"Unevictable", {}},
      slab_kept{"SUnreclaim", {}}, slab_freed{"SReclaimable", {}}, stacks{"KernelStack", {}},
      tables{"PageTables", {}}, percpu{"Percpu", {}}, huge{"Hugetlb", {}}, zswap{"Zswap", {}},
      zswapped{"Zswapped", {}}, swap_total{"SwapTotal", {}}, swap_free{"SwapFree", {}};
};

Meminfo ReadMeminfo(std::string_view text) {
  Meminfo m;
  ReadFields(text, ':', {&m.total,     &m.free,       &m.available, &m.buffers,    &m.cached,
                         &m.shmem,     &m.anon,       &m.active,    &m.inactive,   &m.locked,
                         &m.slab_kept, &m.slab_freed, &m.stacks,    &m.tables,     &m.percpu,
                         &m.huge,      &m.zswap,      &m.zswapped,  &m.swap_total, &m.swap_free});
  return m;
}

void DecodeSizes(const Meminfo& info, MemorySample& sample) {
  sample.free = std::min(*info.free.value, sample.total);
  sample.available = std::min(*info.available.value, sample.total);
  // Shared memory is counted as cached but has no file to go back to: it is anonymous in effect.
  sample.file_backed = SaturatingSub(Sum({&info.buffers, &info.cached}), Sum({&info.shmem}));
  sample.anonymous = Sum({&info.anon, &info.shmem});
  sample.reclaimable =
      std::min(sample.total, sample.free + *sample.file_backed + Sum({&info.slab_freed}));
  // As on macOS: what the kernel holds for itself, plus what programs locked.
  sample.wired =
      Sum({&info.locked, &info.slab_kept, &info.stacks, &info.tables, &info.percpu, &info.huge});
  sample.active = info.active.value;
  sample.inactive = info.inactive.value;
  sample.compressor = info.zswap.value;
  sample.compressor_uncompressed = info.zswapped.value;
  sample.swap_allocated = info.swap_total.value;
  if (info.swap_total.value && info.swap_free.value) {
    sample.swap_used = SaturatingSub(*info.swap_total.value, *info.swap_free.value);
  }
}

}  // namespace

Result<MemorySample> DecodeLinuxMemory(const LinuxMemoryText& text) {
  const Meminfo info = ReadMeminfo(text.meminfo);
  for (const Field* field : {&info.total, &info.free, &info.available}) {
    if (!field->value) return Missing("/proc/meminfo", *field);
  }
  if (*info.total.value == 0) return Error(Code::kInvalid, "/proc/meminfo: MemTotal is 0");

  MemorySample sample;
  sample.page_size = text.page_size;
  sample.total = *info.total.value;
  DecodeSizes(info, sample);
  DecodeEvents(text.vmstat, text.page_size, sample);
  sample.stall = DecodeStall(text.pressure);
  return sample;
}

Result<ProcessMemory> DecodeLinuxProcess(std::string_view status, std::string_view rollup) {
  Field rss{"VmRSS", {}}, peak{"VmHWM", {}}, locked{"VmLck", {}};
  ReadFields(status, ':', {&rss, &peak, &locked});
  // Kernel threads and zombies have no VmRSS line.
  if (!rss.value) return Error(Code::kNotFound, "status: the process has no memory of its own");
  ProcessMemory process;
  process.resident = *rss.value;
  process.footprint_peak = peak.value;
  process.wired = locked.value;
  Field pss{"Pss", {}}, swapped{"SwapPss", {}};
  ReadFields(rollup, ':', {&pss, &swapped});
  if (pss.value) process.footprint = *pss.value + swapped.value.value_or(0);
  return process;
}

std::string FirstValue(std::string_view text, std::string_view name, char separator) {
  while (!text.empty()) {
    const std::string_view line = NextLine(text);
    const size_t split = line.find(separator);
    if (split == std::string_view::npos || Trim(line.substr(0, split)) != name) continue;
    std::string_view value = Trim(line.substr(split + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') {
      value = value.substr(1, value.size() - 2);
    }
    return std::string(value);
  }
  return {};
}

}  // namespace headroom::exporter
