// Goal:   nobody has to read the source of a public class to use it.
// Method: the declarations that users get: each exported class, function and interface has a
//         comment, and so has each public method; and docs/client-js.md, whose programs are run by
//         readme-examples.test.mjs, uses each method of the client's classes.
import { describe, expect, test } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** A class in the text of which users see these is made by others, for them. */
const EXAMPLES = readFileSync(join(root, 'docs/client-js.md'), 'utf8');

function exportsOf(name) {
  const entry = join(root, `packages/${name}/dist/index.d.ts`);
  const { NodeNext } = ts.ModuleKind;
  const moduleResolution = ts.ModuleResolutionKind.NodeNext;
  const options = { module: NodeNext, moduleResolution, skipLibCheck: true };
  const program = ts.createProgram([entry], options);
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(entry));
  return checker.getExportsOfModule(module).map((symbol) => {
    const known = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
    return { checker, symbol: known };
  });
}

const commentOf = ({ checker, symbol }) =>
  ts.displayPartsToString(symbol.getDocumentationComment(checker));
const isDeclaredHere = (symbol, name) =>
  symbol.declarations?.some((each) => each.getSourceFile().fileName.includes(`packages/${name}/`));

/** Public methods, static ones included; disposal speaks for itself. */
function methodsOf({ checker, symbol }) {
  const members = [...(symbol.members?.values() ?? []), ...(symbol.exports?.values() ?? [])];
  return members
    .filter((member) => member.flags & ts.SymbolFlags.Method && !member.name.startsWith('_'))
    .filter((member) => !/^(toString|close|constructor)$/.test(member.name))
    .map((member) => ({ checker, symbol: member }));
}

describe.each(['client', 'rpc'])('documented/%s', (name) => {
  const found = exportsOf(name).filter(({ symbol }) => isDeclaredHere(symbol, name));
  const classes = found.filter(({ symbol }) => symbol.flags & ts.SymbolFlags.Class);

  test('the check sees what it is about', () => {
    expect(classes.length).toBeGreaterThan(2);
    expect(classes.flatMap(methodsOf).length).toBeGreaterThan(8);
  });

  test('each class and function has a comment', () => {
    const kinds = ts.SymbolFlags.Class | ts.SymbolFlags.Function;
    const bare = found.filter((each) => each.symbol.flags & kinds && commentOf(each) === '');
    expect(bare.map(({ symbol }) => symbol.name)).toEqual([]);
  });

  test('each method has a comment', () => {
    const bare = classes.flatMap((each) =>
      methodsOf(each)
        .filter((method) => commentOf(method) === '')
        .map(({ symbol }) => `${each.symbol.name}.${symbol.name}`),
    );
    expect(bare).toEqual([]);
  });
});

describe('documented/client', () => {
  const classes = exportsOf('client').filter(({ symbol }) =>
    /^(Client|Pool|Container|DaosObject|KeyValue|ByteArray)$/.test(symbol.name),
  );

  test('each method is used by a program of docs/client-js.md', () => {
    // What others call: Client.openPool and Client.attachContainer.
    const internal = ['Pool.attach', 'Pool.attachContainer', 'Pool.abandon'];
    const unused = classes
      .flatMap((each) => methodsOf(each).map(({ symbol }) => [each.symbol.name, symbol.name]))
      .filter(([, method]) => !EXAMPLES.includes(`.${method}(`))
      .map((names) => names.join('.'))
      .filter((method) => !internal.includes(method));
    expect(unused).toEqual([]);
  });
});
