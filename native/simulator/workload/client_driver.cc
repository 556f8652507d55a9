#include "simulator/workload/client_driver.h"

#include <algorithm>

#include "simulator/random_stream.h"
#include "simulator/workload/client_io.h"
#include "simulator/workload/outcome.h"
#include "simulator/workload/value_codec.h"

namespace daos::simulator {

ClientDriver::ClientDriver(Reactor& reactor, Subject& subject, const KeySpace& keys,
                           Recorder& recorder, Arguments arguments)
    : reactor_(reactor),
      subject_(subject),
      keys_(keys),
      recorder_(recorder),
      arguments_(arguments),
      options_(keys.options()),
      random_(randomStream(arguments.seed, Stream::kWorkload, arguments.client)) {}

Task<void> ClientDriver::run() {
  struct Choice {
    uint64_t weight;
    Task<void> (ClientDriver::*act)();
  };
  const Choice choices[] = {{options_.updateWeight, &ClientDriver::update},
                            {options_.fetchWeight, &ClientDriver::fetch},
                            {options_.punchAkeysWeight, &ClientDriver::punchAkeys},
                            {options_.punchDkeyWeight, &ClientDriver::punchDkey},
                            {options_.punchObjectWeight, &ClientDriver::punchObject},
                            {options_.listAkeysWeight, &ClientDriver::listAkeys},
                            {options_.listDkeysWeight, &ClientDriver::listDkeys},
                            {options_.snapshotWeight, &ClientDriver::snapshot}};
  uint64_t total = 0;
  for (const Choice& choice : choices) total += choice.weight;
  for (uint64_t i = 0; i < arguments_.operationCount && !isStopping_ && total > 0; ++i) {
    co_await reactor_.sleep(1 + random_.below(2 * options_.pauseMeanNs + 1));
    if (isStopping_) break;
    uint64_t at = random_.below(total);
    const Choice* choice = choices;
    while (at >= choice->weight) at -= (choice++)->weight;
    co_await (this->*choice->act)();
  }
  isDone_ = true;
}

ClientDriver::Target ClientDriver::drawTarget(uint64_t akeyCountMax) {
  Target target{random_.below(options_.objectCount), random_.below(options_.dkeyCount), {}};
  const uint64_t count =
      akeyCountMax == 0 ? 0 : 1 + random_.below(std::min(akeyCountMax, keys_.akeyCount()));
  for (uint64_t akey = 0; akey < keys_.akeyCount(); ++akey) {
    const uint64_t left = keys_.akeyCount() - akey;
    if (random_.below(left) < count - target.akeys.size()) target.akeys.push_back(akey);
  }
  return target;
}

// Conditions on akeys are drawn for calls with one akey: of several, a failure would not tell
// which.
ClientDriver::Existence ClientDriver::drawCondition(const Target& target, bool mayInsert) {
  if (random_.below(1'000'000) >= options_.conditionShare) return Existence::kNone;
  const bool isAkey = target.akeys.size() == 1 && random_.chance(1, 2);
  if (mayInsert && random_.chance(1, 2))
    return isAkey ? Existence::kAkeyAbsent : Existence::kDkeyAbsent;
  return isAkey ? Existence::kAkeyPresent : Existence::kDkeyPresent;
}

static void seeAbsent(const std::vector<CellId>& cells, Effect& effect) {
  for (const CellId cell : cells) effect.guards.push_back({cell, kAbsent});
}

void ClientDriver::describeSuccess(Existence condition, const Target& target,
                                   Effect& effect) const {
  switch (condition) {
    case Existence::kNone:
      break;
    case Existence::kDkeyAbsent:
      seeAbsent(keys_.cellsOfGroup(), effect);
      break;
    case Existence::kDkeyPresent:
      effect.anyPresent.push_back(keys_.cellsOfGroup());
      break;
    case Existence::kAkeyAbsent:
      seeAbsent(keys_.cellsOfAkey(target.akeys[0]), effect);
      break;
    case Existence::kAkeyPresent:
      effect.anyPresent.push_back(keys_.cellsOfAkey(target.akeys[0]));
      break;
  }
}

void ClientDriver::describeFailure(Existence condition, const Target& target,
                                   Effect& effect) const {
  switch (condition) {
    case Existence::kNone:
      break;
    case Existence::kDkeyAbsent:
      describeSuccess(Existence::kDkeyPresent, target, effect);
      break;
    case Existence::kDkeyPresent:
      describeSuccess(Existence::kDkeyAbsent, target, effect);
      break;
    case Existence::kAkeyAbsent:
      describeSuccess(Existence::kAkeyPresent, target, effect);
      break;
    case Existence::kAkeyPresent:
      describeSuccess(Existence::kAkeyAbsent, target, effect);
      break;
  }
}

void ClientDriver::planSingle(const Target& target, uint64_t akey, uint64_t id, Io& io,
                              Effect& effect) {
  const bool isLarge = random_.below(1'000'000) < options_.largeShare;
  const uint64_t sizeMax = isLarge ? options_.largeSizeMaxBytes : options_.valueSizeMaxBytes;
  const uint64_t size = kValueSizeMin + random_.below(sizeMax - kValueSizeMin + 1);
  const CellId cell = keys_.cell(akey, 0);
  io.add(keys_.akey(target.object, akey), ValueType::kSingle, size);
  io.buffers.back().resize(size);
  encodeValue(io.buffers.back(), id, keys_.place(effect.group, cell));
  effect.writes.push_back({cell, id});
}

// One or two extents that do not overlap; sometimes the range is punched.
void ClientDriver::planArray(const Target& target, uint64_t akey, uint64_t id, Io& io,
                             Effect& effect) {
  const bool isPunch = random_.chance(1, 6);
  io.add(keys_.akey(target.object, akey), ValueType::kArray,
         isPunch ? 0 : options_.recordSizeBytes);
  uint64_t next = random_.below(options_.recordCount);
  for (int i = 0; i < 2 && next < options_.recordCount; ++i) {
    const uint64_t count = 1 + random_.below(options_.recordCount - next);
    io.extents.back().push_back({next, count});
    for (uint64_t record = next; record < next + count; ++record) {
      const CellId cell = keys_.cell(akey, record);
      effect.writes.push_back({cell, isPunch ? kAbsent : id});
      if (isPunch) continue;
      auto& buffer = io.buffers.back();
      buffer.resize(buffer.size() + options_.recordSizeBytes);
      encodeValue(MutableBytes(buffer).last(options_.recordSizeBytes), id,
                  keys_.place(effect.group, cell));
    }
    next += count + random_.below(options_.recordCount);
    if (random_.chance(1, 2)) break;
  }
}

void ClientDriver::planUpdate(const Target& target, uint64_t id, Io& io, Effect& effect) {
  for (const uint64_t akey : target.akeys) {
    if (keys_.isArray(akey)) {
      planArray(target, akey, id, io, effect);
    } else {
      planSingle(target, akey, id, io, effect);
    }
  }
  io.link();
}

Task<void> ClientDriver::update() {
  const Target target = drawTarget(options_.akeysPerCallMax);
  const Existence condition = drawCondition(target, true);
  const uint64_t id = recorder_.nextId();
  Io io;
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  describeSuccess(condition, target, effect);
  planUpdate(target, id, io, effect);
  recorder_.invoke(id, arguments_.client, "update", {effect});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result = co_await subject_.update(
      keys_.oid(target.object),
      {.dkey = bytesOf(dkey),
       .akeys = io.descriptors,
       .data = io.data,
       .conditions = conditionBits(static_cast<int>(condition), kDkeyInsert, kDkeyUpdate,
                                   kAkeyInsert, kAkeyUpdate),
       .timeoutNs = options_.timeoutNs});
  finish(id, result, condition, target, std::move(effect));
}

void ClientDriver::fail(uint64_t id, const Error& error) {
  if (isUnexpected(error.code())) recorder_.violate({"unexpected error", error.describe(), {id}});
  // In the end nothing is damaged on its way any more.
  if (error.code() == ErrorCode::kCsum && !recorder_.isDamaged(isLastAsked_))
    recorder_.violate({"honesty", error.describe() + " where nothing was damaged", {id}});
  if (isRefusal(error.code())) {
    recorder_.refuse(id, error.code());
  } else {
    recorder_.lose(id, error.code());
  }
}

void ClientDriver::finish(uint64_t id, const Result<Epoch>& result, Existence condition,
                          const Target& target, Effect success) {
  if (result.ok()) {
    rememberEpoch(*result);
    recorder_.complete(id, ErrorCode::kOk, *result, {std::move(success)});
    return;
  }
  const ErrorCode code = result.code();
  const bool isAbsence = condition == Existence::kDkeyAbsent || condition == Existence::kAkeyAbsent;
  if (condition != Existence::kNone &&
      code == (isAbsence ? ErrorCode::kExist : ErrorCode::kNonexist)) {
    Effect seen{.group = success.group};
    describeFailure(condition, target, seen);
    recorder_.complete(id, code, 0, {std::move(seen)});
    return;
  }
  if (code == ErrorCode::kExist || code == ErrorCode::kNonexist) {
    recorder_.violate({"unexpected error",
                       result.error().describe() + " without a condition that says so",
                       {id}});
  }
  fail(id, result.error());
}

void ClientDriver::rememberEpoch(Epoch epoch) {
  if (epoch == 0) return;
  if (epochs_.size() < 8) {
    epochs_.push_back(epoch);
  } else {
    epochs_[random_.below(epochs_.size())] = epoch;
  }
}

Task<void> ClientDriver::punchAkeys() {
  const Target target = drawTarget(options_.akeysPerCallMax);
  const Existence condition = drawCondition(target, false);
  const uint64_t id = recorder_.nextId();
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  describeSuccess(condition, target, effect);
  std::vector<std::string> names;
  std::vector<Bytes> akeys;
  for (const uint64_t akey : target.akeys) names.push_back(keys_.akey(target.object, akey));
  for (const std::string& name : names) akeys.push_back(bytesOf(name));
  for (const uint64_t akey : target.akeys) {
    for (const CellId cell : keys_.cellsOfAkey(akey)) effect.writes.push_back({cell, kAbsent});
  }
  recorder_.invoke(id, arguments_.client, "punch akeys", {effect});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result = co_await subject_.punch(
      keys_.oid(target.object),
      {.level = protocol::PunchLevel::kAkeys,
       .dkey = bytesOf(dkey),
       .akeys = akeys,
       .conditions = conditionBits(static_cast<int>(condition), 0, kDkeyPunch, 0, kAkeyPunch),
       .timeoutNs = options_.timeoutNs});
  finish(id, result, condition, target, std::move(effect));
}

Task<void> ClientDriver::punchDkey() {
  const Target target = drawTarget(0);
  const Existence condition = drawCondition(target, false);
  const uint64_t id = recorder_.nextId();
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  describeSuccess(condition, target, effect);
  for (const CellId cell : keys_.cellsOfGroup()) effect.writes.push_back({cell, kAbsent});
  recorder_.invoke(id, arguments_.client, "punch dkey", {effect});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result = co_await subject_.punch(
      keys_.oid(target.object),
      {.level = protocol::PunchLevel::kDkey,
       .dkey = bytesOf(dkey),
       .conditions = conditionBits(static_cast<int>(condition), 0, kDkeyPunch, 0, 0),
       .timeoutNs = options_.timeoutNs});
  finish(id, result, condition, target, std::move(effect));
}

// Not one instant: each target does its own part.
Task<void> ClientDriver::punchObject() {
  const uint64_t object = random_.below(options_.objectCount);
  const uint64_t id = recorder_.nextId();
  std::vector<Effect> effects;
  for (uint64_t dkey = 0; dkey < options_.dkeyCount; ++dkey) {
    effects.push_back({.group = keys_.group(object, dkey)});
    for (const CellId cell : keys_.cellsOfGroup()) effects.back().writes.push_back({cell, kAbsent});
  }
  recorder_.invoke(id, arguments_.client, "punch object", effects);
  const auto result = co_await subject_.punch(
      keys_.oid(object), {.level = protocol::PunchLevel::kObject, .timeoutNs = options_.timeoutNs});
  if (result.ok()) {
    recorder_.complete(id, ErrorCode::kOk, *result, std::move(effects));
  } else if (isRefusal(result.code())) {
    recorder_.lose(id,
                   result.code());  // refused by one target, perhaps after others did their part
  } else {
    fail(id, result.error());
  }
}

Task<void> ClientDriver::listAkeys() {
  const Target target = drawTarget(0);
  const uint64_t id = recorder_.nextId();
  Effect effect{.group = keys_.group(target.object, target.dkey)};
  recorder_.invoke(id, arguments_.client, "list akeys", {});
  const std::string dkey = keys_.dkey(target.object, target.dkey);
  const auto result =
      co_await subject_.list(keys_.oid(target.object), {.level = protocol::EnumerateLevel::kAkeys,
                                                        .dkey = bytesOf(dkey),
                                                        .timeoutNs = options_.timeoutNs});
  if (!result.ok()) co_return fail(id, result.error());
  std::vector<bool> isListed(keys_.akeyCount());
  for (const std::string& key : result->keys) {
    const int64_t akey = keys_.akeyNumber(target.object, key);
    if (akey < 0 || isListed[static_cast<size_t>(akey)]) {
      recorder_.violate({"enumeration",
                         akey < 0 ? "an akey that nobody wrote" : "an akey is listed twice",
                         {id}});
      co_return;
    }
    isListed[static_cast<size_t>(akey)] = true;
  }
  for (uint64_t akey = 0; akey < isListed.size() && result->pageCount <= 1; ++akey) {
    describeSuccess(isListed[akey] ? Existence::kAkeyPresent : Existence::kAkeyAbsent,
                    {target.object, target.dkey, {akey}}, effect);
  }
  recorder_.complete(id, ErrorCode::kOk, 0, {std::move(effect)});
}

// Each dkey is looked at by itself, at some time during the call.
Task<void> ClientDriver::listDkeys() {
  const uint64_t object = random_.below(options_.objectCount);
  const uint64_t id = recorder_.nextId();
  recorder_.invoke(id, arguments_.client, "list dkeys", {});
  const auto result = co_await subject_.list(
      keys_.oid(object),
      {.level = protocol::EnumerateLevel::kDkeys, .timeoutNs = options_.timeoutNs});
  if (!result.ok()) co_return fail(id, result.error());
  std::vector<bool> isListed(options_.dkeyCount);
  for (const std::string& key : result->keys) {
    const int64_t dkey = keys_.dkeyNumber(object, key);
    if (dkey < 0 || isListed[static_cast<size_t>(dkey)]) {
      recorder_.violate(
          {"enumeration", dkey < 0 ? "a dkey that nobody wrote" : "a dkey is listed twice", {id}});
      co_return;
    }
    isListed[static_cast<size_t>(dkey)] = true;
  }
  std::vector<Effect> effects;
  for (uint64_t dkey = 0; dkey < isListed.size(); ++dkey) {
    effects.push_back({.group = keys_.group(object, dkey)});
    describeSuccess(isListed[dkey] ? Existence::kDkeyPresent : Existence::kDkeyAbsent,
                    {object, dkey, {}}, effects.back());
  }
  recorder_.complete(id, ErrorCode::kOk, 0, std::move(effects));
}

}  // namespace daos::simulator
