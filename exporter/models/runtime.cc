#include "exporter/models/runtime.h"

#include <algorithm>
#include <array>

namespace headroom::exporter {
namespace {

constexpr std::array<std::string_view, 4> kIndispensable = {"--model", "--ctx-size", "--host",
                                                            "--port"};

bool IsBlank(char c) { return c == ' ' || c == '\t'; }

// One line of help names its arguments from the first column on, separated by commas and padding:
// "-c,    --ctx-size N    size of the prompt context". The names end at the first word that is no
// argument (the value's name or the description).
void AddFlagsOfLine(std::string_view line, std::set<std::string, std::less<>>& flags) {
  while (line.size() > 1 && line.front() == '-' && !IsBlank(line[1])) {
    const size_t end = std::min(line.find_first_of(" \t,="), line.size());
    flags.emplace(line.substr(0, end));
    if (end == line.size() || line[end] != ',') return;
    line.remove_prefix(end + 1);
    while (!line.empty() && IsBlank(line.front())) line.remove_prefix(1);
  }
}

std::string_view FirstLine(std::string_view text) { return text.substr(0, text.find('\n')); }

}  // namespace

Result<std::string> ParseRuntimeVersion(std::string_view text) {
  constexpr std::string_view kKey = "version: ";
  // The line may follow warnings of the back ends.
  for (size_t at = 0; at < text.size();) {
    const std::string_view line = FirstLine(text.substr(at));
    if (line.substr(0, kKey.size()) == kKey) {
      const std::string_view value = line.substr(kKey.size());
      const std::string_view version = value.substr(0, value.find_first_of(" \t\r"));
      if (!version.empty()) return std::string(version);
    }
    at += line.size() + 1;
  }
  return Error(Code::kUnsupported, "--version: expected a line 'version: …', got '" +
                                       std::string(FirstLine(text).substr(0, 120)) + "'");
}

Result<std::set<std::string, std::less<>>> ParseRuntimeFlags(std::string_view help) {
  std::set<std::string, std::less<>> flags;
  while (!help.empty()) {
    const std::string_view line = FirstLine(help);
    if (line.substr(0, 5) != "-----") AddFlagsOfLine(line, flags);  // a section title
    help.remove_prefix(std::min(line.size() + 1, help.size()));
  }
  for (const std::string_view flag : kIndispensable) {
    if (flags.find(flag) == flags.end()) {
      return Error(Code::kUnsupported, "--help names no argument " + std::string(flag) +
                                           "; expected llama.cpp's llama-server");
    }
  }
  return flags;
}

}  // namespace headroom::exporter
