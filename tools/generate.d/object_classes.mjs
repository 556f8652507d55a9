// The object classes: every redundancy with every group count, in both languages.
import { banner } from './names.mjs';

const REDUNDANCY_SHIFT = 24;

/** Every class: name, numbers, shape. `id` is the number of DAOS's C API. */
function classes({ groupCounts, groupCountAll, redundancies }) {
  return redundancies.flatMap((redundancy) =>
    [...groupCounts, groupCountAll].map((groupCount) => {
      const count = groupCount === groupCountAll ? 'X' : groupCount;
      return {
        ...redundancy,
        name: redundancy.name === 'S' ? `S${count}` : `${redundancy.name}G${count}`,
        redundancy: redundancy.value,
        groupCount,
        id: redundancy.value * 2 ** REDUNDANCY_SHIFT + groupCount,
      };
    }),
  );
}

function header(schema) {
  const rows = classes(schema)
    .map(
      (each) =>
        `    {"${each.name}", ${each.redundancy}, ${each.groupCount}, ` +
        `${each.dataCount}, ${each.copyCount}, ${each.parityCount}},`,
    )
    .join('\n');
  return `${banner('object_classes')}#pragma once

#include <cstdint>
#include <string_view>

namespace daos {

// How an object is protected and how far it spreads.
struct ObjectClass {
  std::string_view name;
  uint8_t redundancy;    // the number in the object's id
  uint16_t groupCount;   // kGroupCountAll: as many as the pool has room for
  uint8_t dataCount;     // data shards of a group (over 1: erasure code)
  uint8_t copyCount;     // copies of each data shard
  uint8_t parityCount;   // parity shards of a group

  // The number of DAOS's C API.
  constexpr uint32_t id() const { return uint32_t{redundancy} << ${REDUNDANCY_SHIFT} | groupCount; }
  // Targets that one group takes.
  constexpr uint32_t groupSize() const { return uint32_t{dataCount} * copyCount + parityCount; }
};

inline constexpr uint16_t kGroupCountAll = ${schema.groupCountAll};

inline constexpr ObjectClass kObjectClasses[] = {
${rows}
};

}  // namespace daos
`;
}

function table(schema) {
  const rows = classes(schema)
    .map(
      (each) =>
        `  ${each.name}: { id: ${each.id}, redundancy: ${each.redundancy}, ` +
        `groupCount: ${each.groupCount}, dataCount: ${each.dataCount}, ` +
        `copyCount: ${each.copyCount}, parityCount: ${each.parityCount} },`,
    )
    .join('\n');
  return `${banner('object_classes')}
/** The group count of classes that spread over as many groups as the pool has room for. */
export const GROUP_COUNT_ALL = ${schema.groupCountAll};

/** Every object class by name; \`id\` is its number in DAOS's C API. */
export const OBJECT_CLASSES = {
${rows}
} as const;

export type ObjectClassName = keyof typeof OBJECT_CLASSES;
`;
}

export function outputs(schema) {
  return {
    'native/model/generated/object_classes.h': header(schema),
    'packages/model/src/generated/object-classes.ts': table(schema),
  };
}
