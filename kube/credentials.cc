#include "kube/credentials.h"

#include "common/files.h"
#include "common/log.h"

namespace headroom::kube {
namespace {

constexpr size_t kMaxPem = 1 << 20;
constexpr size_t kMaxToken = 64 << 10;

Result<std::string> FileOr(const std::string& file, const std::string& text, size_t max) {
  if (file.empty()) return text;
  return ReadFile(file, max);
}

}  // namespace

Result<void> Credentials::Read(net::TlsClientOptions& tls, std::string& token) const {
  const struct {
    const std::string &file, &text;
    std::string& target;
  } parts[] = {{config_.ca_file, config_.ca_pem, tls.ca_pem},
               {config_.client_cert_file, config_.client_cert_pem, tls.certificate_pem},
               {config_.client_key_file, config_.client_key_pem, tls.key_pem}};
  for (const auto& part : parts) {
    auto text = FileOr(part.file, part.text, kMaxPem);
    if (!text) return text.error();
    part.target = std::move(*text);
  }
  auto text = FileOr(config_.token_file, config_.token, kMaxToken);
  if (!text) return text.error();
  token = std::move(*text);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  if (token.find_first_of("\r\n") != std::string::npos) {
    return Error(Code::kInvalid, config_.token_file + ": expected one line with a token");
  }
  return {};
}

Result<bool> Credentials::Refresh() {
  net::TlsClientOptions tls;
  std::string token;
  if (const auto read = Read(tls, token); !read) {
    if (!loaded_) return read.error().Within("credentials for the API server");
    if (!complained_)
      LogWarn("credentials unreadable, the last ones stay", {{"error", read.error()}});
    complained_ = true;
    return false;
  }
  complained_ = false;
  token_ = std::move(token);
  const bool same = tls.ca_pem == tls_.ca_pem && tls.certificate_pem == tls_.certificate_pem &&
                    tls.key_pem == tls_.key_pem;
  if (loaded_ && same) return false;
  loaded_ = true;
  tls_ = std::move(tls);
  return true;
}

}  // namespace headroom::kube
