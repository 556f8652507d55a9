// Stores whose bytes were changed where they lay: opened, read, listed, written to, aggregated. See
// damaged_store.h for what an input is.
#include <cstddef>
#include <cstdint>

#include "vos/proof/damaged_store.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static daos::vos::proof::DamagedStore store;
  store.use(daos::bytesOf(data, size));
  return 0;
}
