// What one object request needs while it is under way, reused from request to request so that the
// steady path allocates nothing.
#pragma once

#include <memory>
#include <vector>

#include "engine/object/checksum_runs.h"
#include "protocol/io.h"
#include "vos/vos.h"

namespace daos::engine {

// What a fetch answers of one akey.
struct AkeyPlan {
  protocol::AkeyReply reply;
  bool sendsData = false;
};

struct IoContext {
  protocol::DecodedIo io;
  std::vector<vos::Checksums> checksums;
  std::vector<Bytes> data;  // update: one range for each descriptor
  vos::FetchResult fetched;
  std::vector<Extent> mapped;   // fetch: what is there, of all akeys in order
  std::vector<AkeyPlan> plans;  // fetch: one for each descriptor
  ChecksumRuns checksumRuns;    // fetch: of all akeys in order
  std::vector<Bytes> pieces;    // fetch: runs to send
};

class IoContextPool {
 public:
  class Lease {
   public:
    explicit Lease(IoContextPool& pool) : pool_(pool), context_(pool.take()) {}
    Lease(const Lease&) = delete;
    Lease& operator=(const Lease&) = delete;
    ~Lease() {
      context_->fetched.release();
      pool_.idle_.push_back(std::move(context_));
    }
    IoContext& operator*() const { return *context_; }
    IoContext* operator->() const { return context_.get(); }

   private:
    IoContextPool& pool_;
    std::unique_ptr<IoContext> context_;
  };

 private:
  std::unique_ptr<IoContext> take() {
    if (idle_.empty()) return std::make_unique<IoContext>();
    std::unique_ptr<IoContext> context = std::move(idle_.back());
    idle_.pop_back();
    return context;
  }
  std::vector<std::unique_ptr<IoContext>> idle_;
};

}  // namespace daos::engine
