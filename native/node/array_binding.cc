#include "node/array_binding.h"

#include "client/array.h"
#include "node/client_core.h"

namespace daos::node {

namespace {

using ContainerRequest = ClientRequest<ContainerResource>;

// What every operation begins with: oid: objectId, cellSize: u64, chunkSize: u64. Behind its
// parameters may follow which span it belongs to, as of operations on objects.
Result<client::Array> arrayOf(ContainerResource& container, ContainerRequest& request) {
  CommandReader& reader = request.reader;
  const ObjectId oid = reader.objectId();
  client::ArrayShape shape{.cellSize = reader.u64()};
  shape.chunkSize = reader.u64();
  DAOS_TRY(auto object, container.objectOf(oid));
  return client::Array::open(std::move(object), shape, &request.cancellation());
}

template <typename Memory>
Result<client::ArrayTransfer<Memory>> readTransfer(ContainerRequest& request) {
  client::ArrayTransfer<Memory> transfer{.index = request.reader.u64()};
  transfer.epoch = request.reader.u64();
  transfer.timeoutNs = request.reader.u64();
  DAOS_CHECK(request.reader.status());
  if (request.data.size() != 1) return invalid("one buffer is needed");
  transfer.memory = request.data.front();
  return transfer;
}

// C++: Task<Result<Epoch>> Array::write(const ArrayWrite&)
// TS:  arrayWrite(array, index: u64, epoch: u64, timeoutNs: u64), data: Uint8Array: epoch
Task<Status> write(ContainerResource& container, client::Context&, ContainerRequest& request) {
  DAOS_CO_TRY(client::Array array, arrayOf(container, request));
  DAOS_CO_TRY(const client::ArrayWrite transfer, readTransfer<Bytes>(request));
  array.traceAs(request.reader.trace());
  DAOS_CO_TRY(request.number, co_await array.write(transfer));
  co_return Status();
}

// C++: Task<Result<uint64_t>> Array::read(const ArrayRead&)
// TS:  arrayRead(array, index: u64, epoch: u64, timeoutNs: u64), into: Uint8Array: cells
Task<Status> read(ContainerResource& container, client::Context&, ContainerRequest& request) {
  DAOS_CO_TRY(client::Array array, arrayOf(container, request));
  DAOS_CO_TRY(const client::ArrayRead transfer, readTransfer<MutableBytes>(request));
  array.traceAs(request.reader.trace());
  DAOS_CO_TRY(request.number, co_await array.read(transfer));
  co_return Status();
}

// C++: Task<Result<uint64_t>> Array::size(Epoch)
// TS:  arraySize(array, epoch: u64): cells
Task<Status> size(ContainerResource& container, client::Context&, ContainerRequest& request) {
  DAOS_CO_TRY(client::Array array, arrayOf(container, request));
  const Epoch epoch = request.reader.u64();
  array.traceAs(request.reader.trace());
  DAOS_CO_TRY(request.number, co_await array.size(epoch));
  co_return Status();
}

// C++: Task<Status> Array::setSize(uint64_t size)
// TS:  arraySetSize(array, size: u64): void
Task<Status> setSize(ContainerResource& container, client::Context&, ContainerRequest& request) {
  DAOS_CO_TRY(client::Array array, arrayOf(container, request));
  const uint64_t cells = request.reader.u64();
  array.traceAs(request.reader.trace());
  co_return co_await array.setSize(cells);
}

// C++: Task<Status> Array::punch(uint64_t index, uint64_t count)
// TS:  arrayPunch(array, index: u64, count: u64): void
Task<Status> punch(ContainerResource& container, client::Context&, ContainerRequest& request) {
  DAOS_CO_TRY(client::Array array, arrayOf(container, request));
  const uint64_t index = request.reader.u64();
  const uint64_t count = request.reader.u64();
  array.traceAs(request.reader.trace());
  co_return co_await array.punch(index, count);
}

template <auto function>
void onContainer(Call& call) {
  submitTo<ContainerResource>(call, HandleType::kContainer, function,
                              [](auto& container) -> auto& { return container->core; });
}

constexpr Function kFunctions[] = {
    {"arrayWrite", entry<onContainer<write>>}, {"arrayRead", entry<onContainer<read>>},
    {"arraySize", entry<onContainer<size>>},   {"arraySetSize", entry<onContainer<setSize>>},
    {"arrayPunch", entry<onContainer<punch>>},
};

}  // namespace

Functions arrayFunctions() { return kFunctions; }

}  // namespace daos::node
