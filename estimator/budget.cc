#include "estimator/budget.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/quantity.h"

namespace headroom::estimator {
namespace {

constexpr uint64_t kGiB = uint64_t{1} << 30;
// Apple's own default limits: about two thirds on small machines, three quarters above.
constexpr uint64_t kSmallMachine = 36 * kGiB;

std::string Fraction(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f", value);
  return text;
}

// A plain decimal number, nothing else ("0.8", ".5", "1"); nullopt otherwise.
std::optional<double> Decimal(std::string_view text) {
  if (text.empty() || text.size() > 32) return std::nullopt;
  if (text.find_first_not_of("0123456789.") != std::string_view::npos) return std::nullopt;
  if (text.find_first_of("0123456789") == std::string_view::npos) return std::nullopt;
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (end != copy.c_str() + copy.size()) return std::nullopt;
  return value;
}

Result<double> ParseFraction(std::string_view text) {
  const auto value = Decimal(text);
  if (value && *value > 0 && *value <= 1) return *value;
  return Error(Code::kInvalid, "expected a number above 0 and at most 1, got '" +
                                   std::string(text.substr(0, 40)) + "'");
}

Result<uint64_t> ParseBudget(std::string_view text) {
  auto bytes = ParseQuantity(text);
  if (!bytes || *bytes == 0) {
    return Error(Code::kInvalid, "expected a quantity of bytes above 0 such as 24Gi, got '" +
                                     std::string(text.substr(0, 40)) + "'");
  }
  return bytes;
}

uint64_t Part(uint64_t total, double fraction) {
  return static_cast<uint64_t>(static_cast<double>(total) * fraction);
}

// Lowered to the GPU limit if there is one, and never above what the node has at all.
Budget Capped(uint64_t bytes, std::string derivation, const NodeCapacity& node) {
  const bool gpu_first = node.gpu_working_set != 0 &&
                         (node.memory_total == 0 || node.gpu_working_set <= node.memory_total);
  const uint64_t limit = gpu_first ? node.gpu_working_set : node.memory_total;
  Budget budget;
  budget.bytes = bytes;
  budget.derivation = std::move(derivation);
  if (limit == 0 || bytes <= limit) return budget;
  budget.bytes = limit;
  budget.capped = true;
  budget.derivation += std::string(", capped by the ") +
                       (gpu_first ? "GPU working set" : "memory total") + " at " +
                       FormatBytes(limit);
  return budget;
}

std::string Of(uint64_t total, double fraction, std::string_view source) {
  return FormatGiB(total) + " total x " + Fraction(fraction) + " (" + std::string(source) + ")";
}

}  // namespace

double AdaptiveFraction(uint64_t memory_total) {
  return memory_total <= kSmallMachine ? 0.67 : 0.75;
}

Result<NodeBudget> ResolveNodeBudget(std::string_view setting, uint64_t memory_total,
                                     uint64_t gpu_working_set) {
  NodeBudget out;
  if (setting.empty()) {
    const double fraction = AdaptiveFraction(memory_total);
    out = {Part(memory_total, fraction), "adaptive " + Fraction(fraction)};
  } else if (const auto number = Decimal(setting); number && *number <= 1) {
    const auto fraction = ParseFraction(setting);
    if (!fraction) return fraction.error();
    out = {Part(memory_total, *fraction), "flag " + Fraction(*fraction)};
  } else {
    const auto bytes = ParseBudget(setting);
    if (!bytes) {
      return Error(Code::kInvalid,
                   "expected a fraction in (0, 1] or a quantity such as 24Gi, got '" +
                       std::string(setting.substr(0, 40)) + "'");
    }
    out = {*bytes, "flag " + FormatQuantity(*bytes)};
  }
  if (memory_total != 0 && out.bytes > memory_total) {
    out = {memory_total, out.source + ", memory total"};
  }
  if (gpu_working_set != 0 && out.bytes > gpu_working_set) {
    out = {gpu_working_set, out.source + ", GPU limit"};
  }
  return out;
}

Result<void> CheckBudgetTexts(const BudgetTexts& texts) {
  if (texts.memory_budget) {
    const auto bytes = ParseBudget(*texts.memory_budget);
    if (!bytes) return bytes.error().Within(texts.path + ".memoryBudget");
  }
  if (texts.memory_fraction) {
    const auto fraction = ParseFraction(*texts.memory_fraction);
    if (!fraction) return fraction.error().Within(texts.path + ".memoryFraction");
  }
  return {};
}

Result<Budget> ResolveBudget(const BudgetTexts& texts, const NodeCapacity& node) {
  if (auto checked = CheckBudgetTexts(texts); !checked) return checked.error();
  if (texts.memory_budget) {
    const uint64_t bytes = *ParseBudget(*texts.memory_budget);
    Budget budget = Capped(bytes, FormatGiB(bytes) + " (" + texts.path + ".memoryBudget)", node);
    budget.from_model = true;
    return budget;
  }
  if (texts.memory_fraction) {
    const double fraction = *ParseFraction(*texts.memory_fraction);
    Budget budget = Capped(Part(node.memory_total, fraction),
                           Of(node.memory_total, fraction, texts.path + ".memoryFraction"), node);
    budget.from_model = true;
    return budget;
  }
  if (node.memory_budget) {
    const std::string source = node.budget_source.empty() ? "node setting" : node.budget_source;
    return Capped(*node.memory_budget,
                  FormatGiB(*node.memory_budget) + " of " + FormatGiB(node.memory_total) +
                      " total (" + source + ")",
                  node);
  }
  const double fraction = AdaptiveFraction(node.memory_total);
  return Capped(Part(node.memory_total, fraction), Of(node.memory_total, fraction, "adaptive"),
                node);
}

bool IsStale(const NodeCapacity& node, WallTime now) {
  return node.observed_at && now - *node.observed_at > kStaleAfter;
}

}  // namespace headroom::estimator
