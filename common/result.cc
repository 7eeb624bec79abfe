#include "common/result.h"

#include <stdexcept>

namespace headroom {

std::string_view ToString(Code code) {
  switch (code) {
    case Code::kInvalid: return "invalid";
    case Code::kNotFound: return "not found";
    case Code::kConflict: return "conflict";
    case Code::kGone: return "gone";
    case Code::kUnauthorized: return "unauthorized";
    case Code::kTimeout: return "timeout";
    case Code::kUnavailable: return "unavailable";
    case Code::kTooLarge: return "too large";
    case Code::kUnsupported: return "unsupported";
    case Code::kIo: return "i/o error";
  }
  return "unknown";
}

Error Error::Within(std::string_view subject) const {
  return Error(code_, std::string(subject) + ": " + message_);
}

void throw_exception_from_error(const Error& error, const boost::source_location& where) {
  throw std::logic_error(std::string("unchecked error at ") + where.file_name() + ":" +
                         std::to_string(where.line()) + ": " + error.message());
}

}  // namespace headroom
