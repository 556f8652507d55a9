#include "codec/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/assert.h"

namespace daos {

Seal sealOf(Bytes key, Bytes data) {
  Seal seal;
  unsigned int size = 0;
  const auto* made = HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
                          reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                          seal.data(), &size);
  DAOS_ASSERT(made != nullptr);
  DAOS_ASSERT(size == kSealSize);
  return seal;
}

bool isSealOf(const Seal& seal, Bytes key, Bytes data) {
  const Seal expected = sealOf(key, data);
  return CRYPTO_memcmp(seal.data(), expected.data(), kSealSize) == 0;
}

}  // namespace daos
