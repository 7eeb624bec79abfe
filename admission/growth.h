// Rule 2 of docs/admission.md: an edit is judged only if it can need more memory. Pure.
#pragma once

#include "admission/request.h"

namespace headroom::admission {

// Whether `after` can need more memory than `before`, as far as the manifests alone tell.
enum class Growth {
  kNone,     // the same or less in every term, same place, same budget
  kMoved,    // target, source or budget changed: judge it
  kDepends,  // serving options changed both ways or upwards: compare the footprints
};
Growth CompareWorkloads(const kube::Workload& before, const kube::Workload& after);

// The whole answer, with the size; footprints are compared for `node`'s runtime (null: the newest).
bool Grows(const kube::Workload& before, const kube::Workload& after, const Sizing& sizing,
           const kube::Node* node);

bool SameBudget(const estimator::BudgetTexts& a, const estimator::BudgetTexts& b);

}  // namespace headroom::admission
