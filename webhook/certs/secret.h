// The Secret that self-managed replicas share. Pure.
#pragma once

#include "certs/rotation.h"
#include "common/json.h"

namespace headroom::webhook {

// Keys tls.crt, tls.key, ca.crt, ca.key; one that is missing or no base64 is empty.
certs::Material MaterialOf(const Json& secret);
// The same object with these keys set; everything else (labels, resourceVersion, other keys) stays.
Json WithMaterial(Json secret, const certs::Material& material);

}  // namespace headroom::webhook
