export const about = 'each function of a binding shows both its signatures: `// C++:` and `// TS:`';

/** A definition at the start of a line that carries out a request of JavaScript. */
const DEFINITION = /^(?:static )?(?:Status|Task<Status>) \w+\([^;{]*\bRequest&[^;{]*\{/;

export function check(tree) {
  return tree.matching(/^native\/node\/.*_binding\.cc$/).flatMap((file) => {
    const lines = tree.lines(file);
    return lines.flatMap((text, index) => {
      // A signature may go over some lines.
      const definition = DEFINITION.exec(lines.slice(index, index + 4).join(' '));
      if (definition === null) return [];
      let first = index;
      while (first > 0 && lines[first - 1].startsWith('//')) first -= 1;
      const comment = lines.slice(first, index).join('\n');
      const missing = ['C++:', 'TS:'].filter((label) => !comment.includes(`// ${label}`));
      if (missing.length === 0) return [];
      return [{ file, line: index + 1, text: `lacks a comment with ${missing.join(' and ')}` }];
    });
  });
}
