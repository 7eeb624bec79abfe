#include "certs/rotation.h"

#include <algorithm>
#include <utility>

namespace headroom::certs {
namespace {

using Bundle = std::vector<std::string>;

Bundle BundleOrNone(std::string_view pem) {
  auto split = SplitBundle(pem);
  return split ? std::move(*split) : Bundle();
}

bool Contains(const Bundle& bundle, const std::string& certificate) {
  return std::find(bundle.begin(), bundle.end(), certificate) != bundle.end();
}

std::string Joined(const Bundle& bundle) {
  std::string out;
  for (const std::string& certificate : bundle) out += certificate;
  return out;
}

bool SameSet(Bundle a, Bundle b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  return a == b;
}

// What replicas may still use certificates of: every CA that is stored or trusted now.
Bundle Union(Bundle cas, const std::vector<std::string>& live_bundles) {
  for (const std::string& live : live_bundles) {
    for (const std::string& ca : BundleOrNone(live)) {
      if (!Contains(cas, ca)) cas.push_back(ca);
    }
  }
  return cas;
}

bool HasEnded(const std::string& certificate, WallTime now) {
  const auto info = Describe(certificate);
  return !info || info->not_after <= now;
}

bool ValidAt(const CertificateInfo& info, WallTime now) {
  return info.not_before <= now && now < info.not_after;
}

}  // namespace

std::string Rotation::CaProblem(const Material& stored, const Bundle& cas, WallTime now) const {
  if (cas.empty()) return "none is stored";
  if (auto pair = VerifyPair(cas.front(), stored.ca_key_pem); !pair) return pair.error().message();
  const auto info = Describe(cas.front());
  if (!info) return info.error().message();
  return ValidAt(*info, now) ? "" : "the stored one is not valid at this time";
}

bool Rotation::CaDue(const std::string& newest, WallTime now) const {
  // A certificate made now must not outlive its CA.
  const auto needed = std::max(policy_.ca_lifetime / 5, policy_.leaf_lifetime);
  const auto info = Describe(newest);
  return !info || info->not_after - now < needed;
}

std::string Rotation::LeafProblem(const Material& stored, const std::string& newest,
                                  WallTime now) const {
  if (stored.leaf_pem.empty()) return "none is stored";
  const auto pair = VerifyPair(stored.leaf_pem, stored.leaf_key_pem);
  if (!pair) return pair.error().message();
  for (const std::string& name : policy_.dns_names) {
    const auto chain = VerifyChain(stored.leaf_pem, newest, name, now);
    if (!chain) return chain.error().message();
  }
  const auto info = Describe(stored.leaf_pem);
  if (!info) return info.error().message();
  return info->not_after - now < policy_.leaf_lifetime / 3 ? "the stored one ends soon" : "";
}

Result<RotationStep> Rotation::NewCa(const Material& stored, const Bundle& known, WallTime now,
                                     std::string reason) const {
  // The time in the name tells two CAs apart in listings.
  const auto ca = MakeCa("headroom-webhook-ca " + FormatRfc3339(now), now, policy_.ca_lifetime);
  if (!ca) return ca.error();
  Bundle bundle{ca->certificate_pem};
  for (const std::string& old : known) {
    if (!HasEnded(old, now)) bundle.push_back(old);
  }
  RotationStep step{RotationStep::Do::kStore, stored, "new CA: " + std::move(reason)};
  step.material.ca_pem = Joined(bundle);
  step.material.ca_key_pem = ca->key_pem;
  return step;
}

Result<RotationStep> Rotation::NewLeaf(const Material& stored, const std::string& newest,
                                       WallTime now, std::string reason) const {
  const LeafOptions options{.common_name = "headroom-webhook", .dns_names = policy_.dns_names};
  const auto leaf = MakeLeaf({newest, stored.ca_key_pem}, options, now, policy_.leaf_lifetime);
  if (!leaf) return leaf.error();
  RotationStep step{RotationStep::Do::kStore, stored, "new certificate: " + std::move(reason)};
  step.material.leaf_pem = leaf->certificate_pem;
  step.material.leaf_key_pem = leaf->key_pem;
  return step;
}

bool Rotation::Settled(const Bundle& cas, const std::vector<std::string>& live_bundles,
                       WallTime now) {
  const auto trusts = [&cas](const std::string& live) {
    return Contains(BundleOrNone(live), cas.front());
  };
  if (live_bundles.empty() || !std::all_of(live_bundles.begin(), live_bundles.end(), trusts)) {
    published_.clear();
    return false;
  }
  if (std::exchange(published_, cas.front()) != cas.front() || now < published_at_) {
    published_at_ = now;
  }
  // With one CA nobody uses a certificate of another: there is nothing to wait for.
  return cas.size() == 1 || now - published_at_ >= policy_.settle;
}

Result<RotationStep> Rotation::Decide(const Material& stored,
                                      const std::vector<std::string>& live_bundles, WallTime now) {
  const Bundle cas = BundleOrNone(stored.ca_pem);
  std::string problem = CaProblem(stored, cas, now);
  if (!problem.empty()) {
    return NewCa(stored, Union(cas, live_bundles), now, std::move(problem));
  }
  const std::string& newest = cas.front();
  if (CaDue(newest, now)) return NewCa(stored, cas, now, "the old one ends soon");

  for (const std::string& live : live_bundles) {
    if (SameSet(BundleOrNone(live), cas)) continue;
    return RotationStep{RotationStep::Do::kPublish, stored, "the CA bundle in use is another"};
  }
  const bool settled = Settled(cas, live_bundles, now);
  problem = LeafProblem(stored, newest, now);
  if (!problem.empty()) {
    if (!settled) return RotationStep{};
    return NewLeaf(stored, newest, now, std::move(problem));
  }
  // The old CAs' keys went when the newest was made, so whatever they signed ends within one
  // certificate's life from there.
  const auto made = Describe(newest)->not_before + kBackdated;
  if (cas.size() > 1 && now >= made + policy_.leaf_lifetime) {
    RotationStep step{RotationStep::Do::kStore, stored, "old CA dropped"};
    step.material.ca_pem = newest;
    return step;
  }
  return RotationStep{};
}

}  // namespace headroom::certs
