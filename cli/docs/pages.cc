#include "cli/docs/pages.h"

#include <algorithm>

#include "common/flags_env.h"

namespace headroom::cli {
namespace {

constexpr char kExitCodes[] = "0 done, 1 refused or failed, 2 wrong usage.";

// Roff reads '-' as a hyphen, '\' as its own, and a '.' or ''' that starts a line as a request.
std::string Roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool starts = out.empty() || out.back() == '\n';
    if (starts && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else
      out += c;
  }
  return out;
}

std::string Paragraphs(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    out += (out.empty() ? "" : ".PP\n") + Roff(text.substr(0, end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string Spelling(const Flags::Info& flag) {
  std::string out = flag.letter != 0 ? std::string("-") + flag.letter + ", --" : "--";
  if (flag.is_switch) out += "[no-]";
  return out + flag.name + (flag.value_name.empty() ? "" : " " + flag.value_name);
}

std::string Meaning(const Flags::Info& flag) {
  std::string out = flag.help;
  if (flag.is_list) out += " (repeatable)";
  if (!flag.default_text.empty()) out += " (default " + flag.default_text + ")";
  return out;
}

std::string Head(const std::string& name, const std::string& summary) {
  return ".TH " + name + " 1 \"\" \"headroom " HEADROOM_VERSION "\" \"Headroom\"\n.SH NAME\n" +
         Roff(name) + " \\- " + Roff(summary) + "\n";
}

std::string CommandPage(const CommandDoc& command) {
  std::string out = Head("headroom-" + command.name, command.summary) + ".SH SYNOPSIS\n.B " +
                    Roff(command.synopsis) + "\n.SH DESCRIPTION\n" +
                    Paragraphs(command.description) + ".SH OPTIONS\n";
  for (const Flags::Info& flag : command.flags) {
    out += ".TP\n.B " + Roff(Spelling(flag)) + "\n" + Roff(Meaning(flag)) + "\n";
  }
  return out + ".SH ENVIRONMENT\nEach option may be set as a variable, " + Roff("--some-flag") +
         " as " + EnvironmentName("some-flag") + ".\n.SH EXIT STATUS\n" + kExitCodes +
         "\n.SH SEE ALSO\n.BR headroom (1)\n";
}

// A cell of a Markdown table.
std::string MarkdownCell(std::string text) {
  for (size_t at = 0; (at = text.find('|', at)) != std::string::npos; at += 2) {
    text.insert(at, "\\");
  }
  return text;
}

}  // namespace

std::map<std::string, std::string> ManualPages(const std::vector<CommandDoc>& commands) {
  std::map<std::string, std::string> pages;
  std::string all = Head("headroom", "keep large language models within a Mac's memory") +
                    ".SH SYNOPSIS\n.B headroom\nCOMMAND [FLAGS]\n.SH COMMANDS\n";
  for (const CommandDoc& command : commands) {
    pages["headroom-" + command.name + ".1"] = CommandPage(command);
    all += ".TP\n.BR headroom\\-" + Roff(command.name) + " (1)\n" + Roff(command.summary) + "\n";
  }
  pages["headroom.1"] = all + ".SH EXIT STATUS\n" + kExitCodes + "\n";
  return pages;
}

std::string MarkdownReference(const std::vector<CommandDoc>& commands) {
  std::string out = "| command | what it does |\n|---|---|\n";
  for (const CommandDoc& command : commands) {
    out +=
        "| [`" + command.name + "`](#headroom-" + command.name + ") | " + command.summary + " |\n";
  }
  out += "\nExit codes: " + std::string(kExitCodes) +
         " Each flag may be set as a variable, `--some-flag` as `" + EnvironmentName("some-flag") +
         "`.\n";
  for (const CommandDoc& command : commands) {
    out += "\n### headroom " + command.name + "\n\n```\n" + command.synopsis + "\n```\n\n" +
           command.description + (command.description.ends_with('\n') ? "" : "\n") +
           "\n| flag | meaning |\n|---|---|\n";
    for (const Flags::Info& flag : command.flags) {
      if (flag.name == "help" || flag.name == "version") continue;  // every command has them
      out += "| `" + MarkdownCell(Spelling(flag)) + "` | " + MarkdownCell(Meaning(flag)) + " |\n";
    }
  }
  return out;
}

}  // namespace headroom::cli
