#include <algorithm>

#include "common/flags.h"
#include "common/flags_env.h"

namespace headroom {
namespace {

constexpr size_t kWidth = 80;  // the narrowest terminal worth caring about
constexpr size_t kIndent = 6;

// Wraps at blanks; words longer than a line stay whole.
std::string Wrapped(std::string_view text) {
  std::string out, line;
  while (!text.empty()) {
    const size_t end = std::min(text.find(' '), text.size());
    const std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && kIndent + line.size() + 1 + word.size() > kWidth) {
      out += std::string(kIndent, ' ') + line + "\n";
      line.clear();
    }
    if (!line.empty()) line += ' ';
    line += word;
  }
  return out + std::string(kIndent, ' ') + line + "\n";
}

}  // namespace

std::vector<Flags::Info> Flags::Describe() const {
  std::vector<Info> all(flags_.begin(), flags_.end());
  all.push_back({.name = "help", .help = "Print this text and exit.", .letter = 'h'});
  all.push_back({.name = "version", .help = "Print the version and exit."});
  return all;
}

std::string Flags::Help() const {
  std::string out = usage_;
  if (!out.ends_with('\n')) out += '\n';
  out += "\nFlags (each may also be set in the environment, --some-flag as " +
         EnvironmentName("some-flag") + "):\n";
  for (const Flag& flag : flags_) {
    out += flag.letter ? std::string("  -") + flag.letter + ", --" : std::string("  --");
    if (flag.is_switch) out += "[no-]";
    out += flag.name;
    if (!flag.value_name.empty()) out += " " + flag.value_name;
    if (flag.is_list) out += " (repeatable)";
    out += '\n';
    std::string help = flag.help;
    if (!flag.default_text.empty()) help += " (default " + flag.default_text + ")";
    out += Wrapped(help);
  }
  out += "  -h, --help\n" + Wrapped("Print this text and exit.");
  out += "  --version\n" + Wrapped("Print the version and exit.");
  return out;
}

}  // namespace headroom
