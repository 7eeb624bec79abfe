// SHA-256 fed in pieces; OpenSSL behind it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

namespace headroom::sources {

class Sha256 {
 public:
  Sha256();
  ~Sha256();
  void Add(std::string_view bytes);
  std::string Hex();  // lower case, 64 digits; ends the sum

 private:
  struct Context;
  std::unique_ptr<Context> context_;
};

std::string Sha256Hex(std::string_view bytes);

}  // namespace headroom::sources
