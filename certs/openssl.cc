#include "certs/openssl.h"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace headroom::certs {

namespace {

// Never asks on the terminal for a passphrase.
int NoPassphrase(char*, int, int, void*) { return -1; }

Owned<BIO> Reading(std::string_view text) {
  return Owned<BIO>(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

Error OpenSslError(std::string_view doing) {
  char reason[256] = "unknown error";
  if (const unsigned long code = ERR_peek_last_error(); code != 0) {
    ERR_error_string_n(code, reason, sizeof reason);
  }
  ERR_clear_error();
  return Error(Code::kInvalid, std::string(doing) + ": " + reason);
}

std::string BioText(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  return std::string(data, static_cast<size_t>(size));
}

std::string CertificatePem(X509* certificate) {
  const Owned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_X509(out.get(), certificate);
  return BioText(out.get());
}

Result<std::vector<Owned<X509>>> ReadCertificates(std::string_view pem) {
  const Owned<BIO> in = Reading(pem);
  std::vector<Owned<X509>> out;
  while (Owned<X509> one{PEM_read_bio_X509(in.get(), nullptr, NoPassphrase, nullptr)}) {
    out.push_back(std::move(one));
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  if (out.empty() && at_end) {
    ERR_clear_error();
    return Error(Code::kInvalid, "expected '-----BEGIN CERTIFICATE-----', found none");
  }
  if (!at_end) return OpenSslError("malformed PEM certificate");
  ERR_clear_error();
  return out;
}

Result<Owned<X509>> ReadCertificate(std::string_view pem) {
  auto all = ReadCertificates(pem);
  if (!all) return all.error();
  return std::move(all->front());
}

Result<Owned<EVP_PKEY>> ReadKey(std::string_view pem) {
  const Owned<BIO> in = Reading(pem);
  Owned<EVP_PKEY> key(PEM_read_bio_PrivateKey(in.get(), nullptr, NoPassphrase, nullptr));
  if (!key) return OpenSslError("expected an unencrypted PEM private key");
  return key;
}

}  // namespace headroom::certs
