// What is under test, as a workload sees it: a client's connection to a whole system, or one store.
//
// Arguments are those of the client library. Calls come from coroutines of one process; a subject
// belongs to it and dies with it.
#pragma once

#include <string>
#include <vector>

#include "client/object.h"
#include "runtime/task.h"

namespace daos::simulator {

class Subject {
 public:
  virtual ~Subject() = default;
  virtual Task<Result<Epoch>> update(ObjectId oid, const client::UpdateArguments& arguments) = 0;
  virtual Task<Result<Epoch>> fetch(ObjectId oid, const client::FetchArguments& arguments) = 0;
  virtual Task<Result<Epoch>> punch(ObjectId oid, const client::PunchArguments& arguments) = 0;
  // All keys of one level. `pageCount` tells over how many answers they came.
  struct Keys {
    std::vector<std::string> keys;
    uint32_t pageCount = 0;
  };
  virtual Task<Result<Keys>> list(ObjectId oid, const client::EnumerateArguments& arguments) = 0;
};

}  // namespace daos::simulator
