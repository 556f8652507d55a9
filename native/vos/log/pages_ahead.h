// Has the pages of an arena made before its heap comes there (page_maker.h).
//
// The heap takes single chunks from the front and runs of them from the end. Ahead of each of the
// two there is a margin of pages that are made or on their way: a sixteenth of the arena, at most
// 32 MiB at the front and 4 MiB at the end. What lies between them costs no memory.
//
// Thread: the arena's.
#pragma once

#include <algorithm>

#include "runtime/page_maker.h"
#include "vos/heap.h"

namespace daos::vos {

class PagesAhead {
 public:
  // Does nothing without a maker, which is borrowed.
  PagesAhead(PageMaker* maker, MutableBytes memory)
      : maker_(maker),
        memory_(memory),
        margin_(std::min(memory.size() / 16, kFrontMargin) / kStep * kStep),
        endMargin_(std::min(margin_, kEndMargin)),
        end_(memory.size()) {}
  ~PagesAhead() {
    if (maker_) maker_->forget(memory_);
  }
  PagesAhead(const PagesAhead&) = delete;
  PagesAhead& operator=(const PagesAhead&) = delete;

  // After the heap may have taken chunks.
  void follow(const Heap& heap) {
    if (!maker_ || margin_ == 0) return;
    if (heap.frontier() + margin_ > begin_) growFront(heap.frontier());
    if (heap.runsBegin() < end_ + endMargin_) growBack(heap.runsBegin());
  }

 private:
  static constexpr uint64_t kStep = 2 << 20;
  static constexpr uint64_t kFrontMargin = 32 << 20;
  static constexpr uint64_t kEndMargin = 4 << 20;

  void growFront(uint64_t frontier) {
    const uint64_t from = std::max(begin_, frontier / kStep * kStep);
    const uint64_t to = std::min(alignUp(frontier + margin_, kStep), end_);
    if (from >= to) return;
    maker_->make(memory_.subspan(from, to - from));
    begin_ = to;
  }
  void growBack(uint64_t runsBegin) {
    const uint64_t to = std::min(end_, alignUp(runsBegin, kStep));
    const uint64_t wanted = runsBegin - std::min(runsBegin, endMargin_);
    const uint64_t from = std::max(wanted / kStep * kStep, begin_);
    if (from >= to) return;
    maker_->make(memory_.subspan(from, to - from));
    end_ = from;
  }

  PageMaker* const maker_;
  const MutableBytes memory_;
  const uint64_t margin_;
  const uint64_t endMargin_;
  uint64_t begin_ = 0;  // what lies from here …
  uint64_t end_;        // … to here was not asked for
};

}  // namespace daos::vos
