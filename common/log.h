// logfmt lines on stderr: time=… level=info msg="model ready" model=default/llama seconds=1.2
// One process-wide level, set once in main; everything else is passed in.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>

#include "common/result.h"

namespace headroom {

enum class LogLevel { kDebug, kInfo, kWarn, kError };

Result<LogLevel> ParseLogLevel(std::string_view text);  // debug | info | warn | error
void SetLogLevel(LogLevel level);
bool IsLogged(LogLevel level);  // worth asking before a text that costs to make

// A key and its value already as text; numbers and booleans convert.
struct LogField {
  std::string_view key;
  std::string value;

  LogField(std::string_view k, std::string_view v) : key(k), value(v) {}
  LogField(std::string_view k, const std::string& v) : key(k), value(v) {}
  LogField(std::string_view k, const char* v) : key(k), value(v) {}
  LogField(std::string_view k, bool v) : key(k), value(v ? "true" : "false") {}
  LogField(std::string_view k, std::integral auto v) : key(k), value(std::to_string(v)) {}
  LogField(std::string_view k, std::floating_point auto v) : key(k), value(Number(v)) {}
  LogField(std::string_view k, const Error& e) : key(k), value(e.message()) {}

 private:
  static std::string Number(double value);
};

void Log(LogLevel level, std::string_view message, std::initializer_list<LogField> fields = {});
inline void LogDebug(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kDebug, m, f);
}
inline void LogInfo(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kInfo, m, f);
}
inline void LogWarn(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kWarn, m, f);
}
inline void LogError(std::string_view m, std::initializer_list<LogField> f = {}) {
  Log(LogLevel::kError, m, f);
}

// The line without a newline, for tests: values are quoted where they hold blanks, quotes, '=' or
// control characters.
std::string FormatLogLine(std::string_view time, LogLevel level, std::string_view message,
                          std::initializer_list<LogField> fields);

}  // namespace headroom
