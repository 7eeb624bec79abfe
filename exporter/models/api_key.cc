#include "exporter/models/api_key.h"

#include <string_view>

namespace headroom::exporter {
namespace {

// Value of "--flag VALUE" or "--flag=VALUE", the last one; "" if there is none.
std::string LastValue(const std::vector<std::string>& args, std::string_view flag) {
  std::string value;
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view arg = args[i];
    if (!arg.starts_with(flag)) continue;
    if (arg.size() == flag.size() && i + 1 < args.size()) value = args[i + 1];
    if (arg.size() > flag.size() && arg[flag.size()] == '=') value = arg.substr(flag.size() + 1);
  }
  return value;
}

// The first of a list, without what surrounds it.
std::string FirstOf(std::string_view text, std::string_view separators) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return "";
  text = text.substr(begin);
  text = text.substr(0, text.find_first_of(separators));
  return std::string(text.substr(0, text.find_last_not_of(kBlank) + 1));
}

}  // namespace

std::string ApiKeyOf(const std::vector<std::string>& extra_args, const std::string& inherited,
                     const std::function<Result<std::string>(const std::string&)>& read) {
  if (const auto key = FirstOf(LastValue(extra_args, "--api-key"), ",\r\n"); !key.empty())
    return key;
  if (const std::string file = LastValue(extra_args, "--api-key-file"); !file.empty()) {
    const auto text = read(file);
    if (text) return FirstOf(*text, "\r\n");
  }
  return FirstOf(inherited, ",\r\n");
}

}  // namespace headroom::exporter
