#include "estimator/decision/evaluate.h"

#include <algorithm>
#include <functional>

#include "common/checked.h"
#include "common/quantity.h"

namespace headroom::estimator {
namespace {

using State = CandidateView::State;

CandidateView Unusable(CandidateView view, State state, std::string why) {
  view.state = state;
  view.why = std::move(why);
  return view;
}

std::vector<Occupant> OccupantsOf(const Candidate& candidate) {
  std::vector<Occupant> occupants = candidate.occupants;
  if (candidate.other_bytes > 0) {
    occupants.push_back({std::string(kOtherModels), candidate.other_bytes});
  }
  std::stable_sort(occupants.begin(), occupants.end(), [](const Occupant& a, const Occupant& b) {
    if (a.footprint_bytes != b.footprint_bytes) return a.footprint_bytes > b.footprint_bytes;
    return a.name < b.name;
  });
  return occupants;
}

using FootprintOf = std::function<Result<Footprint>(const ServingOptions& serving)>;

// Sets footprint and need; false (with the reason in the view) if there is no number.
bool SetNeed(const Request& request, const ServingOptions& serving, const FootprintOf& footprint_of,
             CandidateView& view) {
  if (request.model == nullptr) {
    view.need = *ParseQuantity(*request.budget.memory_budget);  // checked by Decide()
    return true;
  }
  auto footprint = footprint_of(serving);
  if (!footprint) {
    view = Unusable(std::move(view), State::kRefused, footprint.error().message());
    return false;
  }
  view.footprint = std::move(*footprint);
  if (serving.prompt_cache_mib == ServingOptions::kUnlimited &&
      !request.model->hyper.encoder_only) {
    view = Unusable(std::move(view), State::kRefused,
                    "the prompt cache has no limit (--cache-ram -1), so that no memory is enough: "
                    "give one in MiB");
    return false;
  }
  view.need = view.footprint.footprint_bytes;
  return true;
}

// Of a model whose size is unknown, memoryBudget is its declared size, not the node's budget.
Result<Budget> BudgetFor(const Request& request, const NodeCapacity& node) {
  if (request.model != nullptr) return ResolveBudget(request.budget, node);
  return ResolveBudget(BudgetTexts{.memory_budget = std::nullopt,
                                   .memory_fraction = request.budget.memory_fraction,
                                   .path = request.budget.path},
                       node);
}

State StateOf(const Request& request, const CandidateView& view) {
  if (view.need > view.budget.bytes) return State::kTooSmall;
  if (view.need > view.headroom) return State::kOccupied;
  const uint64_t at_load = request.model == nullptr ? view.need : view.footprint.load_bytes;
  if (request.preflight && at_load > view.available) return State::kInUse;
  return State::kFits;
}

CandidateView Evaluate(const Request& request, const Candidate& candidate,
                       const ServingOptions& serving, const FootprintOf& footprint_of) {
  const NodeCapacity& node = candidate.node;
  CandidateView view;
  view.node = node.name;
  view.accelerator = node.accelerator;
  view.available = node.available;
  if (!node.invalid.empty()) return Unusable(std::move(view), State::kInvalid, node.invalid);
  if (IsStale(node, request.now)) {
    return Unusable(std::move(view), State::kStale,
                    "its exporter has not reported for more than 3 minutes");
  }
  if (!node.schedulable) {
    return Unusable(std::move(view), State::kUnschedulable, "it is cordoned or not ready");
  }
  const auto budget = BudgetFor(request, node);
  if (!budget) return Unusable(std::move(view), State::kInvalid, budget.error().message());
  view.budget = *budget;
  view.occupants = OccupantsOf(candidate);
  for (const Occupant& occupant : view.occupants) {
    view.committed = CheckedAdd(view.committed, occupant.footprint_bytes).value_or(UINT64_MAX);
  }
  view.headroom = SaturatingSub(view.budget.bytes, view.committed);
  if (!SetNeed(request, ServingOn(serving, node), footprint_of, view)) return view;
  view.state = StateOf(request, view);
  if (view.state == State::kInUse) {
    view.shortfall = SaturatingSub(view.footprint.load_bytes, view.available);
  } else {
    view.shortfall = SaturatingSub(view.need, view.headroom);
  }
  return view;
}

}  // namespace

ServingOptions ServingOn(const ServingOptions& serving, const NodeCapacity& node) {
  ServingOptions out = serving;
  if (!node.runtime_version.empty()) out.runtime_version = node.runtime_version;
  out.device = node.accelerator == "cpu" ? Device::kCpu : Device::kMetal;
  return out;
}

CandidateView Evaluator::operator()(const Candidate& candidate) {
  const FootprintOf once = [this](const ServingOptions& serving) { return known_->For(serving); };
  return Evaluate(request_, candidate, request_.serving, once);
}

CandidateView EvaluateCandidate(const Request& request, const Candidate& candidate,
                                const ServingOptions& serving) {
  return Evaluate(request, candidate, serving, [&request](const ServingOptions& options) {
    return Estimate(*request.model, options);
  });
}

bool ComesBefore(const CandidateView& a, const CandidateView& b) {
  const auto rank = [](const CandidateView& view) {
    switch (view.state) {
      case State::kFits: return 0;
      case State::kInUse: return 1;
      case State::kOccupied: return 2;
      case State::kTooSmall: return 3;
      case State::kRefused: return 4;
      case State::kInvalid: return 5;
      case State::kUnschedulable: return 6;
      case State::kStale: return 7;
    }
    return 8;
  };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  const uint64_t left_a = SaturatingSub(a.headroom, a.need);
  const uint64_t left_b = SaturatingSub(b.headroom, b.need);
  if (left_a != left_b) return left_a > left_b;
  if (a.shortfall != b.shortfall) return a.shortfall < b.shortfall;
  return a.node < b.node;
}

}  // namespace headroom::estimator
