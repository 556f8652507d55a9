export const about = 'each function of a binding shows both its signatures: `// C++:` and `// TS:`';

/** A definition of what JavaScript can call: it takes a Call, or runs on a core for a Request. */
const DEFINITION = /^(static )?(Task<Status>|Status|void) \w+\((\w+& \w+, )?(Request|Call)&/;

export function check(tree) {
  return tree.matching(/^native\/node\/.*_binding\.cc$/).flatMap((file) => {
    const lines = tree.lines(file);
    return lines.flatMap((text, index) => {
      if (!DEFINITION.test(text) || lines[index - 1]?.startsWith('template')) return [];
      let first = index;
      while (first > 0 && lines[first - 1].startsWith('//')) first -= 1;
      const comment = lines.slice(first, index).join('\n');
      const missing = ['C++:', 'TS:'].filter((label) => !comment.includes(`// ${label}`));
      if (missing.length === 0) return [];
      return [{ file, line: index + 1, text: `lacks a comment with ${missing.join(' and ')}` }];
    });
  });
}
