// Owners for OpenSSL's objects and the PEM readers. Internal to certs/.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.h"

namespace headroom::certs {

struct Free {
  void operator()(BIGNUM* p) const { BN_free(p); }
  void operator()(BIO* p) const { BIO_free(p); }
  void operator()(EVP_PKEY* p) const { EVP_PKEY_free(p); }
  void operator()(X509* p) const { X509_free(p); }
  void operator()(X509_EXTENSION* p) const { X509_EXTENSION_free(p); }
  void operator()(X509_STORE* p) const { X509_STORE_free(p); }
  void operator()(X509_STORE_CTX* p) const { X509_STORE_CTX_free(p); }
  void operator()(ASN1_OCTET_STRING* p) const { ASN1_OCTET_STRING_free(p); }
  void operator()(GENERAL_NAMES* p) const { GENERAL_NAMES_free(p); }
};
template <class T>
using Owned = std::unique_ptr<T, Free>;

// "make a P-256 key: <OpenSSL's reason>"; empties OpenSSL's error queue.
Error OpenSslError(std::string_view doing);

std::string BioText(BIO* bio);
std::string CertificatePem(X509* certificate);

// All certificates of a PEM text; an error when there is none or one is malformed.
Result<std::vector<Owned<X509>>> ReadCertificates(std::string_view pem);
Result<Owned<X509>> ReadCertificate(std::string_view pem);  // the first
Result<Owned<EVP_PKEY>> ReadKey(std::string_view pem);      // unencrypted

}  // namespace headroom::certs
