#include "estimator/serving_command.h"

#include <algorithm>

#include "estimator/serving_option_table.h"

namespace headroom::estimator {
namespace {

constexpr size_t kMaxWords = 4096;  // a command line that a shell would pass on
constexpr std::string_view kTruthy[] = {"on", "enabled", "true", "1"};
constexpr std::string_view kFalsey[] = {"off", "disabled", "false", "0"};

template <size_t N>
bool IsOneOf(const std::string_view (&words)[N], std::string_view word) {
  return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

// FNAME or FNAME:SCALE, one or several between commas.
void AddCompanions(ServerCommand& command, const ServerOption& option, std::string_view flag,
                   std::string_view value) {
  const bool list =
      option.role == Companion::Role::kLora || option.role == Companion::Role::kControlVector;
  do {
    std::string_view one = list ? value.substr(0, value.find(',')) : value;
    value.remove_prefix(std::min(value.size(), one.size() + 1));
    if (flag.ends_with("-scaled")) one = one.substr(0, one.rfind(':'));
    if (!one.empty()) {
      command.companions.push_back({option.role, std::string(one), std::string(flag)});
    }
  } while (!value.empty());
}

Result<void> ApplyOption(ParseState& state, const ServerOption& option, std::string_view flag,
                         OptionValue value) {
  switch (option.effect) {
    case Effect::kNone: return {};
    case Effect::kSets: return option.apply(state, value);
    case Effect::kCompanion: AddCompanions(state.command, option, flag, value.text); return {};
    case Effect::kOther: return Error(Code::kInvalid, std::string(option.note));
  }
  return {};
}

// common_arg::get_value_from_env(): LLAMA_ARG_NO_X turns a switch off, whatever it holds.
std::optional<OptionValue> FromEnvironment(const ServerOption& option,
                                           const GetEnvironment& environment) {
  if (option.env.empty()) return std::nullopt;
  constexpr std::string_view kPrefix = "LLAMA_ARG_";
  if (!option.negated.empty()) {
    const std::string off = "LLAMA_ARG_NO_" + std::string(option.env.substr(kPrefix.size()));
    if (environment(off.c_str()) != nullptr) return OptionValue{"0", false};
  }
  const char* text = environment(std::string(option.env).c_str());
  if (text == nullptr) return std::nullopt;
  return OptionValue{text, true};
}

Result<void> ApplyEnvironment(ParseState& state, const GetEnvironment& environment) {
  for (const ServerOption& option : MemoryOptions()) {
    auto value = FromEnvironment(option, environment);
    if (!value) continue;
    if (option.values == 0) {
      const bool off = !value->on || IsOneOf(kFalsey, value->text);
      if (!off && !IsOneOf(kTruthy, value->text)) {
        if (option.negated.empty()) continue;  // llama-server takes any other text for "not set"
        return Error(Code::kInvalid, std::string(option.env) + ": expected on or off, got '" +
                                         std::string(value->text.substr(0, 40)) + "'");
      }
      if (off && option.negated.empty()) continue;
      value->on = !off;
    }
    if (auto set = ApplyOption(state, option, option.env, *value); !set) {
      return set.error().Within(std::string(option.env));
    }
  }
  return {};
}

bool IsAssignment(std::string_view word) {
  const size_t equals = word.find('=');
  return equals != std::string_view::npos && equals > 0 && word[0] >= 'A' && word[0] <= 'Z' &&
         word.substr(0, equals).find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") ==
             std::string_view::npos;
}

// Reads the words behind assignments and program name.
class WordReader {
 public:
  WordReader(ParseState& state, const std::vector<std::string>& words, size_t at)
      : state_(state), words_(words), at_(at) {}

  Result<void> ReadAll() {
    for (; at_ < words_.size(); ++at_) {
      if (auto one = ReadOne(); !one) return one;
    }
    return {};
  }

 private:
  Result<void> ReadOne() {
    const std::string_view word = words_[at_];
    const size_t equals = word.starts_with("-") ? word.find('=') : std::string_view::npos;
    const std::string name(word.substr(0, equals));
    const auto found = FindServerOption(name);
    if (!found) {
      SkipUnknown(name, equals != std::string_view::npos);
      return {};
    }
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
      at_ += found->values > 1 ? 1 : 0;
    } else if (found->values > 0) {
      if (IsBareFlashAttention(*found)) {
        state_.command.serving.flash_attention = FlashAttention::kOn;
        return {};
      }
      if (at_ + found->values >= words_.size()) {
        return Error(Code::kInvalid, name + ": a value is missing");
      }
      value = words_[at_ + 1];
      at_ += found->values;
    }
    if (found->option == nullptr) return {};
    auto set = ApplyOption(state_, *found->option, name, {value, found->on});
    if (!set) return set.error().Within(name);
    return {};
  }

  // Older versions know "-fa" alone; it then means "on".
  bool IsBareFlashAttention(const FoundOption& found) const {
    if (found.option == nullptr || !found.option->names.starts_with("-fa ")) return false;
    return at_ + 1 == words_.size() || !ParseFlashAttention(words_[at_ + 1]);
  }

  // An option of another version, or a stray word: what follows and is no option belongs to it.
  void SkipUnknown(const std::string& name, bool has_value) {
    state_.command.warnings.push_back("'" + name +
                                      "' is no option of llama-server 0.5.0 to 0.7.0: "
                                      "it is not counted");
    const bool option = name.starts_with("-");
    if (option && !has_value && at_ + 1 < words_.size() && !words_[at_ + 1].starts_with("-")) ++at_;
  }

  ParseState& state_;
  const std::vector<std::string>& words_;
  size_t at_;
};

// common_speculative_n_max(): the longest of all drafters that are on.
Result<void> FinishDrafters(ParseState& state) {
  const struct {
    std::string_view name;
    uint32_t tokens;
  } kinds[] = {{"none", 0},
               {"draft-simple", state.draft},
               {"draft-eagle3", state.draft},
               {"draft-mtp", state.draft},
               {"draft-dflash", state.draft},
               {"draft-dspark", state.draft},
               {"ngram-simple", state.ngram_simple},
               {"ngram-map-k", state.ngram_map_k},
               {"ngram-map-k4v", state.ngram_map_k4v},
               {"ngram-mod", state.ngram_mod},
               {"ngram-cache", 8}};
  Speculative& out = state.command.serving.speculative;
  const auto is_draft = [](const Companion& c) { return c.role == Companion::Role::kDraft; };
  const auto& files = state.command.companions;
  if (std::any_of(files.begin(), files.end(), is_draft)) out.tokens = state.draft;
  for (std::string_view rest = state.drafters; !rest.empty();) {
    const std::string_view name = rest.substr(0, rest.find(','));
    rest.remove_prefix(std::min(rest.size(), name.size() + 1));
    const auto kind = std::find_if(std::begin(kinds), std::end(kinds),
                                   [name](const auto& k) { return k.name == name; });
    if (kind == std::end(kinds)) {
      return Error(Code::kInvalid, "--spec-type: expected none, draft-* or ngram-*, got '" +
                                       std::string(name.substr(0, 40)) + "'");
    }
    out.tokens = std::max(out.tokens, kind->tokens);
    out.own_layers |= name == "draft-mtp";
  }
  return {};
}

Result<void> Finish(ParseState& state) {
  if (auto drafters = FinishDrafters(state); !drafters) return drafters;
  ServingOptions& serving = state.command.serving;
  if (state.context_per_slot > 0 && !state.context_given) {
    const uint64_t context = uint64_t{state.context_per_slot} * serving.Slots();
    serving.context = static_cast<uint32_t>(std::min<uint64_t>(context, INT32_MAX));
  }
  return {};
}

}  // namespace

Result<ServerCommand> ParseServerCommand(const ServingOptions& defaults,
                                         const std::vector<std::string>& words,
                                         const GetEnvironment& environment) {
  if (words.size() > kMaxWords) {
    return Error(Code::kInvalid, "more than 4096 words: no command line of llama-server");
  }
  ParseState state;
  state.command.serving = defaults;
  size_t at = 0;
  while (at < words.size() && IsAssignment(words[at])) ++at;
  const auto assigned = [&](const char* name) -> const char* {
    for (size_t i = 0; i < at; ++i) {
      const size_t equals = words[i].find('=');
      if (std::string_view(words[i]).substr(0, equals) == name) return &words[i][equals + 1];
    }
    return environment ? environment(name) : nullptr;
  };
  if (at > 0 || environment) {
    if (auto set = ApplyEnvironment(state, assigned); !set) return set.error();
  }
  if (at < words.size() && words[at].ends_with("llama-server")) ++at;
  if (auto read = WordReader(state, words, at).ReadAll(); !read) return read.error();
  if (auto finished = Finish(state); !finished) return finished.error();
  return std::move(state.command);
}

Result<void> ApplyArgs(ServingOptions& options, const std::vector<std::string>& args) {
  auto command = ParseServerCommand(options, args, nullptr);
  if (!command) return command.error().Within("extraArgs");
  if (!command->companions.empty()) {
    return Error(Code::kInvalid, "extraArgs: " + command->companions.front().flag +
                                     ": loads memory that is not counted");
  }
  options = std::move(command->serving);
  return {};
}

}  // namespace headroom::estimator
