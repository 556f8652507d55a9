// What one call of a ClientDriver needs while it runs.
#pragma once

#include <string>
#include <vector>

#include "simulator/workload/client_driver.h"

namespace daos::simulator {

// The buffers and descriptors of one call, alive in its coroutine's frame.
struct ClientDriver::Io {
  std::vector<std::string> akeyNames;
  std::vector<std::vector<Extent>> extents;
  std::vector<IoDescriptor> descriptors;
  std::vector<std::vector<std::byte>> buffers;  // one for each descriptor
  std::vector<Bytes> data;
  std::vector<MutableBytes> sinks;
  std::vector<client::AkeyResult> results;

  // Spans, once all vectors have their final size.
  void link() {
    for (size_t i = 0; i < descriptors.size(); ++i) {
      descriptors[i].akey = bytesOf(akeyNames[i]);
      descriptors[i].extents = extents[i];
      if (!buffers[i].empty()) {
        data.push_back(buffers[i]);
        sinks.push_back(buffers[i]);
      }
    }
    results.resize(descriptors.size());
  }
  void add(std::string name, ValueType type, uint64_t recordSize) {
    akeyNames.push_back(std::move(name));
    descriptors.push_back({.type = type, .recordSize = recordSize});
    extents.emplace_back();
    buffers.emplace_back();
  }
};

inline uint32_t conditionBits(int condition, uint32_t absentDkey, uint32_t presentDkey,
                              uint32_t absentAkey, uint32_t presentAkey) {
  const uint32_t bits[] = {0, absentDkey, presentDkey, absentAkey, presentAkey};
  return bits[condition];
}

}  // namespace daos::simulator
