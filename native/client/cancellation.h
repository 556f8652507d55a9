// Ends an operation early: whoever waits for its answer gets DER_CANCELED soon.
//
// What has reached an engine may still happen there; reads have no effect, writes may have had
// theirs.
//
// Thread: the context's reactor.
// Life:   outlives the operations that it is given to.
#pragma once

#include "base/intrusive_list.h"
#include "rpc/call.h"

namespace daos::client {

class Cancellation {
 public:
  Cancellation() = default;
  Cancellation(const Cancellation&) = delete;
  Cancellation& operator=(const Cancellation&) = delete;

  bool isRequested() const { return isRequested_; }
  // Calls under way are cancelled; none is made any more.
  void request();

  class Scope;

 private:
  struct ScopeTag;
  IntrusiveList<Scope, ScopeTag> calls_;
  bool isRequested_ = false;
};

// While it lives, `call` ends with the operation. `cancellation` may be null.
class Cancellation::Scope : private IntrusiveLink<ScopeTag> {
 public:
  Scope(Cancellation* cancellation, rpc::Call& call) : call_(call) {
    if (cancellation) cancellation->calls_.pushBack(*this);
  }

 private:
  friend class Cancellation;
  friend class IntrusiveList<Scope, ScopeTag>;
  rpc::Call& call_;
};

inline void Cancellation::request() {
  isRequested_ = true;
  // A call may end on the spot, and with it its scope.
  while (Scope* scope = calls_.popFront()) scope->call_.cancel();
}

}  // namespace daos::client
