// The object types and the order of their keys, in both languages.
import { banner, capitalized, pascalOfScreaming } from './names.mjs';

function header(types) {
  const values = types
    .map(({ name, value, about }) => `  k${pascalOfScreaming(name)} = ${value},  // ${about}`)
    .join('\n');
  const rows = types
    .map(({ name, dkey, akey }) => {
      const keys = `KeyType::k${capitalized(dkey)}, KeyType::k${capitalized(akey)}`;
      return `    {ObjectType::k${pascalOfScreaming(name)}, ${keys}},`;
    })
    .join('\n');
  return `${banner('object_types')}#pragma once

#include <cstdint>

namespace daos {

enum class KeyType : uint8_t { kHashed = 0, kLexical = 1, kUint64 = 2 };

// How an object's keys are ordered and what sits on it.
enum class ObjectType : uint8_t {
${values}
};
inline constexpr uint8_t kObjectTypeMax = ${Math.max(...types.map(({ value }) => value))};

struct ObjectTypeInfo {
  ObjectType type;
  KeyType dkey;
  KeyType akey;
};

// Indexed by type.
inline constexpr ObjectTypeInfo kObjectTypeInfos[] = {
${rows}
};

}  // namespace daos
`;
}

function table(types) {
  const rows = types
    .map(
      ({ name, value, dkey, akey, about }) =>
        `  /** ${capitalized(about)}. */\n` +
        `  ${name}: { value: ${value}, dkey: '${dkey}', akey: '${akey}' },`,
    )
    .join('\n');
  return `${banner('object_types')}
/** Every object type with its number and the order of its keys. */
export const OBJECT_TYPES = {
${rows}
} as const;

export type ObjectTypeName = keyof typeof OBJECT_TYPES;
/** How the keys of one level are ordered; \`uint64\` keys are exactly 8 bytes, little-endian. */
export type KeyType = 'hashed' | 'lexical' | 'uint64';
`;
}

export function outputs({ types }) {
  types.forEach(({ name, value }, index) => {
    if (value !== index) throw new Error(`object_types: ${name} is ${value}, expected ${index}`);
  });
  return {
    'native/model/generated/object_types.h': header(types),
    'packages/model/src/generated/object-types.ts': table(types),
  };
}
