#include "node/fetch_answer.h"

namespace daos::node {

static bool isNumber(const IoDescriptor& akey, const client::AkeyResult& result) {
  return akey.type == ValueType::kSingle || result.recordSize == 0 || result.isWhole;
}

void answerFetch(std::span<const IoDescriptor> akeys, std::span<const client::AkeyResult> results,
                 Request& request) {
  if (results.size() == 1 && isNumber(akeys.front(), results.front())) {
    const client::AkeyResult& result = results.front();
    request.number = akeys.front().type == ValueType::kSingle ? result.recordSize : result.dataSize;
    return;
  }
  request.answer = std::make_unique<AnswerWriter>();
  for (const client::AkeyResult& result : results) {
    request.answer->u64(result.recordSize);
    request.answer->u64(result.dataSize);
    request.answer->u8(result.isWhole);
    request.answer->u32(static_cast<uint32_t>(result.mapped.size()));
    for (const Extent& extent : result.mapped) {
      request.answer->u64(extent.index);
      request.answer->u64(extent.count);
    }
  }
}

}  // namespace daos::node
