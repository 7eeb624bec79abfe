#include "certs/request.h"

#include <openssl/pem.h>

#include "certs/openssl.h"

namespace headroom::certs {
namespace {

struct FreeRequest {
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
};

constexpr size_t kMaxName = 64;  // X.520 ub-common-name

bool AddName(X509_NAME* name, const char* field, std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes,
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

}  // namespace

Result<CertificateRequest> MakeRequest(std::string_view common_name,
                                       const std::vector<std::string>& organizations) {
  if (common_name.empty() || common_name.size() > kMaxName) {
    return Error(Code::kInvalid,
                 "common name '" + std::string(common_name) + "': expected 1 to 64 characters");
  }
  const Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  const std::unique_ptr<X509_REQ, FreeRequest> request(X509_REQ_new());
  bool ok = key && request && X509_REQ_set_version(request.get(), X509_REQ_VERSION_1) == 1;
  for (const std::string& organization : organizations) {
    ok = ok && AddName(X509_REQ_get_subject_name(request.get()), "O", organization);
  }
  ok = ok && AddName(X509_REQ_get_subject_name(request.get()), "CN", common_name) &&
       X509_REQ_set_pubkey(request.get(), key.get()) == 1 &&
       X509_REQ_sign(request.get(), key.get(), EVP_sha256()) > 0;
  const Owned<BIO> request_out(BIO_new(BIO_s_mem())), key_out(BIO_new(BIO_s_mem()));
  ok = ok && PEM_write_bio_X509_REQ(request_out.get(), request.get()) == 1 &&
       PEM_write_bio_PKCS8PrivateKey(key_out.get(), key.get(), nullptr, nullptr, 0, nullptr,
                                     nullptr) == 1;
  if (!ok) return OpenSslError("make a certificate request");
  return CertificateRequest{BioText(request_out.get()), BioText(key_out.get())};
}

}  // namespace headroom::certs
