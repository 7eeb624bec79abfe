// The table of architectures: one line each, data plus at most one small function for what only
// that architecture does. Adding one touches rules.cc only (and special.cc if it needs a function).
#pragma once

#include <span>
#include <string_view>

#include "estimator/arch/hparams.h"

namespace headroom::estimator {

enum class Memory : uint8_t {
  kCache,      // a KV cache over all layers
  kRecurrent,  // state only (llm_arch_is_recurrent)
  kHybrid,     // layers with a cache, layers with a state (llm_arch_is_hybrid)
  kNone,       // encoders and diffusion models: llama_model::create_memory gives none
};

// How the sliding window of an architecture is found in the header (load_arch_hparams).
struct Window {
  enum class Kind : uint8_t {
    kNone,      // no window, whatever the header says
    kOptional,  // only if attention.sliding_window is there and not 0
    kRequired,  // always; the size is in the header
    kDefault,   // always; `size` unless the header has one
    kFixed,     // if the header has one (or `size` regardless), the size is always `size`
  } kind = Kind::kNone;
  uint32_t period = 0;  // every period-th layer is dense, unless the header has a pattern
  uint32_t size = 0;
  bool dense_first = false;
};

struct Rule {
  std::string_view name;  // general.architecture
  Memory memory = Memory::kCache;
  Window window = {};
  void (*adjust)(Hparams&, Keys&) = nullptr;  // what is special; see special.h
};

std::span<const Rule> AllRules();             // sorted by name
const Rule* FindRule(std::string_view name);  // nullptr if unknown

void ApplyWindow(const Window& window, Hparams& h, Keys& keys);

}  // namespace headroom::estimator
