// The table of llama-server's options: each name, how many values follow it, and what it does to
// memory. serving_options.cc holds those that matter, serving_options_other.cc the names of the
// rest; a test compares both with the --help of a real llama-server.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "estimator/serving_command.h"

namespace headroom::estimator {

// What is read so far. Which kinds of drafting are on and how far each drafts may be said in any
// order, so they are put together at the end.
struct ParseState {
  ServerCommand command = {};
  bool context_given = false;
  uint32_t context_per_slot = 0;  // --kv-unified-per-slot
  std::string drafters = {};      // --spec-type, a comma list
  uint32_t draft = 3, ngram_simple = 48, ngram_map_k = 48, ngram_map_k4v = 48, ngram_mod = 64;
};

enum class Effect : uint8_t {
  kNone,       // no bytes, or only moves them within the one memory of a Mac
  kSets,       // `apply` reads it
  kCompanion,  // loads a further file: `role`
  kOther,      // makes llama-server load something else than the model: refused, see `note`
};

// An option's value, or whether a switch was named positively.
struct OptionValue {
  std::string_view text;
  bool on = true;
};

struct ServerOption {
  std::string_view names;    // separated by blanks
  std::string_view negated;  // likewise; switches only
  uint8_t values = 0;        // that follow it
  Effect effect = Effect::kNone;
  std::string_view env = {};
  Result<void> (*apply)(ParseState&, OptionValue) = nullptr;
  Companion::Role role = {};
  std::string_view note = {};  // kOther: why it is refused and what to do
};

std::span<const ServerOption> MemoryOptions();

// Options without effect on memory, by how many values follow: blank-separated names.
std::span<const std::string_view> OtherOptions(int values);

// One spelling of an option.
struct FoundOption {
  const ServerOption* option = nullptr;  // null: without effect on memory
  uint8_t values = 0;
  bool on = true;
};
// nullopt for a name that no known version has. `name` as typed, without "=value".
std::optional<FoundOption> FindServerOption(std::string_view name);

}  // namespace headroom::estimator
