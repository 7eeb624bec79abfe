// The Service and EndpointSlice by which the cluster reaches a model on this host: LLMKube's
// contract, so that its controller and its users find what they expect. Pure.
#pragma once

#include <string>

#include "common/json.h"
#include "common/result.h"
#include "common/time.h"
#include "exporter/models/manager.h"

namespace headroom::exporter {

// Both are named after the object, '.' replaced by '-'. Errors: a name a Service cannot have.
Result<std::string> EndpointName(const std::string& object_name);

// True for a Service or EndpointSlice that we (or LLMKube's agent) made.
bool IsManagedEndpoint(const Json& object);

// True where it has another owner than `uid`: a Model and an InferenceService may share a name, and
// with it these. LLMKube's agent names no owner.
bool IsOwnedByAnother(const Json& object, const std::string& uid);

Json ServiceDocument(const std::string& name, const EndpointChange& change);
// Errors: a host that is no IP address, or a loopback one, which the API refuses.
Result<Json> EndpointSliceDocument(const std::string& name, const EndpointChange& change,
                                   const std::string& node, WallTime now);

}  // namespace headroom::exporter
