#include "common/log.h"

#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>

#include "common/time.h"
#include "common/utf8.h"

namespace headroom {
namespace {

std::atomic<LogLevel> current_level = LogLevel::kInfo;

std::string_view Name(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return "debug";
    case LogLevel::kInfo: return "info";
    case LogLevel::kWarn: return "warn";
    case LogLevel::kError: return "error";
  }
  return "error";
}

bool NeedsQuotes(std::string_view value) {
  if (value.empty()) return true;
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte <= ' ' || byte == 0x7F || c == '"' || c == '=' || c == '\\') return true;
  }
  return !IsUtf8(value);
}

void AppendEscaped(std::string& out, char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (c == '"' || c == '\\') {
    out.append({'\\', c});
  } else if (c == '\n') {
    out += "\\n";
  } else if (c == '\r') {
    out += "\\r";
  } else if (c == '\t') {
    out += "\\t";
  } else if (byte < ' ' || byte == 0x7F) {
    char text[8];
    std::snprintf(text, sizeof text, "\\u%04x", byte);
    out += text;
  } else {
    out += c;
  }
}

void AppendField(std::string& line, std::string_view key, std::string_view value) {
  if (!line.empty()) line += ' ';
  line.append(key).append("=");
  if (!NeedsQuotes(value)) {
    line += value;
    return;
  }
  line += '"';
  for (const char c : ReplaceBadUtf8(value)) AppendEscaped(line, c);
  line += '"';
}

}  // namespace

Result<LogLevel> ParseLogLevel(std::string_view text) {
  for (LogLevel level : {LogLevel::kDebug, LogLevel::kInfo, LogLevel::kWarn, LogLevel::kError}) {
    if (text == Name(level)) return level;
  }
  return Error(Code::kInvalid,
               "expected debug, info, warn or error, got '" + std::string(text) + "'");
}

void SetLogLevel(LogLevel level) { current_level = level; }
bool IsLogged(LogLevel level) { return level >= current_level.load(); }

std::string LogField::Number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", value);
  return text;
}

std::string FormatLogLine(std::string_view time, LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields) {
  std::string line;
  AppendField(line, "time", time);
  AppendField(line, "level", Name(level));
  AppendField(line, "msg", message);
  for (const LogField& field : fields) AppendField(line, field.key, field.value);
  return line;
}

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields) {
  if (!IsLogged(level)) return;
  const std::string now = FormatRfc3339Micro(std::chrono::system_clock::now());
  const std::string line = FormatLogLine(now, level, message, fields) + "\n";
  // One write per line keeps lines of two threads apart. Nobody is left to tell if stderr is gone.
  while (::write(STDERR_FILENO, line.data(), line.size()) < 0 && errno == EINTR) {
  }
}

}  // namespace headroom
