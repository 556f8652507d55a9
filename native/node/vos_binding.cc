#include "node/vos_binding.h"

#include "node/descriptors.h"
#include "node/fetch_answer.h"
#include "node/vos_core.h"

namespace daos::node {

namespace {

// C++: Task<Status> VosCore::open(path, sizes, arenaKind)
// TS:  vosOpen(path: text, isCreated: boolean, arenaBytes: u64, dataBytes: u64, arenaKind: u8):
//      Handle
Task<Status> open(VosCore& core, Request& request) {
  CommandReader& reader = request.reader;
  std::string path = reader.text();
  const bool isCreated = reader.boolean();
  engine::PoolSizes sizes{.arenaBytes = reader.u64()};
  sizes.dataBytes = reader.u64();
  const auto arenaKind = static_cast<engine::ArenaKind>(reader.u8());
  DAOS_CO_CHECK(reader.status());
  std::optional<engine::PoolSizes> created;
  if (isCreated) created = sizes;
  co_return co_await core.open(std::move(path), created, arenaKind);
}

// C++: Result<Ticket> Pool::createContainer(const Uuid&)
// TS:  vosCreateContainer(container: uuid): void
Task<Status> createContainer(VosCore& core, Request& request) {
  DAOS_CO_TRY(const vos::Ticket ticket, core.pool().createContainer(request.reader.uuid()));
  co_return co_await core.settle(ticket);
}

// C++: Result<Ticket> Pool::destroyContainer(const Uuid&)
// TS:  vosDestroyContainer(container: uuid): void
Task<Status> destroyContainer(VosCore& core, Request& request) {
  const Uuid uuid = request.reader.uuid();
  co_return co_await core.destroyContainer(uuid);
}

// C++: std::vector<Uuid> Pool::listContainers()
// TS:  vosListContainers(): u32 count, text…
Status listContainers(VosCore& core, Request& request) {
  const std::vector<Uuid> containers = core.pool().listContainers();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u32(static_cast<uint32_t>(containers.size()));
  for (const Uuid& container : containers) request.answer->text(container.toString());
  return {};
}

// C++: PoolSpace Pool::space()
// TS:  vosSpace(): u64 arenaTotalBytes, u64 arenaUsedBytes, u64 dataTotalBytes, u64 dataUsedBytes
Status space(VosCore& core, Request& request) {
  const vos::PoolSpace found = core.pool().space();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u64(found.arena.totalBytes);
  request.answer->u64(found.arena.usedBytes);
  request.answer->u64(found.mediaTotalBytes);
  request.answer->u64(found.mediaUsedBytes);
  return {};
}

// Resolves with the handle of the container that it opened.
class OpenContainerRequest : public CoreRequest<VosCore> {
 public:
  using CoreRequest::CoreRequest;
  vos::Container* opened = nullptr;
  napi_value toValue(napi_env) override {
    number = environment.handles().add(HandleType::kVosContainer,
                                       std::make_shared<VosContainer>(core(), opened));
    return nullptr;
  }
};

// C++: Result<Container*> Pool::openContainer(const Uuid&)
// TS:  vosOpenContainer(container: uuid): Handle
Status openContainer(VosCore& core, Request& request) {
  DAOS_TRY(static_cast<OpenContainerRequest&>(request).opened,
           core.openContainer(request.reader.uuid()));
  return {};
}

// C++: void Pool::closeContainer(Container*)
// TS:  vosCloseContainer(): void
Status closeContainer(VosContainer& container, Request&) {
  container.core().closeContainer(&container.container());
  return {};
}

// C++: ContainerUsage Container::usage()
// TS:  vosUsage(): u64 arenaBytes, u64 dataBytes, u64 objectCount
Status usage(VosContainer& container, Request& request) {
  const vos::ContainerUsage found = container.container().usage();
  request.answer = std::make_unique<AnswerWriter>();
  request.answer->u64(found.arenaBytes);
  request.answer->u64(found.mediaBytes);
  request.answer->u64(found.objectCount);
  return {};
}

void vosOpen(Call& call) { openCore<VosCore>(call, HandleType::kVosPool, {}, open); }
void vosClose(Call& call) { closeCore(call, HandleType::kVosPool); }

void vosOpenContainer(Call& call) {
  auto core = call.resource<VosCore>(HandleType::kVosPool);
  if (!core) return;
  (new OpenContainerRequest(call, std::move(core)))->begin(openContainer);
}

void vosCloseContainer(Call& call) {
  auto container = call.resource<VosContainer>(HandleType::kVosContainer);
  if (!container) return;
  call.environment.handles().remove(HandleType::kVosContainer, call.handle);
  if (!container->isOpen()) return call.succeed();
  (new CoreRequest<VosContainer>(call, std::move(container)))->begin(closeContainer);
}

template <auto function>
void onPool(Call& call) {
  runOn<VosCore>(call, HandleType::kVosPool, function);
}

template <auto function>
void onContainer(Call& call) {
  runOn<VosContainer>(call, HandleType::kVosContainer, function);
}

constexpr Function kFunctions[] = {
    {"vosOpen", entry<vosOpen>},
    {"vosClose", entry<vosClose>},
    {"vosSpace", entry<onPool<space>>},
    {"vosCreateContainer", entry<onPool<createContainer>>},
    {"vosDestroyContainer", entry<onPool<destroyContainer>>},
    {"vosListContainers", entry<onPool<listContainers>>},
    {"vosOpenContainer", entry<vosOpenContainer>},
    {"vosCloseContainer", entry<vosCloseContainer>},
    {"vosUsage", entry<onContainer<usage>>},
};

}  // namespace

Functions vosFunctions() { return kFunctions; }

}  // namespace daos::node
