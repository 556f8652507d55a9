// Finds functions in C++ and TypeScript without parsing either: by matching braces and looking at
// what stands before one. Good enough to measure length: it recognises functions as people write
// them, and takes hardly anything else for one.

const STRING_OF_CPP = `"(?:\\\\.|[^"\\\\\\n])*"`;
const CHARACTER_OF_CPP = `'(?:\\\\.|[^'\\\\\\n])+'`;
const RAW_STRING_OF_CPP = 'R"(\\w*)\\([\\s\\S]*?\\)\\1"';
// A digit separator (1'000) is no quote.
const NUMBER_OF_CPP = "\\b\\d[\\d']*\\d\\b";
const STRING_OF_TYPESCRIPT = `"(?:\\\\.|[^"\\\\\\n])*"|'(?:\\\\.|[^'\\\\\\n])*'`;
// A template counts as one string up to its closing quote, whatever it holds.
const TEMPLATE_OF_TYPESCRIPT = '`(?:\\\\.|[^`\\\\])*`';
// A regular expression is told from a division by what stands before it.
const REGULAR_EXPRESSION =
  '(?<=[=(,:;!&|?]\\s*)/(?![*/])(?:\\\\.|\\[(?:\\\\.|[^\\]\\\\\\n])*\\]|[^/\\\\\\n])+/';
const COMMENT = '//[^\\n]*|/\\*[\\s\\S]*?\\*/';

const LITERALS_OF_CPP = [
  RAW_STRING_OF_CPP,
  NUMBER_OF_CPP,
  COMMENT,
  STRING_OF_CPP,
  CHARACTER_OF_CPP,
].join('|');
const LITERALS_OF_TYPESCRIPT = [
  COMMENT,
  STRING_OF_TYPESCRIPT,
  TEMPLATE_OF_TYPESCRIPT,
  REGULAR_EXPRESSION,
].join('|');

/** The text with comments, strings and character literals blanked out, line breaks kept. */
export function blankLiterals(text, isCpp) {
  const pattern = new RegExp(isCpp ? LITERALS_OF_CPP : LITERALS_OF_TYPESCRIPT, 'g');
  return text.replaceAll(pattern, (literal) => literal.replaceAll(/[^\n]/g, ' '));
}

/** The functions of a text: { name, line, lineCount }, lines counted from brace to brace. */
export function functionsOf(text, isCpp) {
  const code = blankLiterals(text, isCpp);
  const functions = [];
  const open = [];
  let line = 1;
  let headStart = 0;
  for (let i = 0; i < code.length; i += 1) {
    const character = code[i];
    if (character === '\n') line += 1;
    if (character === '{') {
      // `a_{1}` initialises a member; what stands before it goes on behind it.
      const isInitializer = isCpp && /[\w>]/.test(code[i - 1] ?? '');
      const nameOf = isCpp ? cppNameOf : typescriptNameOf;
      const name = isInitializer ? undefined : nameOf(code.slice(headStart, i));
      open.push({ line, name, headStart: isInitializer ? headStart : undefined });
    }
    const closed = character === '}' ? open.pop() : undefined;
    if (closed?.name !== undefined) {
      functions.push({ name: closed.name, line: closed.line, lineCount: line - closed.line + 1 });
    }
    if (';{}'.includes(character)) headStart = closed?.headStart ?? i + 1;
  }
  return functions;
}

const CONTROL = /^(else|if|for|while|switch|catch|do|try|return|case|default)\b/;
const flatten = (head) =>
  head
    .replaceAll(/^\s*#.*$/gm, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();

/** The name of the function that `head` opens, or undefined when it opens something else. */
function cppNameOf(head) {
  const flat = flatten(head).replace(/^(public|private|protected) ?: ?/, '');
  if (CONTROL.test(flat) || /^(inline )?(namespace|extern|enum|union)\b/.test(flat)) {
    return undefined;
  }
  if (/^(template ?<.*> ?)?(class|struct)\b[^()]*$/.test(flat)) return undefined;
  // A name and a parameter list; nothing is assigned before them, which would be a lambda.
  const [, name] = /^[^=(]*?(~?[\w:]+|operator ?[^\s(]+) ?\(/.exec(flat) ?? [];
  return name !== undefined && flat.includes(')') ? name : undefined;
}

function typescriptNameOf(head) {
  const flat = flatten(head);
  if (CONTROL.test(flat)) return undefined;
  // The outermost block of a test file is a list of tests, not a function.
  if (/^describe\b.*=>$/.test(flat)) return undefined;
  const [, declared] = /\bfunction\*? ?([\w$]+)/.exec(flat) ?? [];
  if (declared !== undefined) return declared;
  if (flat.endsWith('=>'))
    return /([\w$#]+) ?(?::[^=]*)?= ?(async ?)?\(?[^=]*=>$/.exec(flat)?.[1] ?? 'a function';
  const modifiers = /^((static|async|get|set|public|private|protected|override|\*) ?)*/;
  const [, method] = /^([\w$#]+) ?(<.*>)?\(.*\)( ?:.*)?$/.exec(flat.replace(modifiers, '')) ?? [];
  return method;
}
