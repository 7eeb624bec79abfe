// When a webhook's own CA and certificate are renewed, and in which order that is safe, as a pure
// class: it sees what is stored and what the API server trusts, and names the one next step.
//
// A new CA is stored and published beside the old one; only when the API server is seen to trust it
// the certificate changes to one it signed; the old CA goes when every certificate it signed has
// ended. So at no moment a caller meets a certificate that it does not trust. When what was stored
// is lost, the CAs that are still published stay beside the new one in the same way.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "certs/certs.h"

namespace headroom::certs {

// What all replicas share. Empty fields = not made yet.
struct Material {
  std::string ca_pem;      // certificates that callers are to trust, newest first
  std::string ca_key_pem;  // of the newest
  std::string leaf_pem, leaf_key_pem;

  friend bool operator==(const Material&, const Material&) = default;
};

struct RotationPolicy {
  std::vector<std::string> dns_names = {};
  std::chrono::seconds leaf_lifetime = std::chrono::hours(24 * 90);
  std::chrono::seconds ca_lifetime = std::chrono::hours(24 * 365 * 5);
  // From the moment we see a new CA published until every API server has surely seen it too.
  std::chrono::seconds settle{60};
};

struct RotationStep {
  enum class Do {
    kNothing,
    kStore,    // keep `material` in place of what was stored
    kPublish,  // give `material.ca_pem` to the API server
  };
  Do action = Do::kNothing;
  Material material = {};
  std::string reason = {};  // for the log
};

class Rotation {
 public:
  explicit Rotation(RotationPolicy policy) : policy_(std::move(policy)) {}

  // `live_bundles`: the CA bundle of each place that must trust us, as it is now; none = there is
  // no such place yet, so nothing can be published. `now` is best the API server's clock: it is
  // the one that judges the certificates. Errors are OpenSSL's.
  Result<RotationStep> Decide(const Material& stored, const std::vector<std::string>& live_bundles,
                              WallTime now);

 private:
  Result<RotationStep> NewCa(const Material& stored, const std::vector<std::string>& known,
                             WallTime now, std::string reason) const;
  Result<RotationStep> NewLeaf(const Material& stored, const std::string& newest, WallTime now,
                               std::string reason) const;
  std::string CaProblem(const Material& stored, const std::vector<std::string>& cas,
                        WallTime now) const;
  std::string LeafProblem(const Material& stored, const std::string& newest, WallTime now) const;
  bool CaDue(const std::string& newest, WallTime now) const;
  // Whether the newest CA has been published everywhere for long enough.
  bool Settled(const std::vector<std::string>& cas, const std::vector<std::string>& live_bundles,
               WallTime now);

  RotationPolicy policy_;
  std::string published_;    // the newest CA, once it was seen published ...
  WallTime published_at_{};  // ... and since when
};

}  // namespace headroom::certs
