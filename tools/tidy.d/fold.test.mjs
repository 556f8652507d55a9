import { describe, expect, test } from '@jest/globals';
import { foldComments } from './fold.mjs';

// 84 columns; with a further word of 15 letters a comment of it is just over the limit.
const words = 'abcdefghijk '.repeat(7).trim();
const further = 'mnopqrstuvwxyz';

describe('tools/tidy --fix', () => {
  test('words over the limit go on in the next line of the same comment', () => {
    expect(foldComments(`// ${words} ${further} one\n// two\nint a;`)).toBe(
      `// ${words}\n// ${further} one two\nint a;`,
    );
    expect(foldComments(`  // ${words} ${further}\n  int a;`)).toBe(
      `  // ${words}\n  // ${further}\n  int a;`,
    );
  });

  test('a labelled line keeps its hanging indent, the next label its own line', () => {
    expect(foldComments(`// Thread:  ${words} ${further}\n// Life:    two`)).toBe(
      `// Thread:  ${words}\n//          ${further}\n// Life:    two`,
    );
    expect(foldComments(`// 1. ${words} ${further}\n//    three\n// 2. four`)).toBe(
      `// 1. ${words}\n//    ${further} three\n// 2. four`,
    );
  });

  test('a comment behind a member moves above it', () => {
    expect(foldComments(`  int aVariable;  // ${words}`)).toBe(
      `  // A${words.slice(1)}.\n  int aVariable;`,
    );
  });

  test('short lines and words without end stay as they are', () => {
    const text = `// short\n// ${'x'.repeat(120)}\nint a;  // short`;
    expect(foldComments(text)).toBe(text);
  });
});
