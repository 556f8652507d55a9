// The operation codes of the data protocol: Opcode in C++.
import { banner } from './names.mjs';

const enumerator = (name) => `k${name[0].toUpperCase()}${name.slice(1)}`;

function header(opcodes) {
  const values = opcodes
    .map((o) => `  ${enumerator(o.name)} = ${o.value},  // ${o.about}`)
    .join('\n');
  const rows = opcodes
    .map((o) => `    {Opcode::${enumerator(o.name)}, "${o.name}", ${o.modifies}},`)
    .join('\n');
  return `${banner('rpc')}#pragma once

#include <cstdint>
#include <string_view>

namespace daos::protocol {

enum class Opcode : uint16_t {
${values}
};

struct OpcodeInfo {
  Opcode code;
  std::string_view name;
  bool modifies;
};

inline constexpr OpcodeInfo kOpcodeInfos[] = {
${rows}
};

}  // namespace daos::protocol
`;
}

export function outputs({ opcodes }) {
  return { 'native/protocol/generated/opcode.h': header(opcodes) };
}
