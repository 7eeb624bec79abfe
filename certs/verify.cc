#include <arpa/inet.h>
#include <openssl/err.h>

#include <algorithm>
#include <ctime>

#include "certs/certs.h"
#include "certs/openssl.h"

namespace headroom::certs {

namespace {

WallTime ToWallTime(const ASN1_TIME* time) {
  tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return std::chrono::system_clock::from_time_t(timegm(&parts));
}

std::string SubjectOf(X509* certificate) {
  Owned<BIO> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
  return BioText(out.get());
}

std::string_view Bytes(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<size_t>(ASN1_STRING_length(text))};
}

std::string AddressText(std::string_view bytes) {
  char text[INET6_ADDRSTRLEN] = "";
  if (bytes.size() == 4) inet_ntop(AF_INET, bytes.data(), text, sizeof text);
  if (bytes.size() == 16) inet_ntop(AF_INET6, bytes.data(), text, sizeof text);
  return text;
}

void ReadNames(X509* certificate, CertificateInfo& info) {
  const Owned<GENERAL_NAMES> names(static_cast<GENERAL_NAMES*>(
      X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) info.dns_names.emplace_back(Bytes(name->d.dNSName));
    if (name->type == GEN_IPADD) info.ip_addresses.push_back(AddressText(Bytes(name->d.iPAddress)));
  }
}

CertificateInfo InfoOf(X509* certificate) {
  CertificateInfo info;
  info.subject = SubjectOf(certificate);
  info.not_before = ToWallTime(X509_get0_notBefore(certificate));
  info.not_after = ToWallTime(X509_get0_notAfter(certificate));
  ReadNames(certificate, info);
  return info;
}

bool IsAddress(const std::string& host) {
  const Owned<ASN1_OCTET_STRING> address(a2i_IPADDRESS(host.c_str()));
  ERR_clear_error();
  return address != nullptr;
}

}  // namespace

Result<CertificateInfo> Describe(std::string_view certificate_pem) {
  const auto certificate = ReadCertificate(certificate_pem);
  if (!certificate) return certificate.error();
  return InfoOf(certificate->get());
}

Result<CertificateInfo> VerifyChain(std::string_view certificate_pem,
                                    std::string_view ca_bundle_pem, std::string_view host,
                                    WallTime now) {
  const auto chain = ReadCertificates(certificate_pem);
  if (!chain) return chain.error();
  const auto bundle = ReadCertificates(ca_bundle_pem);
  if (!bundle) return bundle.error().Within("CA bundle");
  const Owned<X509_STORE> store(X509_STORE_new());
  for (const auto& ca : *bundle) X509_STORE_add_cert(store.get(), ca.get());
  STACK_OF(X509)* intermediates = sk_X509_new_null();
  for (const auto& one : *chain) sk_X509_push(intermediates, one.get());

  const Owned<X509_STORE_CTX> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), store.get(), chain->front().get(), intermediates);
  X509_VERIFY_PARAM* param = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set_time(param, std::chrono::system_clock::to_time_t(now));
  const std::string name(host);
  if (IsAddress(name)) {
    X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str());
  } else {
    X509_VERIFY_PARAM_set1_host(param, name.c_str(), name.size());
  }
  const bool ok = X509_verify_cert(context.get()) == 1;
  const int problem = X509_STORE_CTX_get_error(context.get());
  sk_X509_free(intermediates);
  ERR_clear_error();
  if (ok) {
    const STACK_OF(X509)* path = X509_STORE_CTX_get0_chain(context.get());
    return InfoOf(sk_X509_value(path, sk_X509_num(path) - 1));
  }
  return Error(Code::kInvalid, "certificate " + SubjectOf(chain->front().get()) +
                                   " is not valid for " + name + ": " +
                                   X509_verify_cert_error_string(problem));
}

Result<std::vector<std::string>> SplitBundle(std::string_view ca_bundle_pem) {
  const auto certificates = ReadCertificates(ca_bundle_pem);
  if (!certificates) return certificates.error();
  std::vector<std::string> out;
  for (const auto& certificate : *certificates) {
    std::string pem = CertificatePem(certificate.get());
    if (std::find(out.begin(), out.end(), pem) == out.end()) out.push_back(std::move(pem));
  }
  return out;
}

Result<void> VerifyPair(std::string_view certificate_pem, std::string_view key_pem) {
  const auto certificate = ReadCertificate(certificate_pem);
  if (!certificate) return certificate.error();
  const auto key = ReadKey(key_pem);
  if (!key) return key.error();
  const bool ok = X509_check_private_key(certificate->get(), key->get()) == 1;
  ERR_clear_error();
  if (ok) return {};
  return Error(Code::kInvalid,
               "the key does not belong to the certificate " + SubjectOf(certificate->get()));
}

}  // namespace headroom::certs
