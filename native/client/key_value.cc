#include "client/key_value.h"

namespace daos::client {

namespace {

const Bytes kAkey = bytesOf("0");

}  // namespace

Task<Result<Epoch>> KeyValue::put(Bytes key, Bytes value, KeyValueOptions options) const {
  if (value.empty()) {
    co_return invalid("a value has at least one byte: an empty one could not be told from none");
  }
  const IoDescriptor akey{.akey = kAkey, .recordSize = value.size()};
  co_return co_await update(*object_, {.dkey = key,
                                       .akeys = {&akey, 1},
                                       .data = {&value, 1},
                                       .conditions = options.conditions,
                                       .epoch = options.epoch,
                                       .timeoutNs = options.timeoutNs});
}

Task<Result<uint64_t>> KeyValue::get(Bytes key, MutableBytes room, KeyValueOptions options) const {
  const IoDescriptor akey{.akey = kAkey, .recordSize = room.size()};
  AkeyResult found;
  FetchArguments arguments{.dkey = key,
                           .akeys = {&akey, 1},
                           .results = {&found, 1},
                           .conditions = options.conditions,
                           .epoch = options.epoch,
                           .timeoutNs = options.timeoutNs};
  if (!room.empty()) arguments.buffers = {&room, 1};
  const auto epoch = co_await fetch(*object_, arguments);
  if (!epoch.ok()) co_return epoch.error();
  co_return found.recordSize;
}

Task<Result<Epoch>> KeyValue::remove(Bytes key, KeyValueOptions options) const {
  co_return co_await punch(*object_, {.level = protocol::PunchLevel::kDkey,
                                      .dkey = key,
                                      .conditions = options.conditions,
                                      .epoch = options.epoch,
                                      .timeoutNs = options.timeoutNs});
}

Task<Result<Epoch>> KeyValue::clear(KeyValueOptions options) const {
  co_return co_await punch(*object_, {.level = protocol::PunchLevel::kObject,
                                      .conditions = options.conditions,
                                      .epoch = options.epoch,
                                      .timeoutNs = options.timeoutNs});
}

Task<Result<std::vector<std::string>>> KeyValue::list(EnumerationAnchor& anchor, uint32_t countMax,
                                                      KeyValueOptions options) const {
  DAOS_CO_TRY(EnumerationPage page,
              co_await enumerate(*object_,
                                 {.level = protocol::EnumerateLevel::kDkeys,
                                  .countMax = countMax,
                                  .epoch = options.epoch,
                                  .timeoutNs = options.timeoutNs},
                                 anchor));
  co_return std::move(page.keys);
}

}  // namespace daos::client
