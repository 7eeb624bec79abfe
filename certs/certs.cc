#include "certs/certs.h"

#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <ctime>

#include "certs/openssl.h"

namespace headroom::certs {

namespace {

Result<Owned<EVP_PKEY>> MakeKey() {
  Owned<EVP_PKEY> key(EVP_EC_gen("P-256"));
  if (!key) return OpenSslError("make a P-256 key");
  return key;
}

bool SetTime(ASN1_TIME* field, WallTime time) {
  return ASN1_TIME_set(field, std::chrono::system_clock::to_time_t(time)) != nullptr;
}

// 127 random bits: positive, never repeated.
bool SetSerial(X509* certificate) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1) return false;
  bytes[0] &= 0x7f;
  Owned<BIGNUM> number(BN_bin2bn(bytes, sizeof bytes, nullptr));
  return number && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool AddName(X509_NAME* name, const char* field, std::string_view text) {
  const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
  return X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, bytes,
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

bool AddExtension(X509* certificate, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  Owned<X509_EXTENSION> extension(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

// A blank certificate with key, serial and validity.
Result<Owned<X509>> Blank(EVP_PKEY* key, WallTime now, std::chrono::seconds lifetime) {
  Owned<X509> certificate(X509_new());
  const bool ok = certificate && X509_set_version(certificate.get(), X509_VERSION_3) == 1 &&
                  SetSerial(certificate.get()) && X509_set_pubkey(certificate.get(), key) == 1 &&
                  SetTime(X509_getm_notBefore(certificate.get()), now - kBackdated) &&
                  SetTime(X509_getm_notAfter(certificate.get()), now + lifetime);
  if (!ok) return OpenSslError("make a certificate");
  return certificate;
}

std::string KeyPem(EVP_PKEY* key) {
  Owned<BIO> out(BIO_new(BIO_s_mem()));
  PEM_write_bio_PKCS8PrivateKey(out.get(), key, nullptr, nullptr, 0, nullptr, nullptr);
  return BioText(out.get());
}

// The extension's text form would read ',' and ':' in a name as syntax.
bool IsPlainName(std::string_view name) {
  return !name.empty() && name.find_first_of(",: \n\r=@") == std::string_view::npos;
}

bool IsAddress(const std::string& text) {
  Owned<ASN1_OCTET_STRING> address(a2i_IPADDRESS(text.c_str()));
  return address != nullptr;
}

Result<std::string> AlternativeNames(const LeafOptions& options) {
  std::string out;
  for (const auto& name : options.dns_names) {
    if (!IsPlainName(name)) return Error(Code::kInvalid, "'" + name + "' is no DNS name");
    out += (out.empty() ? "DNS:" : ",DNS:") + name;
  }
  for (const auto& address : options.ip_addresses) {
    if (!IsAddress(address)) return Error(Code::kInvalid, "'" + address + "' is no IP address");
    out += (out.empty() ? "IP:" : ",IP:") + address;
  }
  return out;
}

bool Sign(X509* certificate, EVP_PKEY* key) {
  return X509_sign(certificate, key, EVP_sha256()) > 0;
}

}  // namespace

Result<KeyPair> MakeCa(std::string_view common_name, WallTime now, std::chrono::seconds lifetime) {
  const auto key = MakeKey();
  if (!key) return key.error();
  const auto made = Blank(key->get(), now, lifetime);
  if (!made) return made.error();
  X509* ca = made->get();
  const bool ok = AddName(X509_get_subject_name(ca), "CN", common_name) &&
                  X509_set_issuer_name(ca, X509_get_subject_name(ca)) == 1 &&
                  AddExtension(ca, ca, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
                  AddExtension(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign") &&
                  AddExtension(ca, ca, NID_subject_key_identifier, "hash") && Sign(ca, key->get());
  if (!ok) return OpenSslError("make the CA certificate");
  return KeyPair{CertificatePem(ca), KeyPem(key->get())};
}

Result<KeyPair> MakeLeaf(const KeyPair& ca, const LeafOptions& options, WallTime now,
                         std::chrono::seconds lifetime) {
  const auto issuer = ReadCertificate(ca.certificate_pem);
  if (!issuer) return issuer.error().Within("CA");
  const auto issuer_key = ReadKey(ca.key_pem);
  if (!issuer_key) return issuer_key.error().Within("CA");
  const auto names = AlternativeNames(options);
  if (!names) return names.error();
  const auto key = MakeKey();
  if (!key) return key.error();
  const auto made = Blank(key->get(), now, lifetime);
  if (!made) return made.error();
  X509* leaf = made->get();
  X509* parent = issuer->get();
  X509_NAME* subject = X509_get_subject_name(leaf);
  bool ok = true;
  for (const auto& organization : options.organizations) {
    ok = ok && AddName(subject, "O", organization);
  }
  ok =
      ok && AddName(subject, "CN", options.common_name) &&
      X509_set_issuer_name(leaf, X509_get_subject_name(parent)) == 1 &&
      AddExtension(leaf, parent, NID_basic_constraints, "critical,CA:FALSE") &&
      AddExtension(leaf, parent, NID_key_usage, "critical,digitalSignature") &&
      AddExtension(leaf, parent, NID_ext_key_usage, options.client ? "clientAuth" : "serverAuth") &&
      AddExtension(leaf, parent, NID_authority_key_identifier, "keyid");
  if (!names->empty()) ok = ok && AddExtension(leaf, parent, NID_subject_alt_name, *names);
  if (!ok || !Sign(leaf, issuer_key->get())) return OpenSslError("make the leaf certificate");
  return KeyPair{CertificatePem(leaf), KeyPem(key->get())};
}

}  // namespace headroom::certs
