#include "cli/simulate/packing.h"

#include <algorithm>

#include "common/checked.h"
#include "common/quantity.h"
#include "estimator/explain.h"

namespace headroom::cli {
namespace {

using State = estimator::CandidateView::State;
using Kind = Placement::Kind;

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string SubjectOf(const kube::Workload& workload) {
  return std::string(kube::TypeOf(workload.kind).kind) + " " + workload.meta.Key();
}

Result<void> CheckLost(const Fleet& fleet, const std::vector<std::string>& lost) {
  for (const std::string& name : lost) {
    if (fleet.FindNode(name) == nullptr) {
      return Error(Code::kNotFound, "--lose " + name + ": no such node; headroom nodes lists them");
    }
  }
  return {};
}

// The fleet without the lost nodes; what they had claimed is free again.
std::vector<Json> Without(std::vector<Json> objects, const std::vector<std::string>& lost) {
  std::erase_if(objects, [&lost](const Json& object) {
    return StringOr(object, {"kind"}) == "Node" &&
           Contains(lost, StringOr(object, {"metadata", "name"}));
  });
  for (Json& object : objects) {
    const std::string owner =
        StringOr(object, {"metadata", "annotations", kube::kClaimedByAnnotation});
    if (!owner.empty() && Contains(lost, owner)) {
      object.Make({"metadata", "annotations"}).Remove(kube::kClaimedByAnnotation);
    }
  }
  return objects;
}

// Of the nodes that take it the one with the least room left: room for something large stays.
const estimator::CandidateView* BestFit(const estimator::Verdict& verdict) {
  const estimator::CandidateView* best = nullptr;
  for (const estimator::CandidateView& view : verdict.candidates) {
    if (view.state != State::kFits) continue;
    if (best == nullptr || view.headroom < best->headroom) best = &view;
  }
  return best;
}

std::string Alternatives(const estimator::Verdict& verdict, const std::string& chosen) {
  std::string text;
  for (const estimator::CandidateView& view : verdict.candidates) {
    if (view.node == chosen) continue;
    const bool fits = view.state == State::kFits;
    text += (text.empty() ? "" : "; ") + view.node +
            (fits                ? " would keep " + FormatBytes(view.headroom - view.need)
             : !view.why.empty() ? ": " + view.why
                                 : " is short by " + FormatBytes(view.shortfall));
  }
  return text.empty() ? "the only candidate" : text;
}

struct Waiting {
  const Wanted* wanted;
  std::string from;
  uint64_t bytes = 0;  // on the first node that could size it, to order them
};

bool IsOf(const Json& object, const kube::Workload& workload) {
  return StringOr(object, {"kind"}) == kube::TypeOf(workload.kind).kind &&
         StringOr(object, {"metadata", "name"}) == workload.meta.name &&
         StringOr(object, {"metadata", "namespace"}, "default") == workload.meta.ns;
}

// The fleet of what stays. A workload that has only one node to go to would take room there for the
// others, before it is placed.
std::vector<Json> Settled(std::vector<Json> objects, const std::vector<Waiting>& waiting) {
  std::erase_if(objects, [&waiting](Json& object) {
    const auto one = std::find_if(waiting.begin(), waiting.end(), [&object](const Waiting& each) {
      return IsOf(object, each.wanted->workload);
    });
    if (one == waiting.end()) return false;
    if (one->wanted->workload.kind != kube::Kind::kModel) return true;
    object.Make({"spec"}).Remove("serving");  // a service may still serve its weights
    return false;
  });
  return objects;
}

class Packing {
 public:
  Packing(const Fleet& fleet, Judge& judge) : fleet_(fleet), judge_(judge) {}

  void Place(const Waiting& waiting, Outcome& out) {
    const kube::Workload& workload = waiting.wanted->workload;
    const estimator::Verdict verdict = judge_.Decide(fleet_, workload);
    Placement placement{SubjectOf(workload), Kind::kNowhere, waiting.from, "", 0, ""};
    if (const auto* best = verdict.allowed ? BestFit(verdict) : nullptr) {
      placement.kind = Kind::kPlaced;
      placement.to = best->node;
      placement.bytes = best->need;
      placement.why = Alternatives(verdict, best->node);
      estimator::Verdict chosen = verdict;
      chosen.candidates = {*best};
      judge_.Promised(workload, chosen);
    } else {
      const auto* closest = verdict.Chosen();
      placement.bytes = closest != nullptr ? closest->need : 0;
      placement.why = estimator::Summary(verdict);
    }
    out.placements.push_back(std::move(placement));
  }

 private:
  const Fleet& fleet_;
  Judge& judge_;
};

std::vector<NodeAfter> NodesAfter(const Fleet& fleet, const Outcome& out) {
  std::vector<NodeAfter> nodes;
  for (const kube::Node* node : fleet.nodes()) {
    if (!node->publishes) continue;
    NodeAfter after{node->meta.name, 0, 0};
    if (const auto budget = estimator::ResolveBudget({}, node->capacity)) {
      after.budget = budget->bytes;
    }
    uint64_t staying = 0;
    for (const Placement& placement : out.placements) {
      if (placement.to != after.name) continue;
      after.committed += placement.bytes;
      if (placement.kind == Kind::kStays) staying += placement.bytes;
    }
    // What the node reports may hold models that no object tells of.
    after.committed += SaturatingSub(node->capacity.committed, staying);
    nodes.push_back(std::move(after));
  }
  return nodes;
}

}  // namespace

Result<Outcome> Simulate(std::vector<Json> objects, const WhatIf& what_if, Judge& judge) {
  const Fleet before(objects);
  if (auto ok = CheckLost(before, what_if.lost); !ok) return ok.error();
  objects = Without(std::move(objects), what_if.lost);
  for (const Json& object : what_if.added) Overlay(objects, object);
  const Fleet fleet(objects);
  Outcome out;
  std::vector<Waiting> waiting;
  for (const Wanted& wanted : fleet.wanted()) {
    if (!kube::IsOurs(wanted.workload, fleet.nodes())) continue;
    const Wanted* old = before.Find(wanted.workload.Key());
    const std::string from = old != nullptr ? old->node : "";
    const kube::Node* node = fleet.FindNode(wanted.node);
    if (old != nullptr && node != nullptr && wanted.node == from) {
      const uint64_t bytes = judge.FootprintOf(wanted.workload, *node);
      out.placements.push_back({SubjectOf(wanted.workload), Kind::kStays, from, from, bytes, ""});
      continue;
    }
    const auto targets = kube::TargetNodes(wanted.workload, fleet.nodes());
    const uint64_t bytes =
        targets.empty() ? 0 : judge.FootprintOf(wanted.workload, *targets.front());
    waiting.push_back({&wanted, from, bytes});
  }
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const Waiting& a, const Waiting& b) { return a.bytes > b.bytes; });
  const Fleet settled(Settled(std::move(objects), waiting));
  Packing packing(settled, judge);
  for (const Waiting& one : waiting) packing.Place(one, out);
  out.nodes = NodesAfter(fleet, out);
  return out;
}

}  // namespace headroom::cli
