#include "exporter/models/child_log.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "common/files.h"

namespace headroom::exporter {
namespace {

// The end of a file, from the first whole line on where there is one.
std::string End(const std::string& path, std::streamoff bytes) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) return "";
  const std::streamoff size = file.tellg();
  const std::streamoff kept = std::min(size, bytes);
  std::string text(static_cast<size_t>(kept), '\0');
  file.seekg(size - kept);
  file.read(text.data(), kept);
  text.resize(static_cast<size_t>(file.gcount()));
  const size_t line = text.find('\n') + 1;  // 0 where there is none
  if (size > kept && line < text.size()) text.erase(0, line);
  return text;
}

}  // namespace

Result<void> RotateLog(const std::string& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  if (error || size <= kMaxLogBytes) return {};
  const auto kept = WriteFileAtomically(path + ".1", End(path, kKeptLogBytes), 0644);
  std::filesystem::resize_file(path, 0, error);
  if (error) return Error(Code::kIo, path + ": " + error.message());
  return kept;
}

std::string LogTail(const std::string& path) {
  std::string text = End(path, 600);
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text;
}

}  // namespace headroom::exporter
