// The reference of rpc_bench: a bare loop over libfabric, with nothing of ours in it.
//
// Receives are posted ahead, small sends are injected, completions are read in batches, one thread
// polls without waiting. The client keeps `depth` messages under way and sends one for each that
// comes back.
#pragma once

#include <rdma/fabric.h>
#include <rdma/fi_cm.h>
#include <rdma/fi_domain.h>
#include <rdma/fi_endpoint.h>
#include <rdma/fi_errno.h>
#include <rdma/fi_rma.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "bench/latency_histogram.h"
#include "bench/measure.h"

namespace daos::rpc {

inline void requireZero(ssize_t code, const char* what) {
  if (code == 0) return;
  std::fprintf(stderr, "%s: %s\n", what, fi_strerror(static_cast<int>(-code)));
  std::_Exit(3);
}

class BareFabric {
 public:
  explicit BareFabric(const std::string& provider) {
    fi_info* hints = fi_allocinfo();
    hints->caps = FI_MSG | FI_RMA;
    hints->ep_attr->type = FI_EP_RDM;
    hints->domain_attr->threading = FI_THREAD_DOMAIN;
    hints->domain_attr->control_progress = FI_PROGRESS_MANUAL;
    hints->domain_attr->data_progress = FI_PROGRESS_MANUAL;
    hints->domain_attr->mr_mode = FI_MR_VIRT_ADDR;
    hints->fabric_attr->prov_name = strdup(provider.c_str());
    const bool isShm = provider == "shm";
    if (!isShm) hints->addr_format = FI_SOCKADDR_IN;
    requireZero(fi_getinfo(FI_VERSION(2, 1), isShm ? nullptr : "127.0.0.1", nullptr,
                           isShm ? 0 : FI_SOURCE | FI_NUMERICHOST, hints, &info_), "fi_getinfo");
    fi_freeinfo(hints);
    requireZero(fi_fabric(info_->fabric_attr, &fabric_, nullptr), "fi_fabric");
    requireZero(fi_domain(fabric_, info_, &domain_, nullptr), "fi_domain");
    fi_av_attr addresses{};
    requireZero(fi_av_open(domain_, &addresses, &addresses_, nullptr), "fi_av_open");
    fi_cq_attr queue{};
    queue.format = FI_CQ_FORMAT_MSG;
    queue.wait_obj = FI_WAIT_NONE;
    queue.size = 4096;
    requireZero(fi_cq_open(domain_, &queue, &completions_, nullptr), "fi_cq_open");
    requireZero(fi_endpoint(domain_, info_, &endpoint_, nullptr), "fi_endpoint");
    requireZero(fi_ep_bind(endpoint_, &addresses_->fid, 0), "fi_ep_bind");
    requireZero(fi_ep_bind(endpoint_, &completions_->fid, FI_TRANSMIT | FI_RECV), "fi_ep_bind");
    requireZero(fi_enable(endpoint_), "fi_enable");
  }
  ~BareFabric() {
    fi_close(&endpoint_->fid);
    if (region_) fi_close(&region_->fid);
    fi_close(&completions_->fid);
    fi_close(&addresses_->fid);
    fi_close(&domain_->fid);
    fi_close(&fabric_->fid);
    fi_freeinfo(info_);
  }

  std::string name() const {
    char text[512];
    size_t size = sizeof text;
    requireZero(fi_getname(&endpoint_->fid, text, &size), "fi_getname");
    return std::string(text, size);
  }
  void setPeer(const std::string& name) {
    if (fi_av_insert(addresses_, name.data(), 1, &peer_, 0, nullptr) != 1)
      requireZero(-FI_EINVAL, "fi_av_insert");
  }

  // Answers requests for ever.
  [[noreturn]] void echo(size_t requestSize, size_t answerSize, size_t depth) {
    prepare(answerSize, requestSize, depth);
    while (true) {
      poll([this](Buffer& buffer) { send(buffer); });
    }
  }
  // Keeps `depth` requests under way; returns how many were answered within `seconds`.
  bench::Measured ask(size_t requestSize, size_t answerSize, size_t depth, double seconds,
                      bench::LatencyHistogram& latencies) {
    prepare(requestSize, answerSize, depth);
    std::vector<uint64_t> sentAt(depth);
    for (size_t i = 0; i < depth; ++i) send(buffers_[i]);
    const uint64_t warmUntil = bench::nowNs() + 200'000'000;
    uint64_t now = 0, start = 0, count = 0, oldest = 0;
    const auto again = [&](Buffer& buffer) {
      // Echoes come back in order: the oldest one under way is this one.
      if (start != 0) {
        ++count;
        if (sentAt[oldest] != 0) latencies.record(now - sentAt[oldest]);
      }
      sentAt[oldest] = now;
      oldest = (oldest + 1) % depth;
      send(buffer);
    };
    while (start == 0 || now < start + static_cast<uint64_t>(seconds * 1e9)) {
      now = bench::nowNs();
      if (start == 0 && now > warmUntil) start = now, std::fill(sentAt.begin(), sentAt.end(), 0);
      poll(again);
    }
    const double elapsed = static_cast<double>(now - start) / 1e9;
    return {count, elapsed, static_cast<double>(count) / elapsed};
  }

