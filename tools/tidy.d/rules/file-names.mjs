export const about =
  'no file or folder is a junk drawer, and names are spelt the way of their language';

import { stemOf } from '../tree.mjs';

const JUNK_DRAWERS = /^(utils?|common|helpers?|misc|stuff|shared)$/;

export function check(tree) {
  return tree.matching(/^(native|packages|tools|docs)\//).flatMap((file) => {
    const junk = file.split('/').find((part) => JUNK_DRAWERS.test(part.split('.')[0]));
    if (junk !== undefined) return [{ file, text: `'${junk}' says nothing about what is in it` }];
    const stem = stemOf(file);
    if (/\.(h|cc)$/.test(file) && !/^[a-z0-9_]+$/.test(stem)) {
      return [{ file, text: 'a C++ file is named in lower_case' }];
    }
    if (/\.ts$/.test(file) && !/^[a-z0-9-]+$/.test(stem)) {
      return [{ file, text: 'a TypeScript file is named in lower-case-with-hyphens' }];
    }
    return [];
  });
}
