#include "common/flags.h"

#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace headroom {
namespace {

Error Expected(std::string_view what, std::string_view got) {
  return Error(Code::kInvalid,
               "expected " + std::string(what) + ", got '" + std::string(got) + "'");
}

Result<void> SetBool(bool& target, std::string_view text) {
  if (text != "true" && text != "false") return Expected("true or false", text);
  target = text == "true";
  return {};
}

Result<void> SetInt(int& target, std::string_view text) {
  const char* end = text.data() + text.size();
  int value = 0;
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return Expected("an integer", text);
  target = value;
  return {};
}

Result<void> SetDouble(double& target, std::string_view text) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  // strtod also takes blanks, "inf", "nan" and hexadecimal; people do not mean those.
  const bool plain = text.find_first_not_of("0123456789+-.eE") == std::string_view::npos;
  if (text.empty() || !plain || end != copy.c_str() + copy.size() || !std::isfinite(value)) {
    return Expected("a number", text);
  }
  target = value;
  return {};
}

std::string NumberText(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string DurationText(std::chrono::milliseconds value) {
  const auto count = value.count();
  if (count == 0 || count % 1000 != 0) return std::to_string(count) + "ms";
  if (count % 3'600'000 == 0) return std::to_string(count / 3'600'000) + "h";
  if (count % 60'000 == 0) return std::to_string(count / 60'000) + "m";
  return std::to_string(count / 1000) + "s";
}

std::string Joined(const std::vector<std::string>& items) {
  std::string text;
  for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
  return text;
}

}  // namespace

Flags::Flags(std::string program, std::string usage)
    : program_(std::move(program)), usage_(std::move(usage)) {}

void Flags::Register(Flag flag) {
  const size_t comma = flag.name.find(',');
  if (comma != std::string::npos) {
    flag.letter = flag.name.at(comma + 1);
    flag.name.resize(comma);
  }
  flags_.push_back(std::move(flag));
}

void Flags::Add(std::string_view name, std::string& target, std::string_view value_name,
                std::string_view help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    target = text;
    return {};
  };
  Add(name, value_name, help, std::string(target), set);
}

void Flags::Add(std::string_view name, std::vector<std::string>& target,
                std::string_view value_name, std::string_view help) {
  Flag flag;
  static_cast<Info&>(flag) = {.name = std::string(name),
                              .value_name = std::string(value_name),
                              .help = std::string(help),
                              .default_text = Joined(target),
                              .is_list = true};
  flag.set = [&target](std::string_view text) -> Result<void> {
    target.emplace_back(text);
    return {};
  };
  flag.clear = [&target] { target.clear(); };
  Register(std::move(flag));
}

void Flags::Add(std::string_view name, bool& target, std::string_view help) {
  Flag flag;
  static_cast<Info&>(flag) = {.name = std::string(name),
                              .value_name = {},
                              .help = std::string(help),
                              .default_text = target ? "on" : "",
                              .is_switch = true};
  flag.set = [&target](std::string_view text) { return SetBool(target, text); };
  Register(std::move(flag));
}

void Flags::Add(std::string_view name, int& target, std::string_view value_name,
                std::string_view help) {
  Add(name, value_name, help, std::to_string(target),
      [&target](std::string_view text) { return SetInt(target, text); });
}

void Flags::Add(std::string_view name, double& target, std::string_view value_name,
                std::string_view help) {
  Add(name, value_name, help, NumberText(target),
      [&target](std::string_view text) { return SetDouble(target, text); });
}

void Flags::Add(std::string_view name, std::chrono::milliseconds& target, std::string_view help) {
  const auto set = [&target](std::string_view text) -> Result<void> {
    const auto value = ParseDuration(text);
    if (!value) return value.error();
    target = *value;
    return {};
  };
  Add(name, "DURATION", help, DurationText(target), set);
}

void Flags::Add(std::string_view name, std::string_view value_name, std::string_view help,
                std::string_view default_text,
                std::function<Result<void>(std::string_view)> parse) {
  Flag flag;
  static_cast<Info&>(flag) = {.name = std::string(name),
                              .value_name = std::string(value_name),
                              .help = std::string(help),
                              .default_text = std::string(default_text)};
  flag.set = std::move(parse);
  Register(std::move(flag));
}

}  // namespace headroom
