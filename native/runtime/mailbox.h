// Messages from other threads to one: a lock-free stack that its owner takes whole and reverses.
//
// Thread: push from any thread; takeAll from the owner only.
#pragma once

#include <atomic>

namespace daos {

// What is posted. Either `run` or `drop` is called, once, on the owner's thread and owns the
// message from then on; `drop` is for a loop that ends without a turn for it (null: there is
// nothing to free).
struct Message {
  Message* next = nullptr;
  void (*run)(Message*) = nullptr;
  void (*drop)(Message*) = nullptr;
};

class Mailbox {
 public:
  void push(Message* message) {
    Message* head = head_.load(std::memory_order_relaxed);
    do {
      message->next = head;
    } while (!head_.compare_exchange_weak(head, message, std::memory_order_seq_cst,
                                          std::memory_order_relaxed));
  }
  bool empty() const { return head_.load(std::memory_order_seq_cst) == nullptr; }
  // All messages, oldest first.
  Message* takeAll() {
    if (head_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    Message* newest = head_.exchange(nullptr, std::memory_order_acquire);
    Message* oldest = nullptr;
    while (newest) {
      Message* next = newest->next;
      newest->next = oldest;
      oldest = newest;
      newest = next;
    }
    return oldest;
  }

 private:
  std::atomic<Message*> head_{nullptr};
};

}  // namespace daos
