#include "certs/request.h"

#include <gmock/gmock.h>
#include <openssl/pem.h>

#include "certs/openssl.h"

namespace headroom::certs {
namespace {

struct FreeRequest {
  void operator()(X509_REQ* p) const { X509_REQ_free(p); }
};
using Request = std::unique_ptr<X509_REQ, FreeRequest>;

Request Read(const std::string& pem) {
  Owned<BIO> in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Request(PEM_read_bio_X509_REQ(in.get(), nullptr, nullptr, nullptr));
}

TEST(CertificateRequest, IsSignedByItsOwnKeyAndNamesTheSubject) {
  const auto made = MakeRequest("headroom:mac-1", {"macs"});
  ASSERT_TRUE(made) << made.error().message();
  const Request request = Read(made->request_pem);
  ASSERT_NE(request, nullptr);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
  const auto key = ReadKey(made->key_pem);
  ASSERT_TRUE(key);
  EXPECT_EQ(EVP_PKEY_eq(key->get(), X509_REQ_get0_pubkey(request.get())), 1);
  char subject[128];
  X509_NAME_oneline(X509_REQ_get_subject_name(request.get()), subject, sizeof subject);
  EXPECT_STREQ(subject, "/O=macs/CN=headroom:mac-1");
}

TEST(CertificateRequest, RefusesNamesNoCertificateHas) {
  EXPECT_FALSE(MakeRequest(""));
  EXPECT_FALSE(MakeRequest(std::string(65, 'a')));
  EXPECT_TRUE(MakeRequest(std::string(64, 'a')));
}

}  // namespace
}  // namespace headroom::certs
