#include "vos/extent_judgement.h"

#include "vos/extent_sweep.h"
#include "vos/record_data.h"

namespace daos::vos {

namespace {

// The state for `extent`, where it was left or from the beginning.
void resume(JudgementState& state, const ExtentRecord& extent, size_t pinCount) {
  const Stamp stamp = stampOf(extent.version);
  const bool isSame = state.isUnderWay && state.stamp == stamp &&
                      state.extent.index == extent.index && state.extent.count == extent.count;
  if (isSame) return;
  state = {};
  state.isUnderWay = true;
  state.extent = {extent.index, extent.count};
  state.stamp = stamp;
  state.pinsLeft = pinCount;
  state.index = extent.index;
}

Answer end(JudgementState& state, Answer answer) {
  if (answer != Answer::kLater) state = {};
  return answer;
}

// Whether a version of the item's extent is data that the hole's stamp hides. Counts what it takes.
Result<Answer> holdsOlder(const Arena& arena, uint64_t item, const Stamp& hole,
                          CollectBudget& budget) {
  uint64_t only;
  uint64_t* versions = extentVersionsAt(arena, item, &only);
  if (!versions) return damagedRecord("extent");
  TreePath path;
  seekFirst(arena, versions, path);
  for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
    const VersionRecord* version = versionAt(arena, path);
    if (!version) return damagedRecord("extent");
    if (stampOf(*version) > hole) break;
    if (DataWord::kind(version->data) != DataKind::kHole) return Answer::kYes;
    budget.charge(1);
  }
  if (path.isDamaged) return damagedTree();
  return Answer::kNo;
}

}  // namespace

Result<Answer> isExtentSeen(ContainerState& container, KeyRecord& akey, const ExtentRecord& extent,
                            const Pins& pins, JudgementState& state, CollectBudget& budget) {
  resume(state, extent, pins.epochs.size());
  ExtentSweep& sweep = container.sweep;
  const uint64_t last = extent.index + extent.count;
  for (; state.pinsLeft != 0; --state.pinsLeft, state.index = extent.index) {
    const size_t pin = state.pinsLeft - 1;
    if (pins.epochs[pin] < extent.version.epoch) break;
    const View view{pins.epochs[pin], 0, InDoubt::kSkip};
    Lookup lookup(view);
    const Extent rest{state.index, last - state.index};
    sweep.start(container.arena, ExtentClasses::of(container.arena, akey), rest, lookup,
                pins.hidden[pin]);
    while (state.index < last) {
      if (!budget.take()) return Answer::kLater;
      ExtentPiece piece;
      const uint64_t before = sweep.visitedCount();
      const Outcome outcome = sweep.next(&piece);
      if (outcome == Outcome::kDamaged) return damagedTree();
      if (outcome != Outcome::kFound) break;
      if (piece.record == &extent) return end(state, Answer::kYes);
      state.index = piece.end();
      budget.charge(sweep.visitedCount() - before);
    }
  }
  return end(state, Answer::kNo);
}

Result<Answer> hidesOlder(const Arena& arena, KeyRecord& akey, const ExtentRecord& hole,
                          JudgementState& state, CollectBudget& budget) {
  resume(state, hole, 0);
  const ExtentClasses classes = ExtentClasses::of(arena, akey);
  if (classes.isDamaged) return damagedRecord("akey");
  const uint64_t last = hole.index + hole.count;
  for (uint64_t left = classes.mask & ~state.classesDone; left != 0; left &= left - 1) {
    const auto extentClass = static_cast<unsigned>(std::countr_zero(left));
    const uint64_t reach = longestOf(extentClass) - 1;
    const ExtentKey first{hole.index > reach ? hole.index - reach : 0, 0};
    TreePath path;
    ExtentTree::seek(arena, classes.rootOf(extentClass), state.next.value_or(first), path);
    for (bool more = settle(arena, path); more; more = nextItem(arena, path)) {
      const ExtentKey* key = extentKeyAt(arena, path.item());
      if (!key) return damagedRecord("extent");
      if (key->index >= last) break;
      state.next = *key;
      if (!budget.take()) return Answer::kLater;
      if (key->index + key->count <= hole.index) continue;
      DAOS_TRY(const Answer answer,
               holdsOlder(arena, path.item(), stampOf(hole.version), budget));
      if (answer == Answer::kYes) return end(state, answer);
    }
    if (path.isDamaged) return damagedTree();
    state.classesDone |= uint64_t{1} << extentClass;
    state.next.reset();
  }
  return end(state, Answer::kNo);
}

}  // namespace daos::vos
