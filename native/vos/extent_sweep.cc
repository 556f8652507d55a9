#include "vos/extent_sweep.h"

#include <algorithm>

#include "vos/version_set.h"

namespace daos::vos {

bool ExtentSweep::Active::isBelow(const Active& other) const {
  const Stamp mine = stampOf(record->version);
  const Stamp theirs = stampOf(other.record->version);
  if (mine != theirs) return mine < theirs;
  if (extent.index != other.extent.index) return extent.index < other.extent.index;
  return extent.count > other.extent.count;
}

void ExtentSweep::start(const Arena& arena, const ExtentClasses& classes, Extent range,
                        Lookup& lookup, Stamp hidden) {
  arena_ = &arena;
  lookup_ = &lookup;
  hidden_ = hidden;
  at_ = range.index;
  end_ = range.end();
  isDamaged_ = classes.isDamaged;
  sourceCount_ = 0;
  active_.clear();
  uint64_t* root = classes.roots;
  for (uint64_t mask = classes.mask; mask != 0; mask &= mask - 1, ++root) {
    openSource(static_cast<unsigned>(std::countr_zero(mask)), root);
  }
}

void ExtentSweep::openSource(unsigned extentClass, uint64_t* root) {
  const uint64_t reach = longestOf(extentClass) - 1;
  const uint64_t first = at_ > reach ? at_ - reach : 0;
  if (sourceCount_ == sources_.size()) sources_.emplace_back();
  Source& source = sources_[sourceCount_++];
  ExtentTree::seek(*arena_, root, {first, 0}, source.path);
  source.isDone = !settle(*arena_, source.path);
  if (source.path.isDamaged) isDamaged_ = true;
  if (!source.isDone) readSource(source);
}

void ExtentSweep::readSource(Source& source) {
  const ExtentKey* key = extentKeyAt(*arena_, source.path.item());
  if (!key || key->count == 0 || key->index >= kExtentEndMax ||
      key->count > kExtentEndMax - key->index) {
    isDamaged_ = true;
    source.isDone = true;
    return;
  }
  source.extent = {key->index, key->count};
  if (key->index >= end_) source.isDone = true;
}

ExtentSweep::Source* ExtentSweep::firstSource() {
  Source* first = nullptr;
  for (size_t i = 0; i < sourceCount_; ++i) {
    Source& source = sources_[i];
    if (!source.isDone && (!first || source.extent.index < first->extent.index)) first = &source;
  }
  return first;
}

// Takes the source's current extent into the heap, if the view sees a version of it, and moves on.
Outcome ExtentSweep::activate(Source& source) {
  ++visitedCount_;
  if (source.extent.end() > at_) {
    uint64_t only;
    uint64_t* versions = extentVersionsAt(*arena_, source.path.item(), &only);
    if (!versions) return Outcome::kDamaged;
    VersionRecord* version = nullptr;
    const Outcome outcome = lookup_->newest(*arena_, versions, hidden_, &version);
    if (outcome == Outcome::kDamaged) return outcome;
    if (outcome == Outcome::kFound || outcome == Outcome::kBlocked) {
      ExtentRecord* record = extentOf(*arena_, version, {source.extent.index, source.extent.count});
      if (!record) return Outcome::kDamaged;
      active_.push_back({source.extent, record, outcome == Outcome::kBlocked});
      std::push_heap(active_.begin(), active_.end(),
                     [](const Active& a, const Active& b) { return a.isBelow(b); });
    }
  }
  if (nextItem(*arena_, source.path)) {
    readSource(source);
  } else {
    source.isDone = true;
    if (source.path.isDamaged) isDamaged_ = true;
  }
  return isDamaged_ ? Outcome::kDamaged : Outcome::kFound;
}

Outcome ExtentSweep::pullUpTo(uint64_t index) {
  for (Source* source = firstSource(); source && source->extent.index <= index;
       source = firstSource()) {
    if (const Outcome outcome = activate(*source); outcome != Outcome::kFound) return outcome;
  }
  return Outcome::kFound;
}

Outcome ExtentSweep::next(ExtentPiece* piece) {
  const auto isBelow = [](const Active& a, const Active& b) { return a.isBelow(b); };
  if (isDamaged_) return Outcome::kDamaged;
  if (at_ >= end_) return Outcome::kNone;
  *piece = {at_, 0, nullptr};
  bool isFirst = true;
  while (at_ < end_) {
    if (const Outcome outcome = pullUpTo(at_); outcome != Outcome::kFound) return outcome;
    while (!active_.empty() && active_.front().extent.end() <= at_) {
      std::pop_heap(active_.begin(), active_.end(), isBelow);
      active_.pop_back();
    }
    ExtentRecord* record = active_.empty() ? nullptr : active_.front().record;
    // What goes on with the same extent is one piece.
    if (!isFirst && record != piece->record) break;
    if (record && active_.front().isInDoubt) {
      lookup_->blocker = record->version.transaction;
      return Outcome::kBlocked;
    }
    const Source* upcoming = firstSource();
    uint64_t end = record ? std::min(end_, active_.front().extent.end()) : end_;
    if (upcoming) end = std::min(end, upcoming->extent.index);
    piece->record = record;
    piece->count += end - at_;
    at_ = end;
    isFirst = false;
  }
  return Outcome::kFound;
}

}  // namespace daos::vos
