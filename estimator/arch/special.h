// What single architectures do differently. Each function ports a few lines of that architecture's
// load_arch_hparams (src/models/<name>.cpp of llama.cpp 0.6.0).
#pragma once

#include "estimator/arch/hparams.h"

namespace headroom::estimator::special {

// Recurrent layers.
void RecurrentWithoutKvHeads(Hparams& h, Keys& keys);  // jamba, granitehybrid, plamo2
void EveryLayerBoth(Hparams& h, Keys& keys);           // falcon-h1
void FullAttentionInterval(Hparams& h, Keys& keys);    // qwen3next, qwen35, qwen35moe
void NemotronH(Hparams& h, Keys& keys);
void Lfm2(Hparams& h, Keys& keys);
void Kda(Hparams& h, Keys& keys);        // kimi-linear, bailingmoe3
void KdaLatent(Hparams& h, Keys& keys);  // kimi-k3
void MiniMax01(Hparams& h, Keys& keys);
void Rwkv(Hparams& h, Keys& keys);
void Mamba(Hparams& h, Keys& keys);

// Windows and shared caches.
void Exaone4(Hparams& h, Keys& keys);
void Gemma3n(Hparams& h, Keys& keys);
void Gemma4(Hparams& h, Keys& keys);
void Llama4(Hparams& h, Keys& keys);

// Sparse attention with an indexer.
void IndexerOnEveryLayer(Hparams& h, Keys& keys);  // deepseek32
void GlmDsa(Hparams& h, Keys& keys);
void HyV4(Hparams& h, Keys& keys);
void Dots3Note(Hparams& h, Keys& keys);
void MiniMaxM3(Hparams& h, Keys& keys);
void Glm5Next(Hparams& h, Keys& keys);
void Qwen4Exp(Hparams& h, Keys& keys);
void DeepSeek4(Hparams& h, Keys& keys);

// Layer counts.
void Nanbeige(Hparams& h, Keys& keys);
void GraniteSwitch(Hparams& h, Keys& keys);

}  // namespace headroom::estimator::special
