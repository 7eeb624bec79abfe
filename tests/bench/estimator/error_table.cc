// How far estimates are from what llama.cpp allocates, ours and those of other estimators, over all
// rows of llama.cpp 0.5.0 that both have: a table in Markdown.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "tests/estimator/ground_truth.h"

namespace {

using namespace headroom;
using namespace headroom::estimator;

struct Sizes {
  double context = 0, compute = 0, total = 0;  // 0 = the estimator does not say
};

// Absolute errors in percent.
class Errors {
 public:
  void Add(double estimate, double truth) {
    if (truth > 0 && estimate > 0) values_.push_back(100 * std::abs(estimate / truth - 1));
  }
  std::string Quantiles(std::vector<double> which) {
    if (values_.empty()) return "-";
    std::sort(values_.begin(), values_.end());
    std::string text;
    for (double q : which) {
      const auto at = static_cast<size_t>(q * static_cast<double>(values_.size() - 1));
      char number[32];
      std::snprintf(number, sizeof number, "%s%.2f", text.empty() ? "" : " / ", values_[at]);
      text += number;
    }
    return text;
  }

 private:
  std::vector<double> values_;
};

class Table {
 public:
  void Add(const std::string& who, const Sizes& estimate, const Sizes& truth) {
    if (!lines_.contains(who)) order_.push_back(who);
    Line& line = lines_[who];
    line.context.Add(estimate.context, truth.context);
    line.compute.Add(estimate.compute, truth.compute);
    line.total.Add(estimate.total, truth.total);
    ++line.rows;
  }
  void Print() {
    std::printf(
        "| estimator | rows | context median / max %% | compute median / max %% | total "
        "median / p90 / max %% |\n|---|---|---|---|---|\n");
    for (const std::string& who : order_) {
      Line& line = lines_[who];
      std::printf("| %s | %zu | %s | %s | %s |\n", who.c_str(), line.rows,
                  line.context.Quantiles({0.5, 1}).c_str(),
                  line.compute.Quantiles({0.5, 1}).c_str(),
                  line.total.Quantiles({0.5, 0.9, 1}).c_str());
    }
  }

 private:
  struct Line {
    Errors context, compute, total;
    size_t rows = 0;
  };
  std::map<std::string, Line> lines_;
  std::vector<std::string> order_;
};

double Number(const Json& row, std::initializer_list<std::string_view> path) {
  const Json* value = row.Find(path);
  return value == nullptr ? 0 : value->AsDouble().value_or(0);
}

Sizes TruthOf(const GroundTruthRow& row) {
  const auto context = static_cast<double>(row.device_context);
  const auto compute = static_cast<double>(row.device_compute + row.host_compute);
  return {context, compute,
          static_cast<double>(row.device_weights + row.host_weights) + context + compute};
}

Sizes OursOf(const Footprint& f) {
  const auto context = static_cast<double>(f.KvCache() + f.RecurrentState());
  const auto compute = static_cast<double>(f.Compute());
  return {context, compute,
          static_cast<double>(f.device.weights + f.host.weights) + context + compute};
}

// What a line of a peer's file says, by estimator.
std::vector<std::pair<std::string, Sizes>> PeersOf(const std::string& file, const Json& row) {
  if (file == "peer-gguf-parser-go") {
    return {{"gguf-parser-go",
             {Number(row, {"ctx"}), Number(row, {"comp"}),
              Number(row, {"w_model"}) + Number(row, {"ctxcomp"})}}};
  }
  if (file == "peer-node-llama-cpp-v1") {
    return {{"node-llama-cpp (heuristic)",
             {0, 0,
              Number(row, {"mdl_gpu"}) + Number(row, {"mdl_cpu"}) + Number(row, {"ctx_gpu"}) +
                  Number(row, {"ctx_cpu"})}}};
  }
  return {{"LLMKube (formula)",
           {Number(row, {"llmkube", "ctx"}), 0, Number(row, {"llmkube", "total"})}},
          {"ollama (formula)",
           {Number(row, {"ollama", "ctx"}), Number(row, {"ollama", "comp"}),
            Number(row, {"ollama", "total"})}}};
}

}  // namespace

int main() {
  std::map<std::string, GroundTruthRow> rows;
  ForEachRow("metal-0.5.0", "0.5.0", [&](const GroundTruthRow& row) {
    if (!row.refused && row.device_compute > 0) rows.emplace(row.where, row);
  });
  Table table;
  GroundTruthModels models;
  for (const auto& [where, row] : rows) {
    const auto estimate = Estimate(models.Get(row.model), row.options);
    if (estimate) table.Add("headroom", OursOf(*estimate), TruthOf(row));
  }
  for (const char* file : {"peer-node-llama-cpp-v1", "peer-gguf-parser-go", "peer-simple"}) {
    ForEachLine(file, [&](const Json& line) {
      const Json* cfg = line.Find("cfg");
      if (cfg == nullptr) return;
      const auto row = rows.find("0.5.0 " + StringOr(line, {"model"}) + " " + WriteJson(*cfg));
      if (row == rows.end()) return;
      for (const auto& [who, sizes] : PeersOf(file, line)) {
        table.Add(who, sizes, TruthOf(row->second));
      }
    });
  }
  table.Print();
  return 0;
}
