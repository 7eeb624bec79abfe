#include "net/client_auth.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/verify_context.hpp>
#include <memory>

namespace headroom::net {

namespace ssl = boost::asio::ssl;

namespace {

std::string TextOf(const ASN1_STRING* text) {
  return std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                     static_cast<size_t>(ASN1_STRING_length(text)));
}

std::vector<std::string> NamesOf(X509* certificate) {
  std::vector<std::string> out;
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int at = -1; (at = X509_NAME_get_index_by_NID(subject, NID_commonName, at)) >= 0;) {
    out.push_back(TextOf(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at))));
  }
  const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names(
      static_cast<GENERAL_NAMES*>(
          X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)),
      GENERAL_NAMES_free);
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) out.push_back(TextOf(name->d.dNSName));
  }
  return out;
}

struct SubjectIsListed {
  std::vector<std::string> subjects;

  bool operator()(bool valid, ssl::verify_context& context) const {
    X509_STORE_CTX* store = context.native_handle();
    if (!valid || X509_STORE_CTX_get_error_depth(store) > 0) return valid;  // only the leaf has one
    const auto names = NamesOf(X509_STORE_CTX_get_current_cert(store));
    const bool listed = std::find_first_of(names.begin(), names.end(), subjects.begin(),
                                           subjects.end()) != names.end();
    if (!listed) X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
    return listed;
  }
};

}  // namespace

Result<void> RequireClients(ssl::context& context, const std::string& ca_pem,
                            const std::string& ca_name, std::vector<std::string> subjects) {
  boost::system::error_code ec;
  context.add_certificate_authority(boost::asio::buffer(ca_pem.data(), ca_pem.size()), ec);
  if (ec) {
    ERR_clear_error();
    return Error(Code::kInvalid, ca_name + ": expected PEM certificates: " + ec.message());
  }
  context.set_verify_mode(ssl::verify_peer | ssl::verify_fail_if_no_peer_cert, ec);
  if (!subjects.empty()) context.set_verify_callback(SubjectIsListed{std::move(subjects)}, ec);
  return {};
}

}  // namespace headroom::net
