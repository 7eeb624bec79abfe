// From hyper-parameters to what each layer keeps in the caches.
#pragma once

#include <vector>

#include "estimator/arch/hparams.h"
#include "estimator/arch/rules.h"
#include "estimator/model.h"

namespace headroom::estimator {

std::vector<Layer> PlanLayers(const Hparams& h, Memory memory);

// llama_hparams::n_embd_r() and n_embd_s(): elements of the recurrent state of one sequence.
uint64_t ConvStateElements(const Hparams& h);
uint64_t SsmStateElements(const Hparams& h);

}  // namespace headroom::estimator
