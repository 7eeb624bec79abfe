// ServingOptions: what a llama-server command line says about memory, and llama-server's own
// defaults for what it does not say (tools/server and common/arg.cpp of llama.cpp 0.6.0).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.h"

namespace headroom::estimator {

enum class FlashAttention : uint8_t { kAuto, kOn, kOff };
enum class LoadMode : uint8_t { kMmap, kNone };
enum class Device : uint8_t { kMetal, kCpu };

// How many rows of logits are reserved: as llama-server (one a slot), as llama-cli and
// llama-fit-params (the whole batch), or a given number.
struct Outputs {
  enum class Mode : uint8_t { kServer, kBatch, kCount } mode = Mode::kServer;
  uint32_t count = 0;
  friend bool operator==(const Outputs&, const Outputs&) = default;
};

// Speculative decoding: how much is drafted ahead, and the caches of the draft model's context.
struct Speculative {
  uint32_t tokens = 0;      // drafted at once; each adds a row of logits a slot. 0 = none
  bool own_layers = false;  // draft-mtp: the NextN layers of the model itself draft
  std::string cache_type_k = "f16", cache_type_v = "f16";
  uint32_t ubatch = 0;  // 0 = as the model's
  friend bool operator==(const Speculative&, const Speculative&) = default;
};

struct ServingOptions {
  uint32_t context = 0;                 // tokens over all slots; 0 = the model's training context
  uint32_t parallel = 0;                // slots; 0 = llama-server's choice: 4 with a unified cache
  std::optional<bool> kv_unified = {};  // unset: true if parallel is 0, else false
  uint32_t batch = 2048, ubatch = 512;
  FlashAttention flash_attention = FlashAttention::kAuto;
  std::string cache_type_k = "f16", cache_type_v = "f16";
  bool swa_full = false;
  Outputs outputs = {};
  uint32_t prompt_cache_mib = 8192;   // --cache-ram; kUnlimited for -1
  uint32_t context_checkpoints = 32;  // --ctx-checkpoints, per slot
  LoadMode load_mode = LoadMode::kMmap;
  Device device = Device::kMetal;
  std::string runtime_version = {};         // of llama.cpp, "" = newest known
  uint32_t checkpoint_min_step = 8192;      // tokens between two checkpoints; 0 = no minimum
  std::optional<uint32_t> gpu_layers = {};  // --n-gpu-layers; unset = all
  uint64_t mmproj_bytes = 0;                // size of a projector file, loaded beside the model
  uint64_t mmproj_compute_bytes = 0;        // its graph; see projector.h
  uint64_t lora_bytes = 0, control_vector_bytes = 0;
  uint32_t expert_cache_mib = 0;  // --moe-cache-mib
  bool embeddings = false;        // --embedding, --reranking
  bool backend_sampling = false;  // --backend-sampling: samples beside the logits
  Speculative speculative = {};

  static constexpr uint32_t kUnlimited = UINT32_MAX;
  friend bool operator==(const ServingOptions&, const ServingOptions&) = default;

  uint32_t Slots() const { return parallel == 0 ? 4 : parallel; }
  bool Unified() const { return kv_unified.value_or(parallel == 0); }
};

// Reads the memory-relevant llama-server flags out of `args` over what `options` holds, as
// ParseServerCommand() of serving_command.h does; what would load further files is an error,
// because admission cannot count them. Errors name flag and value: "extraArgs: --ctx-size: expected
// a number, got 'x'".
Result<void> ApplyArgs(ServingOptions& options, const std::vector<std::string>& args);

// The llama-server arguments that fix every size in `options` explicitly ("-c 8192 -np 2 ...").
std::vector<std::string> ToArgs(const ServingOptions& options);

// "ctx 32768, 4 slots unified, f16/f16, FA auto, ubatch 512": for messages and logs.
std::string Describe(const ServingOptions& options);

Result<FlashAttention> ParseFlashAttention(std::string_view text);  // auto | on | off
Result<LoadMode> ParseLoadMode(std::string_view text);              // auto | mmap | none | ...
Result<Device> ParseDevice(std::string_view text);                  // metal | cpu
Result<Outputs> ParseOutputs(std::string_view text);                // server | batch | N
Result<std::string> ParseCacheType(std::string_view text);          // f16 | q8_0 | ...

}  // namespace headroom::estimator
