// Pools: what is at the root of an arena, and the containers in it.
#include <algorithm>

#include "vos/collect.h"
#include "vos/evacuation.h"
#include "vos/places.h"
#include "vos/reduction.h"
#include "vos/state.h"

namespace daos::vos {

namespace {

Status checkRoot(const Arena& arena, const PoolIdentity& identity) {
  const Offset root = arena.root();
  const auto* found = arena.find<PoolRecord>(root);
  if (!found) return Error(ErrorCode::kDfInval, "the arena holds no pool");
  const PoolRecord& record = *found;
  if (record.magic != kPoolMagic)
    return Error(ErrorCode::kDfInval, "the pool's root record is damaged");
  if (record.version != kPoolVersion) {
    return Error(ErrorCode::kDfIncompt, "pool format version " + std::to_string(record.version) +
                                            ", this program reads " + std::to_string(kPoolVersion));
  }
  if (record.pool != identity.pool || record.targetIndex != identity.targetIndex) {
    return Error(ErrorCode::kMismatch, "this is target " + std::to_string(record.targetIndex) +
                                           " of pool " + record.pool.toString() + ", not target " +
                                           std::to_string(identity.targetIndex) + " of pool " +
                                           identity.pool.toString());
  }
  return {};
}

// In memory what the list in the arena says.
Status loadContainers(PoolState& state) {
  const Arena& arena = *state.arena;
  for (Offset at = state.record().containers; at != 0;) {
    const auto* record = arena.find<ContainerRecord>(at);
    if (!record || record->kind != kContainerKind || state.find(record->uuid)) {
      return Error(ErrorCode::kDfInval, "the list of containers is damaged");
    }
    state.containers.push_back(std::make_unique<ContainerState>(state, at));
    // Without the epochs that are pinned, aggregation would drop what snapshots see.
    if (!state.containers.back()->hasSoundSnapshots()) return damagedRecord("snapshots");
    at = record->next;
  }
  return {};
}

Status openMedia(PoolState& state, const PoolMedia& media) {
  const bool isWanted = state.record().mediaBitmap != 0;
  if (isWanted != (media.media != nullptr)) {
    return Error(ErrorCode::kMismatch, isWanted ? "the pool's bulk data lies on media of its own"
                                                : "the pool keeps all data in its arena");
  }
  if (!isWanted) return {};
  DAOS_TRY(state.media,
           MediaArea::open(*state.arena, state.record(), *media.media, *media.buffers));
  return {};
}

void setReserve(PoolState& state) {
  const uint64_t total = state.arena->space().totalBytes;
  state.arena->heap().setReserve(total / 100 * state.options.reservePercent);
}

}  // namespace

ContainerState::ContainerState(PoolState& poolState, Offset recordOffset)
    : pool(poolState), arena(*poolState.arena), offset(recordOffset), handle(*this) {}

ContainerState::~ContainerState() = default;

ContainerState* PoolState::find(const Uuid& uuid) const {
  for (const auto& container : containers) {
    if (container->record().uuid == uuid) return container.get();
  }
  return nullptr;
}

Pool::Pool(std::unique_ptr<PoolState> state) : state_(std::move(state)) {}
Pool::~Pool() = default;

Result<std::unique_ptr<Pool>> Pool::create(std::unique_ptr<Arena> arena, PoolMedia media,
                                           const PoolIdentity& identity,
                                           const PoolOptions& options) {
  if (arena->root() != 0) return Error(ErrorCode::kExist, "the arena holds a pool already");
  auto state = std::make_unique<PoolState>(std::move(arena));
  state->options = options;
  state->readTimes.emplace(options.readFloor);
  Arena& memory = *state->arena;
  memory.begin();
  const Offset root = memory.allocate(sizeof(PoolRecord));
  if (root == 0) {
    memory.abort();
    return Error(ErrorCode::kNospace, "the arena is too small for a pool");
  }
  *memory.at<PoolRecord>(root) =
      PoolRecord{kPoolMagic, kPoolVersion, identity.targetIndex, identity.pool, 0, 0, 0, 0, 0};
  if (media.media) {
    if (Status made = MediaArea::format(memory, *memory.at<PoolRecord>(root), *media.media);
        !made.ok()) {
      memory.abort();
      return std::move(made).error();
    }
  }
  memory.setRoot(root);
  memory.commit();
  DAOS_CHECK(openMedia(*state, media));
  setReserve(*state);
  return std::unique_ptr<Pool>(new Pool(std::move(state)));
}

Result<std::unique_ptr<Pool>> Pool::open(std::unique_ptr<Arena> arena, PoolMedia media,
                                         const PoolIdentity& identity, const PoolOptions& options) {
  DAOS_CHECK(checkRoot(*arena, identity));
  auto state = std::make_unique<PoolState>(std::move(arena));
  state->options = options;
  state->readTimes.emplace(options.readFloor);
  DAOS_CHECK(openMedia(*state, media));
  state->epochCeiling = state->epochNewest = state->record().epochCeiling;
  DAOS_CHECK(loadContainers(*state));
  for (const auto& container : state->containers)
    DAOS_CHECK(container->transactions.load(*container));
  setReserve(*state);
  return std::unique_ptr<Pool>(new Pool(std::move(state)));
}

Result<Ticket> Pool::createContainer(const Uuid& uuid) {
  if (state_->find(uuid))
    return Error(ErrorCode::kExist, "container " + uuid.toString() + " exists already");
  Arena& arena = *state_->arena;
  arena.begin();
  const Offset block = arena.allocate(sizeof(ContainerRecord));
  if (block == 0) {
    arena.abort();
    return Error(ErrorCode::kNospace, "the arena has no room for a container");
  }
  ContainerRecord record{};
  record.kind = kContainerKind;
  record.next = state_->record().containers;
  record.uuid = uuid;
  *arena.at<ContainerRecord>(block) = record;
  arena.modify(state_->record().containers) = block;
  const Ticket ticket = arena.commit();
  state_->containers.push_back(std::make_unique<ContainerState>(*state_, block));
  return ticket;
}

Result<Ticket> Pool::destroyContainer(const Uuid& uuid) {
  ContainerState* doomed = state_->find(uuid);
  if (!doomed) return Error(ErrorCode::kNonexist, "no container " + uuid.toString());
  if (doomed->openCount != 0)
    return Error(ErrorCode::kBusy, "container " + uuid.toString() + " is open");
  Arena& arena = *state_->arena;
  PoolRecord& pool = state_->record();
  arena.begin();
  Offset* link = &pool.containers;
  for (size_t i = 0; *link != doomed->offset; ++i) {
    auto* before = arena.find<ContainerRecord>(*link);
    if (!before || i >= state_->containers.size()) {
      arena.abort();
      return damagedRecord("list of containers");
    }
    link = &before->next;
  }
  arena.modify(*link) = doomed->record().next;
  arena.modify(doomed->record().next) = pool.garbage;
  arena.modify(pool.garbage) = doomed->offset;
  const Ticket ticket = arena.commit();
  std::erase_if(state_->containers,
                [doomed](const auto& container) { return container.get() == doomed; });
  return ticket;
}

bool Pool::hasGarbage() const { return state_->record().garbage != 0; }

Result<bool> Pool::collectStep(uint32_t budgetCount) {
  PoolRecord& pool = state_->record();
  if (pool.garbage == 0) return false;
  Arena& arena = *state_->arena;
  const auto* garbage = arena.find<ContainerRecord>(pool.garbage);
  const bool isAlive = std::any_of(
      state_->containers.begin(), state_->containers.end(),
      [&pool](const auto& container) { return container->offset == pool.garbage; });
  if (!garbage || garbage->kind != kContainerKind || isAlive) return damagedRecord("container");
  ContainerState doomed(*state_, pool.garbage);
  WriteScope scope(doomed, 0, HeapUse::kReclaim);
  CollectBudget budget{budgetCount, arena};
  DAOS_TRY(bool isEmpty, collectObjects(scope, &doomed.record().objects, budget));
  if (isEmpty) {
    DAOS_TRY(isEmpty, Transactions::collect(scope, budget));
  }
  if (isEmpty) {
    if (doomed.record().snapshots != 0) arena.free(doomed.record().snapshots);
    const Offset next = doomed.record().next;
    arena.free(doomed.offset);
    arena.modify(pool.garbage) = next;
  }
  DAOS_CHECK(scope.commit());
  return pool.garbage != 0;
}

Result<Container*> Pool::openContainer(const Uuid& uuid) {
  ContainerState* container = state_->find(uuid);
  if (!container) return Error(ErrorCode::kNonexist, "no container " + uuid.toString());
  ++container->openCount;
  return &container->handle;
}

void Pool::closeContainer(Container* container) {
  for (const auto& state : state_->containers) {
    if (&state->handle != container) continue;
    DAOS_ASSERT(state->openCount > 0);
    if (--state->openCount == 0) state->reduction.reset();
    return;
  }
  DAOS_ASSERT(!"a container of another pool");
}

std::vector<Uuid> Pool::listContainers() const {
  std::vector<Uuid> uuids;
  for (const auto& container : state_->containers) uuids.push_back(container->record().uuid);
  std::sort(uuids.begin(), uuids.end());
  return uuids;
}

PoolSpace Pool::space() const {
  PoolSpace space{.arena = state_->arena->space()};
  if (state_->media) {
    space.mediaTotalBytes = state_->media->totalBytes();
    space.mediaUsedBytes = state_->media->usedBytes();
    space.mediaPrewrittenBytes =
        (state_->media->prewriter().writtenCount() - 1) * bio::kMediaBlockSize;
  }
  return space;
}

namespace {

constexpr uint64_t kMediaGrain = 1 << 20;

uint64_t mediaBlocksOf(uint64_t sizeBytes) {
  return alignUp(sizeBytes, kMediaGrain) / bio::kMediaBlockSize;
}

}  // namespace

uint64_t Pool::mediaSizeBytes() const {
  return state_->record().mediaBlocks * bio::kMediaBlockSize;
}

bool Pool::isMediaSize(uint64_t sizeBytes) const {
  return state_->record().mediaBlocks == mediaBlocksOf(sizeBytes);
}

Status Pool::checkMediaSize(uint64_t sizeBytes) const {
  if (!state_->media || sizeBytes == 0) {
    return invalid("a pool keeps the tiers that it was made with: it has a data area, or none");
  }
  return MediaArea::checkResize(*state_->arena, state_->record(), mediaBlocksOf(sizeBytes));
}

Task<Status> Pool::evacuateMedia(uint64_t sizeBytes, std::function<bool()> isStopped) {
  if (!state_->media || sizeBytes == 0) co_return checkMediaSize(sizeBytes);
  const uint64_t endBlock = alignUp(sizeBytes, bio::kMediaBlockSize) / bio::kMediaBlockSize;
  if (endBlock >= state_->record().mediaBlocks) co_return Status{};
  Evacuation evacuation(*this, *state_, endBlock);
  co_return co_await evacuation.run(std::move(isStopped));
}

Result<Ticket> Pool::resizeMedia(uint64_t sizeBytes) {
  DAOS_CHECK(checkMediaSize(sizeBytes));
  Arena& arena = *state_->arena;
  bio::Media& media = state_->media->media();
  bio::DmaPool& buffers = state_->media->buffers();
  if (isMediaSize(sizeBytes)) return arena.lastTicket();
  if (mediaBlocksOf(sizeBytes) > media.sizeBytes() / bio::kMediaBlockSize) {
    return Error(ErrorCode::kNospace, media.name() + " has " + std::to_string(media.sizeBytes()) +
                                          " bytes, too few for a data area of " +
                                          std::to_string(sizeBytes));
  }
  arena.begin();
  if (Status status = MediaArea::resize(arena, state_->record(), mediaBlocksOf(sizeBytes));
      !status.ok()) {
    arena.abort();
    return std::move(status).error();
  }
  const Ticket ticket = arena.commit();
  DAOS_TRY(state_->media, MediaArea::open(arena, state_->record(), media, buffers));
  return ticket;
}

bool Pool::hasReservedBlocks() const {
  return state_->media && state_->media->media().hasReservedBlocks();
}

uint64_t Pool::absorbedBytes() const { return state_->absorbed.heldBytes(); }

bool Pool::isFullOfAbsorbed() const {
  return state_->media && state_->absorbed.heldBytes() > state_->absorbed.budgetBytes() / 4;
}

Task<Result<bool>> Pool::settleStep(uint64_t sizeMax) {
  if (!state_->media) co_return false;
  co_return co_await state_->absorbed.settle(sizeMax);
}

Task<Status> Pool::beginPrewriting() { return state_->media->prewriter().begin(); }

Task<Result<bool>> Pool::prewriteStep(uint64_t sizeBytes) {
  return state_->media->prewriter().step(sizeBytes);
}

bool Pool::isPrewriting() const {
  return state_->media && state_->media->prewriter().takenCount() > 0;
}

Task<Status> Pool::notePrewriting() { return state_->media->prewriter().note(); }

bool Pool::hasDroppedData() const { return state_->media && state_->media->hasDropped(); }

Epoch Pool::epochMax() const { return state_->epochCeiling; }

Result<Ticket> Pool::raiseEpochMax(Epoch epoch) {
  Arena& arena = *state_->arena;
  if (epoch <= state_->epochCeiling) return arena.lastTicket();
  if (!arena.isUsable()) return Error(ErrorCode::kIo, "the arena has failed");
  arena.begin();
  state_->raiseCeiling(epoch);
  return arena.commit();
}

Arena& Pool::arena() { return *state_->arena; }

bool Pool::isDurable(Ticket ticket) { return state_->arena->isDurable(ticket); }

const Uuid& Container::uuid() const { return state_.record().uuid; }

Result<Ticket> Container::commit(std::span<const TransactionId> ids) {
  for (const TransactionId& id : ids) {
    DAOS_CHECK(state_.transactions.settle(state_, id, TransactionPhase::kCommitting));
  }
  return state_.arena.lastTicket();
}

Result<Ticket> Container::abort(std::span<const TransactionId> ids) {
  for (const TransactionId& id : ids) {
    DAOS_CHECK(state_.transactions.settle(state_, id, TransactionPhase::kAborting));
  }
  return state_.arena.lastTicket();
}

TransactionState Container::transactionState(const TransactionId& id) const {
  return state_.transactions.stateOf(state_, id);
}

std::vector<TransactionInfo> Container::preparedTransactions() const {
  return state_.transactions.prepared(state_.arena);
}

Epoch Container::operationEpoch(const OperationId& operation) const {
  return state_.transactions.epochOf(state_, operation);
}

Result<bool> Container::forgetCommittedStep(Epoch upTo, uint32_t budget) {
  return state_.transactions.forgetCommitted(state_, upTo, budget);
}

ContainerUsage Container::usage() const {
  const ContainerRecord& record = state_.record();
  return {record.arenaBytes, record.mediaBytes, record.objectCount};
}

bool Container::holdsObject(const ObjectId& oid) const {
  ObjectPlace object;
  return object.find(state_, oid).ok() && !object.isNew();
}

void PoolState::raiseCeiling(Epoch epoch) {
  // Shorter than any restart takes, or a store restarted over and over would run ahead of the
  // clock.
  constexpr uint64_t kStepNs = 20000000;
  epochCeiling = epoch < kEpochMax - kStepNs ? epoch + kStepNs : kEpochMax - 1;
  arena->modify(record().epochCeiling) = epochCeiling;
}

Status WriteScope::enter(const WriteContext& write) {
  if (!write.operation.isNone())
    DAOS_CHECK(container_.transactions.addOperation(*this, write.operation, write.epoch));
  if (write.transaction.isNil()) return {};
  if (write.commitsTransaction) {
    if (container_.transactions.numberOf(write.transaction) != 0) {
      return invalid("a transaction that has prepared writes is not committed by another one");
    }
    return container_.transactions.addCommitted(*this, write.transaction, write.epoch);
  }
  DAOS_TRY(transaction_, container_.transactions.enter(*this, write.transaction, write.epoch));
  return {};
}

Status WriteScope::useMedia(MediaPiece& piece) {
  mediaBytes_ += static_cast<int64_t>(piece.bytes().size());
  return container_.pool.media->use(piece, mediaChanges_);
}

Status WriteScope::dropMedia(uint64_t address, uint64_t size) {
  if (!container_.pool.media) return damagedRecord("it names media, and there is none");
  mediaBytes_ -= static_cast<int64_t>(MediaArea::roundedSize(size));
  return container_.pool.media->drop(address, size, mediaChanges_);
}

void WriteScope::undo() {
  arena_.abort();
  if (container_.pool.media) container_.pool.media->aborted(mediaChanges_);
  if (!newTransaction_.isNil()) container_.transactions.forget(newTransaction_);
  // Both may have been raised by what was undone. A newest epoch that stayed would keep the next
  // write below it from raising the ceiling.
  container_.pool.epochCeiling = container_.pool.record().epochCeiling;
  container_.pool.epochNewest = epochBefore_;
}

Result<Ticket> WriteScope::commit() {
  if (arena_.hasMetDamage()) return damagedRecord("it names what is not there");
  isCommitted_ = true;
  ContainerRecord& record = container_.record();
  const auto add = [this](uint64_t& total, int64_t count) {
    if (count != 0) arena_.modifyPrepared(total) += static_cast<uint64_t>(count);
  };
  add(record.arenaBytes, usedBytes_);
  add(record.mediaBytes, mediaBytes_);
  add(record.objectCount, objectCount_);
  if (replaced_) arena_.modifyPrepared(*replaced_) = replacement_;
  const Ticket ticket = arena_.commit();
  if (newDkeyWord_ != 0) container_.pool.dkeys.remember(newDkeyName_, newDkeyWord_);
  if (container_.pool.media) container_.pool.media->committed(mediaChanges_, ticket);
  return ticket;
}

Error WriteScope::noSpace() const {
  if (arena_.hasMetDamage()) return damagedTree();
  const HeapSpace space = arena_.space();
  return Error(ErrorCode::kNospace, "the arena is full: " + std::to_string(space.usedBytes) +
                                        " of " + std::to_string(space.totalBytes) +
                                        " bytes used, " + std::to_string(space.reserveBytes) +
                                        " kept in reserve");
}

}  // namespace daos::vos
