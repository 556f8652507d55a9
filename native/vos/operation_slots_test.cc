// Goal: what is found is always what was remembered last, however many slots there are. Method:
// random calls, compared with a map; a slot may be unknown, but never known wrongly.
#include "vos/operation_slots.h"

#include <gtest/gtest.h>

#include <map>
#include <utility>

#include "runtime/random.h"

namespace daos::vos {
namespace {

OperationId operationOf(uint64_t client, uint64_t slot, uint64_t sequence = 1) {
  return {client, slot << OperationId::kSequenceBits | sequence};
}

TEST(VosOperationSlots, ASlotIsKnownWhateverItsSequence) {
  OperationSlots slots;
  EXPECT_EQ(slots.find(operationOf(7, 3)), 0u);
  slots.forget(operationOf(7, 3));
  slots.remember(operationOf(7, 3), 4096);
  EXPECT_EQ(slots.find(operationOf(7, 3, 99)), 4096u);
  EXPECT_EQ(slots.find(operationOf(7, 4)), 0u);
  EXPECT_EQ(slots.find(operationOf(8, 3)), 0u);
  slots.forget(operationOf(7, 3, 5));
  EXPECT_EQ(slots.find(operationOf(7, 3)), 0u);
}

TEST(VosOperationSlots, AllSlotsOfOneClientAreKnown) {
  OperationSlots slots;
  for (uint64_t slot = 0; slot < 1024; ++slot) slots.remember(operationOf(7, slot), 16 + slot * 32);
  size_t knownCount = 0;
  for (uint64_t slot = 0; slot < 1024; ++slot) {
    knownCount += slots.find(operationOf(7, slot)) == 16 + slot * 32;
  }
  // The few that find no place when the table grows are looked up in the tree again.
  EXPECT_GE(knownCount, 1000u);
}

TEST(VosOperationSlots, NothingIsEverKnownWrongly) {
  SeededRandom random(5);
  OperationSlots slots;
  std::map<std::pair<uint64_t, uint64_t>, uint64_t> model;
  for (int i = 0; i < 400'000; ++i) {
    const uint64_t client = 1 + random.below(1000);
    const uint64_t slot = random.below(40);
    const OperationId operation = operationOf(client, slot, 1 + random.below(100));
    if (random.below(8) == 0) {
      slots.forget(operation);
      model.erase({client, slot});
    } else if (random.below(2) == 0) {
      const uint64_t record = 16 * (1 + random.below(1 << 20));
      slots.remember(operation, record);
      model[{client, slot}] = record;
      ASSERT_EQ(slots.find(operation), record);
    } else if (const uint64_t found = slots.find(operation); found != 0) {
      const auto known = model.find({client, slot});
      ASSERT_NE(known, model.end());
      ASSERT_EQ(found, known->second);
    }
  }
}

}  // namespace
}  // namespace daos::vos
