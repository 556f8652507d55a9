#include "node/media_binding.h"

#include <cstdlib>
#include <cstring>

#include "bio/file_media.h"
#include "bio/memory_media.h"
#include "node/core.h"

namespace daos::node {

namespace {

class MediaCore : public Core {
 public:
  using Core::Core;
  std::unique_ptr<bio::IoRing> ring;  // files and devices only
  std::unique_ptr<bio::Media> media;

 protected:
  Status close() override {
    media.reset();
    ring.reset();
    return {};
  }
};

struct AlignedFree {
  void operator()(std::byte* memory) const { std::free(memory); }
};
using AlignedMemory = std::unique_ptr<std::byte[], AlignedFree>;

Result<AlignedMemory> allocateAligned(size_t sizeBytes) {
  void* memory = std::aligned_alloc(bio::kMediaBlockSize, alignUp(sizeBytes, bio::kMediaBlockSize));
  if (!memory)
    return Error(ErrorCode::kNomem, "no " + std::to_string(sizeBytes) + " bytes of aligned memory");
  return AlignedMemory(static_cast<std::byte*>(memory));
}

bool isAligned(Bytes bytes) {
  return reinterpret_cast<uintptr_t>(bytes.data()) % bio::kMediaBlockSize == 0;
}

Result<MutableBytes> dataOf(Request& request) {
  if (request.data.size() != 1) return invalid("one buffer is needed");
  return request.data.front();
}

// C++: Result<std::unique_ptr<Media>> openMemoryMedia(Reactor&, std::string name, uint64_t
//      sizeBytes, …)
// TS:  (as mediaOpenMemory)
Task<Status> openMemory(MediaCore& core, Request& request) {
  std::string name = request.reader.text();
  const uint64_t sizeBytes = request.reader.u64();
  DAOS_CO_CHECK(request.reader.status());
  DAOS_CO_TRY(core.media, bio::openMemoryMedia(core.reactor(), std::move(name), sizeBytes));
  co_return Status();
}

// C++: Status createMediaFile(const std::string& path, uint64_t sizeBytes, CreateFileOptions)
//      Result<std::unique_ptr<Media>> openFileMedia(IoRing&, const std::string& path,
//      FileMediaOptions)
// TS:  (as mediaOpenFile)
Task<Status> openFile(MediaCore& core, Request& request) {
  const std::string path = request.reader.text();
  const uint64_t createSizeBytes = request.reader.u64();
  const bool isWritten = request.reader.boolean();
  const bool isDirect = request.reader.boolean();
  DAOS_CO_CHECK(request.reader.status());
  if (createSizeBytes > 0) {
    DAOS_CO_CHECK(bio::createMediaFile(path, createSizeBytes,
                                       {.writtenBytes = isWritten ? createSizeBytes : 0}));
  }
  DAOS_CO_TRY(core.ring, bio::IoRing::create(core.reactor(), Log()));
  DAOS_CO_TRY(core.media, bio::openFileMedia(*core.ring, path, {.isDirect = isDirect}));
  co_return Status();
}

// C++: MediaAwaiter Media::read(uint64_t offset, MutableBytes into)
// TS:  mediaRead(offset: u64), into: Uint8Array: void
Task<Status> read(MediaCore& core, Request& request) {
  const uint64_t offset = request.reader.u64();
  DAOS_CO_TRY(MutableBytes into, dataOf(request));
  if (isAligned(into)) co_return co_await core.media->read(offset, into);
  DAOS_CO_TRY(AlignedMemory bounce, allocateAligned(into.size()));
  DAOS_CO_CHECK(co_await core.media->read(offset, {bounce.get(), into.size()}));
  std::memcpy(into.data(), bounce.get(), into.size());
  co_return Status();
}

// C++: MediaAwaiter Media::write(uint64_t offset, Bytes from), writeDurable(…)
// TS:  mediaWrite(offset: u64, isDurable: boolean), from: Uint8Array: void
Task<Status> write(MediaCore& core, Request& request) {
  const uint64_t offset = request.reader.u64();
  const bool isDurable = request.reader.boolean();
  DAOS_CO_TRY(Bytes from, dataOf(request));
  AlignedMemory bounce;
  if (!isAligned(from)) {
    DAOS_CO_TRY(bounce, allocateAligned(from.size()));
    std::memcpy(bounce.get(), from.data(), from.size());
    from = {bounce.get(), from.size()};
  }
  if (isDurable) co_return co_await core.media->writeDurable(offset, from);
  co_return co_await core.media->write(offset, from);
}

// C++: MediaAwaiter Media::flush()
// TS:  mediaFlush(): void
Task<Status> flush(MediaCore& core, Request&) { co_return co_await core.media->flush(); }

// C++: MediaAwaiter Media::discard(uint64_t offset, uint64_t size)
// TS:  mediaDiscard(offset: u64, sizeBytes: u64): void
Task<Status> discard(MediaCore& core, Request& request) {
  const uint64_t offset = request.reader.u64();
  const uint64_t sizeBytes = request.reader.u64();
  co_return co_await core.media->discard(offset, sizeBytes);
}

// C++: const MediaStatistics& Media::statistics(), sizeBytes(), sectorSizeBytes(), failure()
// TS:  mediaQuery(): text name, u64 sizeBytes, u64 sectorSizeBytes, text failure, u64
//      durableWriteCount, u64 inFlightCountMax, 4 × (u64 count, u64 sizeBytes, u64 errorCount, u64
//      p50Ns, u64 p99Ns)
Status query(MediaCore& core, Request& request) {
  const bio::Media& media = *core.media;
  const bio::MediaStatistics& statistics = media.statistics();
  auto answer = std::make_unique<AnswerWriter>();
  answer->text(media.name());
  answer->u64(media.sizeBytes());
  answer->u64(media.sectorSizeBytes());
  answer->text(media.failure() ? media.failure()->describe() : std::string());
  answer->u64(statistics.durableWriteCount);
  answer->u64(statistics.inFlightCountMax);
  for (const bio::OperationStatistics& operation : statistics.operations) {
    answer->u64(operation.count);
    answer->u64(operation.sizeBytes);
    answer->u64(operation.errorCount);
    answer->u64(operation.latency.percentileNs(500));
    answer->u64(operation.latency.percentileNs(990));
  }
  request.answer = std::move(answer);
  return {};
}

// C++: openMemory(core, request)
// TS:  mediaOpenMemory(name: text, sizeBytes: u64): Handle
void mediaOpenMemory(Call& call) { openCore<MediaCore>(call, HandleType::kMedia, {}, openMemory); }
// C++: openFile(core, request)
// TS:  mediaOpenFile(path: text, createSizeBytes: u64, isWritten: boolean, isDirect: boolean):
//      Handle
void mediaOpenFile(Call& call) { openCore<MediaCore>(call, HandleType::kMedia, {}, openFile); }
// C++: ~Media()
// TS:  mediaClose(): void
void mediaClose(Call& call) { closeCore(call, HandleType::kMedia); }

template <auto function>
void onMedia(Call& call) {
  runOn<MediaCore>(call, HandleType::kMedia, function);
}

// Memory aligned for Media, owned by the JavaScript object.
// TS: mediaAllocate(sizeBytes: u64): ArrayBuffer
class AllocateOperation : public Request {
 public:
  using Request::Request;
  AlignedMemory memory;
  size_t sizeBytes = 0;

