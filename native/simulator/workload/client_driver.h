// One client's loop: draws operations, carries them out one after another, and records what it saw.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/random.h"
#include "runtime/reactor.h"
#include "simulator/workload/key_space.h"
#include "simulator/workload/recorder.h"
#include "simulator/workload/subject.h"

namespace daos::simulator {

class ClientDriver {
 public:
  struct Arguments {
    uint32_t client = 0;  // in records and trace: unique over restarts
    uint64_t seed = 0;
    uint64_t operationCount = 0;
  };
  // All are borrowed and outlive the driver; subject and reactor are of the client's process.
  ClientDriver(Reactor& reactor, Subject& subject, const KeySpace& keys, Recorder& recorder,
               Arguments arguments);

  // Ends after the operations, or at the next pause once stop() was called.
  Task<void> run();
  void stop() { isStopping_ = true; }
  bool isDone() const { return isDone_; }

  // Reads every cell once, retrying until it is answered, or told to be damaged; for the end of a
  // run. `ids` receives the operations.
  Task<void> readAll(std::vector<uint64_t>* ids);
  // Asks questions about the past again.
  Task<void> rereadSnapshots(std::vector<SnapshotQuestion> questions);

 private:
  struct Target {
    uint64_t object = 0;
    uint64_t dkey = 0;
    std::vector<uint64_t> akeys;
  };
  struct Io;
  // A condition on the dkey or the one akey of a call.
  enum class Existence : uint8_t { kNone, kDkeyAbsent, kDkeyPresent, kAkeyAbsent, kAkeyPresent };

  Task<void> update();
  Task<void> fetch();
  Task<void> punchAkeys();
  Task<void> punchDkey();
  Task<void> punchObject();
  Task<void> listAkeys();
  Task<void> listDkeys();
  Task<void> snapshot();

  Target drawTarget(uint64_t akeyCountMax);
  Existence drawCondition(const Target& target, bool mayInsert);
  void describeSuccess(Existence condition, const Target& target, Effect& effect) const;
  void describeFailure(Existence condition, const Target& target, Effect& effect) const;
  void planUpdate(const Target& target, uint64_t id, Io& io, Effect& effect);
  void planSingle(const Target& target, uint64_t akey, uint64_t id, Io& io, Effect& effect);
  void planArray(const Target& target, uint64_t akey, uint64_t id, Io& io, Effect& effect);
  void planFetch(const Target& target, Io& io) const;
  bool readCells(const Target& target, const Io& io, uint64_t id, Effect& effect);
  bool readCell(const Target& target, CellId cell, Bytes bytes, uint64_t id, Effect& effect);
  // Classifies the result of a modification.
  void finish(uint64_t id, const Result<Epoch>& result, Existence condition, const Target& target,
              Effect success);
  void fail(uint64_t id, const Error& error);
  Task<bool> readGroup(const Target& target, Epoch epoch, uint64_t* idOut);
  bool expectGone(Epoch epoch, uint64_t id);
  void rememberEpoch(Epoch epoch);

  Reactor& reactor_;
  Subject& subject_;
  const KeySpace& keys_;
  Recorder& recorder_;
  const Arguments arguments_;
  const WorkloadOptions& options_;
  SeededRandom random_;
  std::vector<Epoch> epochs_;  // of own answers, to read at
  bool isStopping_ = false;
  bool isDone_ = false;
  bool isLastAsked_ = false;  // what is damaged now stays so
};

}  // namespace daos::simulator
