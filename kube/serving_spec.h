// Decoding of the serving fields, for Model.spec.serving and InferenceService.spec. Internal to
// kube/; see ServingSpec in kube/objects.h.
#pragma once

#include "common/json.h"
#include "kube/objects.h"

namespace headroom::kube {

ServingSpec DecodeModelServing(const Json& serving);  // `serving` is spec.serving
ServingSpec DecodeServiceServing(const Json& spec);   // `spec` is InferenceService.spec

}  // namespace headroom::kube