  napi_value toValue(napi_env env) override {
    napi_value buffer;
    auto release = [](napi_env, void* bytes, void*) { std::free(bytes); };
    const napi_status made =
        napi_create_external_arraybuffer(env, memory.get(), sizeBytes, release, nullptr, &buffer);
    DAOS_ASSERT(made == napi_ok);
    (void)memory.release();
    return buffer;
  }
};

// C++: std::aligned_alloc(kMediaBlockSize, sizeBytes)
// TS:  mediaAllocate(sizeBytes: u64): ArrayBuffer
void mediaAllocate(Call& call) {
  auto* operation = new AllocateOperation(call);
  call.environment.begin(*operation);
  operation->sizeBytes = operation->reader.u64();
  auto memory = allocateAligned(operation->sizeBytes);
  if (!memory.ok()) return operation->finish(Status(std::move(memory).error()));
  operation->memory = std::move(*memory);
  std::memset(operation->memory.get(), 0, operation->sizeBytes);
  operation->finish(Status());
}

constexpr Function kFunctions[] = {
    {"mediaOpenMemory", entry<mediaOpenMemory>}, {"mediaOpenFile", entry<mediaOpenFile>},
    {"mediaClose", entry<mediaClose>},           {"mediaRead", entry<onMedia<read>>},
    {"mediaWrite", entry<onMedia<write>>},       {"mediaFlush", entry<onMedia<flush>>},
    {"mediaDiscard", entry<onMedia<discard>>},   {"mediaQuery", entry<onMedia<query>>},
    {"mediaAllocate", entry<mediaAllocate>},
};

}  // namespace

Functions mediaFunctions() { return kFunctions; }

}  // namespace daos::node
