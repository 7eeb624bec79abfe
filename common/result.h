// Result<T> and Error: how every expected failure (bad input, peer error, timeout) is returned.
// Programming errors are asserts; cancellation of a coroutine is the only exception that travels.
#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <string>
#include <string_view>
#include <utility>

namespace headroom {

// What a caller may decide on; the text is for the operator.
enum class Code {
  kInvalid,       // input that can never work: malformed, out of range
  kNotFound,      // the thing does not exist
  kConflict,      // somebody else changed it first (HTTP 409)
  kGone,          // a watch's resourceVersion is too old (HTTP 410)
  kUnauthorized,  // 401, 403
  kTimeout,       // a deadline passed
  kUnavailable,   // unreachable, refused, 5xx: may work later
  kTooLarge,      // a stated limit was exceeded
  kUnsupported,   // well-formed, but not something we handle
  kIo,            // the operating system refused (file, process)
};

std::string_view ToString(Code code);

class Error {
 public:
  Error() = default;
  Error(Code code, std::string message) : code_(code), message_(std::move(message)) {}

  Code code() const { return code_; }
  const std::string& message() const { return message_; }

  // The same error with the subject in front: "model.gguf: tensor 12: type 99 is unknown".
  Error Within(std::string_view subject) const;

 private:
  Code code_ = Code::kInvalid;
  std::string message_;
};

template <class T>
using Result = boost::system::result<T, Error>;

// Called by boost::system::result when value() is asked of an error: a programming error.
[[noreturn]] void throw_exception_from_error(const Error& error,
                                             const boost::source_location& where);

}  // namespace headroom
