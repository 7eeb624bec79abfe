#include "net/http.h"

#include <algorithm>
#include <boost/beast/core/string.hpp>

namespace headroom::net {

namespace {

bool SameName(std::string_view a, std::string_view b) { return boost::beast::iequals(a, b); }

}  // namespace

void Headers::Set(std::string_view name, std::string_view value) {
  const auto same = [&](const auto& field) { return SameName(field.first, name); };
  const auto first = std::find_if(fields_.begin(), fields_.end(), same);
  if (first == fields_.end()) return Add(name, value);
  first->second = value;
  fields_.erase(std::remove_if(first + 1, fields_.end(), same), fields_.end());
}

void Headers::Add(std::string_view name, std::string_view value) {
  fields_.emplace_back(name, value);
}

std::optional<std::string_view> Headers::Find(std::string_view name) const {
  for (const auto& [field, value] : fields_) {
    if (SameName(field, name)) return value;
  }
  return std::nullopt;
}

HttpResponse TextResponse(int status, std::string_view text) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "text/plain; charset=utf-8");
  response.body = text;
  response.body += '\n';
  return response;
}

HttpResponse JsonResponse(int status, std::string body) {
  HttpResponse response;
  response.status = status;
  response.headers.Add("Content-Type", "application/json");
  response.body = std::move(body);
  return response;
}

}  // namespace headroom::net
