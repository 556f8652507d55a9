// Memory of peers, as the transport over libfabric reaches it.
#include "rpc/fabric_transport_impl.h"

namespace daos::rpc {

Result<MemoryRegion> FabricTransport::registerMemory(MutableBytes memory, MemoryAccess access) {
  MemoryRegion region{{0, reinterpret_cast<uint64_t>(memory.data())}, memory.size(), nullptr};
  uint64_t rights = 0;
  if (access != MemoryAccess::kWrite) rights |= FI_REMOTE_READ;
  if (access != MemoryAccess::kRead) rights |= FI_REMOTE_WRITE;
  fid_mr* handle = nullptr;
  // Keys can't be guessed: whoever has no descriptor reaches nothing.
  const bool choosesKey = !(fabric_.info->domain_attr->mr_mode & FI_MR_PROV_KEY);
  const uint64_t key = choosesKey ? random_.next() : 0;
  const int code =
      fi_mr_reg(fabric_.domain, memory.data(), memory.size(), rights, 0, key, 0, &handle, nullptr);
  if (code != 0)
    return fabricError("fi_mr_reg of " + std::to_string(memory.size()) + " bytes", code);
  region.remote.key = fi_mr_key(handle);
  if (!(fabric_.info->domain_attr->mr_mode & FI_MR_VIRT_ADDR)) region.remote.address = 0;
  region.handle = handle;
  return region;
}

void FabricTransport::deregisterMemory(const MemoryRegion& region) {
  if (region.handle) fi_close(&static_cast<fid_mr*>(region.handle)->fid);
}

void FabricTransport::startTransfer(RmaOperation& operation, bool isWrite) {
  operation.isWrite = isWrite;
  operation.code = ErrorCode::kOk;
  const FabricDestination* destination = destinationOf(operation.peer);
  if (!destination || destination->isFailed) operation.code = ErrorCode::kUnreach;
  if (operation.code != ErrorCode::kOk || queuedHead_) return queueTransfer(operation);
  if (submitTransfer(operation) != 0) queueTransfer(operation);
}

void FabricTransport::queueTransfer(RmaOperation& operation) {
  operation.next = nullptr;
  (queuedHead_ ? queuedTail_->next : queuedHead_) = &operation;
  queuedTail_ = &operation;
}

// Hands the operation to the provider. -FI_EAGAIN: later; other errors are in operation.code.
ssize_t FabricTransport::submitTransfer(RmaOperation& operation) {
  FabricDestination* destination = destinationOf(operation.peer);
  if (!destination || destination->isFailed) {
    operation.code = ErrorCode::kUnreach;
    return -FI_EHOSTUNREACH;
  }
  iovec pieces[RmaOperation::kPieceCountMax];
  for (size_t i = 0; i < operation.localCount; ++i)
    pieces[i] = {operation.local[i].data(), operation.local[i].size()};
  const fi_rma_iov remote{operation.remote.address, operation.size(), operation.remote.key};
  void* descriptors[RmaOperation::kPieceCountMax] = {};
  fi_msg_rma message{};
  message.msg_iov = pieces;
  message.desc = descriptors;
  message.iov_count = operation.localCount;
  message.addr = destination->fabricAddress;
  message.rma_iov = &remote;
  message.rma_iov_count = 1;
  message.context = reinterpret_cast<void*>(reinterpret_cast<uintptr_t>(&operation) |
                                            static_cast<uintptr_t>(ContextKind::kTransfer));
  const ssize_t code = operation.isWrite ? fi_writemsg(fabric_.endpoint, &message, FI_COMPLETION)
                                         : fi_readmsg(fabric_.endpoint, &message, FI_COMPLETION);
  if (code == 0) {
    operation.scratch[1] = submitted_.size();
    submitted_.push_back(&operation);
    return 0;
  }
  if (code == -FI_EAGAIN && !destination->wasReached) return code;
  fail(*destination, ErrorCode::kUnreach);
  operation.code = ErrorCode::kUnreach;
  return -FI_EHOSTUNREACH;
}

void FabricTransport::endTransfer(RmaOperation& operation, ErrorCode code) {
  RmaOperation* last = submitted_.back();
  last->scratch[1] = operation.scratch[1];
  submitted_[operation.scratch[1]] = last;
  submitted_.pop_back();
  operation.done(operation, code);
}

size_t FabricTransport::pollTransfers() {
  if (!queuedHead_) return 0;
  size_t count = 0;
  while (RmaOperation* operation = queuedHead_) {
    const ssize_t code =
        operation->code == ErrorCode::kOk ? submitTransfer(*operation) : -FI_EHOSTUNREACH;
    if (code == -FI_EAGAIN) break;
    queuedHead_ = operation->next;
    ++count;
    if (code != 0) operation->done(*operation, operation->code);
  }
  return count;
}

}  // namespace daos::rpc
