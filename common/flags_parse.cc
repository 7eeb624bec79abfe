#include <algorithm>
#include <numeric>

#include "common/flags.h"
#include "common/flags_env.h"

namespace headroom {
namespace {

// Levenshtein distance: how many single-character edits lie between a typo and a known flag.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = row[j];
      row[j] = std::min({replaced, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row.back();
}

// A flag's text split into its parts: --name=value, -f.
struct Spelling {
  std::string_view shown, name, value;  // shown: as typed, without the value
  bool has_value = false;
};

Spelling Split(std::string_view arg) {
  Spelling out;
  const size_t equals = arg.find('=');
  out.shown = arg.substr(0, equals);
  out.name = out.shown.substr(out.shown.starts_with("--") ? 2 : 1);
  out.has_value = equals != std::string_view::npos;
  if (out.has_value) out.value = arg.substr(equals + 1);
  return out;
}

}  // namespace

const Flags::Flag* Flags::FindFlag(std::string_view name) const {
  for (const Flag& flag : flags_) {
    if (flag.name == name || (name.size() == 1 && flag.letter == name[0])) return &flag;
  }
  return nullptr;
}

Error Flags::UnknownFlag(std::string_view shown, std::string_view name) const {
  const Flag* nearest = nullptr;
  size_t best = std::max<size_t>(2, name.size() / 3) + 1;  // further away is no typo
  for (const Flag& flag : flags_) {
    const size_t distance = Distance(name.substr(0, 64), flag.name);
    if (distance < best && distance < flag.name.size()) {
      best = distance;
      nearest = &flag;
    }
  }
  std::string text = "unknown flag " + std::string(shown);
  text += nearest ? "; did you mean --" + nearest->name + "?" : "; see " + program_ + " --help";
  return Error(Code::kInvalid, std::move(text));
}

Result<void> Flags::ParseOne(const std::vector<std::string>& args, size_t& at, Parsed& parsed,
                             std::vector<Given>& given) const {
  const Spelling arg = Split(args[at]);
  const bool is_long = arg.shown.starts_with("--");
  const Flag* flag = is_long == (arg.name.size() > 1) ? FindFlag(arg.name) : nullptr;
  const std::string shown(arg.shown);
  if (!flag && (shown == "--help" || shown == "-h")) {
    parsed.help = true;
    return {};
  }
  if (!flag && shown == "--version") {
    parsed.version = true;
    return {};
  }
  if (!flag && is_long && arg.name.starts_with("no-") && !arg.has_value) {
    flag = FindFlag(arg.name.substr(3));
    if (!flag || !flag->is_switch) return UnknownFlag(shown, arg.name);
    given.push_back({flag, shown, "false"});
    return {};
  }
  if (!flag) return UnknownFlag(shown, arg.name);
  if (flag->is_switch) {
    given.push_back({flag, shown, arg.has_value ? std::string(arg.value) : "true"});
    return {};
  }
  if (arg.has_value) {
    given.push_back({flag, shown, std::string(arg.value)});
    return {};
  }
  // "--listen --tls-cert x" is a forgotten value more often than a value that starts with dashes.
  if (at + 1 == args.size() || args[at + 1].starts_with("--")) {
    return Error(Code::kInvalid,
                 shown + ": expected a value (" + shown + "=" + flag->value_name + ")");
  }
  given.push_back({flag, shown, args[++at]});
  return {};
}

Result<void> Flags::ApplyEnvironment(const std::vector<Given>& given,
                                     const std::function<const char*(const char*)>& getenv) const {
  for (const Flag& flag : flags_) {
    const auto is_this = [&flag](const Given& one) { return one.flag == &flag; };
    if (std::any_of(given.begin(), given.end(), is_this)) continue;
    const std::string variable = EnvironmentName(flag.name);
    const char* found = getenv(variable.c_str());
    if (!found || !*found) continue;
    if (flag.clear) flag.clear();
    std::string_view rest = found;
    do {
      const size_t end = flag.is_list ? std::min(rest.find(','), rest.size()) : rest.size();
      if (auto set = flag.set(rest.substr(0, end)); !set) return set.error().Within(variable);
      rest.remove_prefix(std::min(end + 1, rest.size()));
    } while (!rest.empty());
  }
  return {};
}

Result<Flags::Parsed> Flags::Parse(const std::vector<std::string>& args,
                                   const std::function<const char*(const char*)>& getenv) const {
  Parsed parsed;
  std::vector<Given> given;
  for (size_t at = 0; at < args.size(); ++at) {
    if (args[at] == "--") {
      parsed.after_dashes.assign(args.begin() + static_cast<ptrdiff_t>(at) + 1, args.end());
      break;
    }
    if (args[at].size() < 2 || args[at][0] != '-') {
      parsed.positional.push_back(args[at]);  // "-" alone is a name for standard input
      continue;
    }
    if (auto one = ParseOne(args, at, parsed, given); !one) return one.error();
  }
  if (auto applied = ApplyEnvironment(given, getenv); !applied) return applied.error();
  std::vector<const Flag*> cleared;
  for (const Given& one : given) {
    const bool first = std::find(cleared.begin(), cleared.end(), one.flag) == cleared.end();
    if (first && one.flag->clear) {
      one.flag->clear();
      cleared.push_back(one.flag);
    }
    if (auto set = one.flag->set(one.value); !set) return set.error().Within(one.shown);
  }
  return parsed;
}

}  // namespace headroom
