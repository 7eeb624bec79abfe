#include "cli/docs/completion.h"

#include <algorithm>

namespace headroom::cli {
namespace {

constexpr char kBash[] = R"(_headroom() {
  local line words=("${COMP_WORDS[@]:1:COMP_CWORD}")
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
    :0) compopt -o default ;;
    :4) ;;
    *) COMPREPLY+=("${line%%$'\t'*}") ;;
    esac
  done < <("${COMP_WORDS[0]}" __complete "${words[@]}" 2>/dev/null)
}
complete -F _headroom headroom
)";

constexpr char kZsh[] = R"(#compdef headroom
_headroom() {
  local line
  local -a found
  while IFS= read -r line; do
    case $line in
    :0) _files ;;
    :4) ;;
    *) found+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}") ;;
    esac
  done < <("${words[1]}" __complete "${(@)words[2,CURRENT]}" 2>/dev/null)
  (( ${#found} )) && _describe headroom found
}
if [[ ${funcstack[1]} == _headroom ]]; then
  _headroom "$@"
else
  compdef _headroom headroom
fi
)";

constexpr char kFish[] = R"(function __headroom_complete
    set -l words (commandline -opc) (commandline -ct)
    for line in ($words[1] __complete $words[2..-1] 2>/dev/null)
        switch $line
            case ':0'
                __fish_complete_path (commandline -ct)
            case ':4'
            case '*'
                echo $line
        end
    end
end
complete -c headroom -f -a '(__headroom_complete)'
)";

constexpr char kKubectl[] = R"(#!/bin/sh
exec kubectl-headroom __complete "$@"
)";

// The alternatives in a value's name: "json|yaml" has two, "FILE|URL" none.
std::vector<std::string> Alternatives(const std::string& value_name) {
  std::vector<std::string> out;
  const bool literal = value_name.find('|') != std::string::npos &&
                       std::none_of(value_name.begin(), value_name.end(),
                                    [](char c) { return c >= 'A' && c <= 'Z'; });
  if (!literal && value_name != "client") return out;
  for (size_t at = 0; at <= value_name.size();) {
    const size_t end = std::min(value_name.find('|', at), value_name.size());
    out.push_back(value_name.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

bool IsPath(const std::string& value_name) {
  return value_name.find("FILE") != std::string::npos ||
         value_name.find("DIR") != std::string::npos || value_name == "PROGRAM";
}

const Flags::Info* FlagOf(const CommandDoc& command, std::string_view word) {
  for (const Flags::Info& flag : command.flags) {
    if (word == "--" + flag.name) return &flag;
    if (flag.letter != 0 && word == std::string("-") + flag.letter) return &flag;
  }
  return nullptr;
}

void Offer(Completion& out, std::string_view typed, std::string text, std::string help) {
  if (text.starts_with(typed)) out.candidates.push_back({std::move(text), std::move(help)});
}

void OfferFlags(Completion& out, const CommandDoc& command, std::string_view typed) {
  for (const Flags::Info& flag : command.flags) {
    Offer(out, typed, "--" + flag.name, flag.help);
    if (flag.is_switch && typed.starts_with("--no")) {
      Offer(out, typed, "--no-" + flag.name, "not: " + flag.help);
    }
  }
}

}  // namespace

Completion Complete(const std::vector<CommandDoc>& commands, const Arguments& words) {
  Completion out;
  const std::string typed = words.empty() ? "" : words.back();
  if (words.size() < 2) {
    for (const CommandDoc& command : commands) Offer(out, typed, command.name, command.summary);
    if (typed.starts_with('-')) Offer(out, typed, "--help", "what there is");
    return out;
  }
  const auto command = std::find_if(commands.begin(), commands.end(),
                                    [&](const CommandDoc& one) { return one.name == words[0]; });
  if (command == commands.end()) return out;
  if (std::find(words.begin(), words.end() - 1, "--") != words.end() - 1) return out;
  const Flags::Info* flag = FlagOf(*command, words[words.size() - 2]);
  if (flag != nullptr && !flag->value_name.empty()) {
    for (const std::string& value : Alternatives(flag->value_name)) Offer(out, typed, value, "");
    out.files = IsPath(flag->value_name);
    return out;
  }
  if (typed.starts_with('-')) {
    OfferFlags(out, *command, typed);
    return out;
  }
  const std::string positional = command->synopsis.substr(0, command->synopsis.find('['));
  out.files = positional.find("SOURCE") != std::string::npos || IsPath(positional);
  if (positional.find("SHELL") != std::string::npos) {
    for (const char* shell : {"bash", "zsh", "fish", "kubectl"}) Offer(out, typed, shell, "");
  }
  return out;
}

std::string CompletionText(const Completion& completion) {
  std::string out;
  for (const auto& [text, help] : completion.candidates) {
    out += text + (help.empty() ? "" : "\t" + help) + "\n";
  }
  return out + (completion.files ? ":0\n" : ":4\n");
}

std::string CompletionScript(std::string_view shell) {
  if (shell == "bash") return kBash;
  if (shell == "zsh") return kZsh;
  if (shell == "fish") return kFish;
  return shell == "kubectl" ? kKubectl : "";
}

}  // namespace headroom::cli