  // Offers memory for RMA and polls for ever.
  struct Exposed {
    uint64_t key = 0, address = 0;
  };
  Exposed expose(size_t size) {
    memory_.resize(size);
    requireZero(fi_mr_reg(domain_, memory_.data(), size, FI_REMOTE_READ | FI_REMOTE_WRITE, 0, 77, 0,
                          &region_, nullptr),
                "fi_mr_reg");
    const bool countsFromZero = !(info_->domain_attr->mr_mode & FI_MR_VIRT_ADDR);
    return {fi_mr_key(region_), countsFromZero ? 0 : reinterpret_cast<uint64_t>(memory_.data())};
  }
  [[noreturn]] void serveMemory() {
    while (true) poll([](Buffer&) {});
  }
  // `depth` transfers under way, to or from one piece of `pieceCount` after the other on this side.
  bench::Measured transfer(Exposed remote, size_t size, size_t pieceCount, size_t depth,
                           bool isWrite, double seconds) {
    prepare(64, 64, 1);
    std::vector<char> local(size * pieceCount, 'x');
    size_t next = 0;
    const auto start = [&](size_t i) {
      void* context = reinterpret_cast<void*>(i + 1);
      char* const piece = local.data() + next++ % pieceCount * size;
      ssize_t code;
      do {
        code = isWrite ? fi_write(endpoint_, piece, size, nullptr, peer_, remote.address,
                                  remote.key, context)
                       : fi_read(endpoint_, piece, size, nullptr, peer_, remote.address,
                                 remote.key, context);
        if (code == -FI_EAGAIN) fi_cq_read(completions_, nullptr, 0);
      } while (code == -FI_EAGAIN);
      requireZero(code, "fi_read/fi_write");
    };
    for (size_t i = 0; i < depth; ++i) start(i);
    uint64_t count = 0;
    const uint64_t begin = bench::nowNs();
    uint64_t now = begin;
    while (now < begin + static_cast<uint64_t>(seconds * 1e9)) {
      fi_cq_msg_entry entries[16];
      const ssize_t got = readCompletions(entries, 16);
      for (ssize_t i = 0; i < got; ++i, ++count)
        start(reinterpret_cast<size_t>(entries[i].op_context) - 1);
      now = bench::nowNs();
    }
    const double elapsed = static_cast<double>(now - begin) / 1e9;
    return {count, elapsed, static_cast<double>(count) / elapsed};
  }

 private:
  struct Buffer {
    char* data;
    bool isSending;
  };
  // Enough buffers for all that can be under way, each either posted or being sent.
  void prepare(size_t sendSize, size_t receiveSize, size_t depth) {
    sendSize_ = sendSize;
    receiveSize_ = receiveSize;
    const size_t size = std::max(sendSize, receiveSize);
    storage_.assign(size * depth * 2 + 4096, 'x');
    buffers_.resize(depth * 2);
    for (size_t i = 0; i < buffers_.size(); ++i) {
      buffers_[i] = {storage_.data() + i * size, false};
      if (i >= depth) post(buffers_[i]);
    }
  }
  void post(Buffer& buffer) {
    buffer.isSending = false;
    requireZero(fi_recv(endpoint_, buffer.data, receiveSize_, nullptr, FI_ADDR_UNSPEC, &buffer),
                "fi_recv");
  }
  // Sends the buffer's bytes; it is posted again when they have left.
  void send(Buffer& buffer) {
    buffer.isSending = true;
    const bool isInjected = sendSize_ <= info_->tx_attr->inject_size;
    ssize_t code;
    do {
      code = isInjected ? fi_inject(endpoint_, buffer.data, sendSize_, peer_)
                        : fi_send(endpoint_, buffer.data, sendSize_, nullptr, peer_, &buffer);
      if (code == -FI_EAGAIN) fi_cq_read(completions_, nullptr, 0);
    } while (code == -FI_EAGAIN);
    requireZero(code, "fi_send");
    if (isInjected) post(buffer);
  }
  ssize_t readCompletions(fi_cq_msg_entry* entries, size_t countMax) {
    const ssize_t count = fi_cq_read(completions_, entries, countMax);
    if (count != -FI_EAVAIL) return count;
    fi_cq_err_entry error{};
    fi_cq_readerr(completions_, &error, 0);
    requireZero(-error.err, "completion");
    return 0;
  }
  template <typename Received>
  void poll(Received received) {
    fi_cq_msg_entry entries[64];
    const ssize_t count = readCompletions(entries, 64);
    for (ssize_t i = 0; i < count; ++i) {
      auto* buffer = static_cast<Buffer*>(entries[i].op_context);
      if (!buffer) continue;
      if (buffer->isSending) {
        post(*buffer);
      } else {
        received(*buffer);
      }
    }
  }

  fi_info* info_ = nullptr;
  fid_fabric* fabric_ = nullptr;
  fid_domain* domain_ = nullptr;
  fid_av* addresses_ = nullptr;
  fid_cq* completions_ = nullptr;
  fid_ep* endpoint_ = nullptr;
  fid_mr* region_ = nullptr;
  fi_addr_t peer_ = FI_ADDR_UNSPEC;
  size_t sendSize_ = 0;
  size_t receiveSize_ = 0;
  std::vector<char> storage_;
  std::vector<Buffer> buffers_;
  std::vector<char> memory_;
};

}  // namespace daos::rpc
