// The limits on everything, as constants of both languages.
import { banner, capitalized, screamingOfCamel } from './names.mjs';

function header(limits) {
  const rows = limits
    .map(
      ({ name, value, about }) =>
        `inline constexpr uint64_t k${capitalized(name)} = ${value};  // ${about}`,
    )
    .join('\n');
  return `${banner('limits')}#pragma once

#include <cstdint>

namespace daos {

${rows}

}  // namespace daos
`;
}

function table(limits) {
  const rows = limits
    .map(
      ({ name, value, about }) =>
        `/** ${capitalized(about)}. */\nexport const ${screamingOfCamel(name)} = ${value};`,
    )
    .join('\n');
  return `${banner('limits')}\n${rows}\n`;
}

export function outputs({ limits }) {
  return {
    'native/base/generated/limits.h': header(limits),
    'packages/model/src/generated/limits.ts': table(limits),
  };
}
