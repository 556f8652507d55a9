import { describe, expect, test } from '@jest/globals';
import { blankLiterals, functionsOf } from './functions.mjs';

const cpp = (text) => functionsOf(text, true).map(({ name, lineCount }) => `${name} ${lineCount}`);
const typescript = (text) =>
  functionsOf(text, false).map(({ name, lineCount }) => `${name} ${lineCount}`);

describe('tools/tidy: functions of C++', () => {
  test('functions, methods, constructors and operators are found, with their length', () => {
    const text = `namespace daos {
class Tree : public Base {
 public:
  explicit Tree(int a)
      : a_(a), b_{2} {
    start();
  }
  ~Tree() {}
  bool operator==(const Tree& other) const { return true; }
  int size() const noexcept override { return a_; }
};
template <typename T>
Result<T> Tree::find(Bytes key,
                     Options options) {
  if (x) {
    return {};
  }
}
Task<Status> run() { co_return Status(); }
}  // namespace daos`;
    expect(cpp(text).sort()).toEqual([
      'Tree 3',
      'Tree::find 5',
      'operator== 1',
      'run 1',
      'size 1',
      '~Tree 1',
    ]);
  });

  test('types, tables, control flow and lambdas are no functions of their own', () => {
    const text = `struct Row { int a; };
enum class Kind : uint8_t { kA, kB };
constexpr Row kRows[] = {
    {1},
};
void f() {
  for (;;) { if (a()) { b(); } else { c(); } }
  auto g = [&](int x) { return x; };
}`;
    expect(cpp(text)).toEqual(['f 4']);
  });

  test('braces in strings, characters and comments do not count', () => {
    const text = `void f() {
  // }
  g("}", '}', R"(})", 1'000'000, '{');
  /* { */
}
void h() {}`;
    expect(cpp(text)).toEqual(['f 5', 'h 1']);
    expect(blankLiterals(text, true).split('\n')).toHaveLength(6);
  });
});

describe('tools/tidy: functions of TypeScript', () => {
  test('functions, methods and arrows are found, with their length', () => {
    const text = `export async function open<T>(path: string): Promise<T> {
  return x;
}
class Pool {
  constructor(private a: number) {
  }
  async #close(): Promise<void> {
    for (const a of b) {
    }
  }
}
const sum = (a: number, b: number): number => {
  return a + b;
};
`;
    expect(typescript(text)).toEqual(['open 3', 'constructor 2', '#close 4', 'sum 3']);
  });

  test('objects, templates, expressions and lists of tests are no functions', () => {
    const text =
      'const a = { b: 1, c: { d: 2 } };\nconst t = `x ${y} {`;\nconst r = /[{/]/;\n' +
      "describe('x', () => {\n  test('y', () => {\n  });\n});\nif (a) {\n}\n";
    expect(typescript(text)).toEqual(['a function 2']);
  });
});
