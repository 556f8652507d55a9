#include "vos/proof/history_runner.h"

#include <algorithm>
#include <tuple>

#include "vos/proof/pattern.h"

namespace daos::vos::proof {

// More than most histories write.
static constexpr uint64_t kDiskSize = 64 << 20;

// Fills the buffers of a pending update: each extent has one of its own.
void fillBuffers(const Operation& operation, const PendingUpdate& pending) {
  auto buffer = pending.buffers().begin();
  for (const AkeyPart& part : operation.akeys) {
    uint64_t offset = 0;
    const size_t count = part.isArray() ? part.extents.size() : 1;
    for (size_t i = 0; i < count && part.recordSize != 0; ++i) {
      DAOS_ASSERT(buffer != pending.buffers().end());
      fillPattern(part.value, offset, *buffer);
      offset += buffer->size();
      ++buffer;
    }
  }
}

WriteContext writeOf(const Operation& operation) {
  return {operation.epoch, operation.minor, transactionId(operation.transaction),
          operation.conditions, operation.isOnce};
}

namespace {

// What makes two entries the same one, whatever else they say.
auto identityOf(const Listed& entry) {
  return std::tie(entry.oid, entry.key, entry.extent.index, entry.extent.count, entry.epoch,
                  entry.minor);
}

bool holdsSame(const std::vector<Listed>& entries, const Listed& entry) {
  return std::any_of(entries.begin(), entries.end(),
                     [&](const Listed& other) { return identityOf(other) == identityOf(entry); });
}

// The data of an update, one buffer per descriptor.
std::vector<std::vector<std::byte>> dataOf(const Operation& operation,
                                           std::span<const IoDescriptor> descriptors) {
  std::vector<std::vector<std::byte>> data;
  for (size_t i = 0; i < descriptors.size(); ++i) {
    data.emplace_back(dataSize(descriptors[i]));
    fillPattern(operation.akeys[i].value, 0, data.back());
  }
  return data;
}

Status update(Container& container, const Operation& operation, DataDisk* disk) {
  const std::vector<IoDescriptor> descriptors = descriptorsOf(operation);
  UpdateRequest request;
  request.oid = operation.oid;
  request.dkey = operation.dkeyBytes();
  request.descriptors = descriptors;
  const UpdateChecksums checksums(operation);
  request.checksums = checksums.all();
  request.write = writeOf(operation);
  if (operation.isPending) {
    DAOS_TRY(PendingUpdate pending, container.updateBegin(request));
    fillBuffers(operation, pending);
    if (disk) DAOS_CHECK(disk->run(pending.writeData()));
    DAOS_TRY([[maybe_unused]] const Ticket ticket, container.updateEnd(pending));
    return {};
  }
  const auto data = dataOf(operation, descriptors);
  const std::vector<Bytes> ranges(data.begin(), data.end());
  DAOS_TRY([[maybe_unused]] const Ticket ticket, container.update(request, ranges));
  return {};
}

Status punch(Container& container, const Operation& operation) {
  std::vector<Bytes> akeys;
  for (const AkeyPart& part : operation.akeys) akeys.push_back(bytesOf(part.akey));
  PunchRequest request;
  request.oid = operation.oid;
  request.dkey = operation.dkeyBytes();
  request.akeys = akeys;
  request.write = writeOf(operation);
  DAOS_TRY([[maybe_unused]] const Ticket ticket, container.punch(request));
  return {};
}

std::vector<TransactionId> idsOf(const Operation& operation) {
  std::vector<TransactionId> ids;
  for (const uint32_t id : operation.ids) ids.push_back(transactionId(id));
  return ids;
}

// An aggregation or discard that has begun, step by step. Some bring nothing to media.
Status reduce(Container& container, const Operation& operation, DataDisk* disk) {
  const bool isWriting = disk && operation.budget % 5 != 0;
  for (uint32_t step = 1;; ++step) {
    if (isWriting) DAOS_CHECK(disk->run(container.writeReduction()));
    DAOS_TRY(const bool isMore, container.reduceStep(operation.budget));
    if (!isMore) return {};
    if (step == operation.stepCount) break;
  }
  container.cancelReduction();
  return {};
}

Status forget(Container& container, const Operation& operation) {
  while (true) {
    DAOS_TRY(const bool isMore, container.forgetCommittedStep(operation.epoch, operation.budget));
    if (!isMore) return {};
  }
}

Status asStatus(Result<Ticket> ticket) {
  return ticket.ok() ? Status{} : Status(std::move(ticket).error());
}

}  // namespace

Status HistoryRunner::write(Container& container, const Operation& operation, DataDisk* disk) {
  switch (operation.verb) {
    case Verb::kUpdate: return update(container, operation, disk);
    case Verb::kPunch: return punch(container, operation);
    case Verb::kCommit: return asStatus(container.commit(idsOf(operation)));
    case Verb::kAbort: return asStatus(container.abort(idsOf(operation)));
    case Verb::kForget: return forget(container, operation);
    case Verb::kPin: return asStatus(container.createSnapshot(operation.epoch));
    case Verb::kUnpin: return asStatus(container.deleteSnapshot(operation.epoch));
    case Verb::kAggregate:
      DAOS_CHECK(container.beginAggregation(operation.epoch));
      return reduce(container, operation, disk);
    case Verb::kDiscard:
      DAOS_CHECK(container.beginDiscard({operation.epochLow, operation.epoch}));
      return reduce(container, operation, disk);
    default: return Error(ErrorCode::kInval, "an operation that changes nothing");
  }
}

Difference HistoryRunner::step(const Operation& operation) {
  Comparison comparison = this->comparison();
  switch (operation.verb) {
    case Verb::kFetch:
      return fetch(operation);
    case Verb::kQuery:
      return comparison.query(operation);
    case Verb::kList:
      return beginList(operation);
    case Verb::kContinue:
      return continueList(operation.pageSize);
    case Verb::kCompare:
      if (Difference difference = space()) return difference;
      return comparison.everything(operation.epoch, operation.pageSize);
    case Verb::kReopen:
      return reopen();
    default:
      return modify(operation);
  }
}

Comparison HistoryRunner::comparison() {
  DataDisk* disk = store_.disk();
  if (!disk) return {store_.container(), model_};
  return {store_.container(), model_,
          [disk](FetchResult& result) { return disk->run(result.readMedia()); }};
}

// Nothing is in use on media but what versions name: no read is under way, and every transaction is
// durable.
Difference HistoryRunner::space() {
  const uint64_t used = store_.pool().space().mediaUsedBytes;
  const uint64_t named = store_.container().usage().mediaBytes;
  if (used == named) return {};
  return std::to_string(used) + " bytes of the data area are in use, versions name " +
         std::to_string(named);
}

Difference HistoryRunner::fetch(const Operation& operation) {
  Comparison comparison = this->comparison();
  Difference difference = comparison.fetch(operation);
  // A read that told something is remembered, also when that is an error.
  const ErrorCode code = comparison.fetchCode();
  const bool hasTold = code == ErrorCode::kOk || code == ErrorCode::kNonexist ||
                       code == ErrorCode::kExist || code == ErrorCode::kRecSize;
  if (operation.isTracked && hasTold) model_.noteRead(operation);
  return difference;
}

Difference HistoryRunner::modify(const Operation& operation) {
  if (Difference difference = settle()) return difference;
  const Verdict verdict = model_.judge(operation);
  const Status status = write(store_.container(), operation, store_.disk());
  const PoolSpace space = store_.pool().space();
  const bool isNearlyFull = space.arena.freeBytes() < space.arena.totalBytes / 4 ||
                            space.mediaUsedBytes > space.mediaTotalBytes / 4 * 3;
  const bool isFull = status.code() == ErrorCode::kNospace && isNearlyFull;
  if (!verdict.permits(status.code()) && !isFull) {
    return "it ends with " + (status.ok() ? "success" : status.error().describe()) + ", expected " +
           verdict.toText();
  }
  const bool isSettling = operation.verb == Verb::kCommit || operation.verb == Verb::kAbort;
  // Ids before one that is refused are settled.
  if (status.ok() || isSettling) {
    model_.apply(operation);
    noteChange();
  }
  if (operation.verb == Verb::kAggregate || operation.verb == Verb::kUnpin) cursor_.reset();
  if (!operation.isWrite()) return {};
  const ErrorCode code = status.code();
  if (code == ErrorCode::kInval || code == ErrorCode::kKey2big || code == ErrorCode::kOverflow)
    return {};
  return comparison().touched(operation);
}

// Some of what was absorbed, now and then.
Difference HistoryRunner::settle() {
  constexpr uint64_t kEvery = 16;
  constexpr uint64_t kBytes = 8 << 10;
  if (!store_.disk() || ++modifyCount_ % kEvery != 0) return {};
  const auto settled = store_.disk()->run(store_.pool().settleStep(kBytes));
  if (settled.ok()) return {};
  return "what was absorbed is not brought to media: " + settled.error().describe();
}

Difference HistoryRunner::reopen() {
  const Status status = store_.reopen();
  model_.forgetReads();
  if (status.ok()) return {};
  return "the pool does not open: " + status.error().describe();
}

void HistoryRunner::noteChange() {
  if (!cursor_) return;
  const std::vector<Listed> now = expectedEntries(model_, cursor_->listing);
  std::erase_if(cursor_->lasting, [&](const Listed& entry) { return !holdsSame(now, entry); });
}

Difference HistoryRunner::beginList(const Operation& operation) {
  const Listing listing = Listing::of(operation);
  // Visible extents are no lasting things: each write cuts them anew. What was aggregated is looked
  // at as a whole as well.
  const bool isVolatile = listing.level == Level::kExtent && listing.versions == Versions::kVisible;
  const std::optional<Listing> rest = comparable(model_, listing);
  const bool isWhole = rest && rest->epochs.low == listing.epochs.low;
  if (isVolatile || !isWhole || !model_.isReadable(listing.epochs.high))
    return comparison().list(listing, operation.pageSize);
  cursor_.emplace();
  cursor_->listing = listing;
  cursor_->lasting = expectedEntries(model_, listing);
  return continueList(operation.pageSize);
}

Difference HistoryRunner::continueList(uint32_t pageSize) {
  if (!cursor_) return {};
  auto page = listPage(store_.container(), cursor_->listing, pageSize, cursor_->anchor);
  if (!page.ok()) return "the enumeration ends with " + page.error().describe();
  normalise(model_, cursor_->listing, *page);
  const std::vector<Listed> now = expectedEntries(model_, cursor_->listing);
  for (const Listed& entry : *page) {
    if (std::find(now.begin(), now.end(), entry) == now.end()) {
      return "the enumeration returns what is not there: " + toText(entry);
    }
    if (holdsSame(cursor_->seen, entry)) return "the enumeration returns twice: " + toText(entry);
    cursor_->seen.push_back(entry);
  }
  if (cursor_->anchor.isEnd) return endList();
  return page->empty() ? Difference("the enumeration returns neither an entry nor its end")
                       : Difference{};
}

Difference HistoryRunner::endList() {
  const Cursor cursor = std::move(*cursor_);
  cursor_.reset();
  for (const Listed& entry : cursor.lasting) {
    if (!holdsSame(cursor.seen, entry)) return "the enumeration left out: " + toText(entry);
  }
  return {};
}

// What takes several arena transactions may have come any part of its way. Of an aggregation no
// reader notices how far; the others are begun again, as whoever began them would.
Difference takeInFlight(Container& container, const Operation& operation, ReferenceModel& model) {
  Operation done = operation;
  if (operation.verb == Verb::kAggregate) done.stepCount = 1;
  if (operation.verb == Verb::kDiscard || operation.verb == Verb::kForget) {
    const Status again = HistoryRunner::write(container, operation);
    if (!again.ok()) return "begun again, it ends with " + again.error().describe();
  } else if (!model.judge(operation).permits(ErrorCode::kOk)) {
    return "it was done, expected " + model.judge(operation).toText();
  }
  model.apply(done);
  return {};
}

std::optional<Failure> runHistory(std::span<const Operation> history, ArenaSource& source,
                                  uint64_t dataThreshold) {
  std::optional<DataDisk> disk;
  if (dataThreshold != PoolOptions::kNeverToMedia) disk.emplace(kDiskSize);
  PoolOptions options{.dataThreshold = dataThreshold};
  if (disk) options.absorbBelow = 2 * dataThreshold;
  auto store = Store::create(source, options, disk ? &*disk : nullptr);
  if (!store.ok()) return Failure{0, "no store: " + store.error().describe()};
  ReferenceModel model;
  HistoryRunner runner(**store, model);
  for (size_t i = 0; i < history.size(); ++i) {
    if (Difference difference = runner.step(history[i])) return Failure{i, std::move(*difference)};
  }
  return {};
}

}  // namespace daos::vos::proof
