// `completion`: a script that has a shell complete the commands and options of a program.

import type { Command } from 'commander';
import type { Cli } from '../cli.js';

export function addCompletion(cli: Cli): void {
  cli.program
    .command('completion')
    .description('prints a script for bash: source it, or put it where bash finds completions')
    .action(cli.action(async () => printed(completionScript(cli.program))));
}

const printed = (script: string) => ({ response: { script }, human: script });

/** What may follow each command, by the words that lead to it. */
function wordsOf(command: Command, path: string, words: Map<string, string[]>): void {
  const shown = command.options.filter(({ hidden }) => !hidden);
  const options = shown.flatMap(({ long }) => (long ? [long] : []));
  words.set(path, [...command.commands.map((child) => child.name()), ...options, '--help']);
  for (const child of command.commands) {
    for (const name of [child.name(), ...child.aliases()]) {
      wordsOf(child, `${path} ${name}`, words);
    }
  }
}

export function completionScript(program: Command): string {
  const words = new Map<string, string[]>();
  wordsOf(program, '', words);
  const paths = [...words.keys()].filter((path) => path !== '');
  const cases = [...words].map(([path, list]) => `    "${path}") words="${list.join(' ')}" ;;`);
  const name = program.name();
  return `# Completion of ${name} for bash. In zsh, after: autoload -U bashcompinit && bashcompinit
_${name}() {
  local path="" words="" word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$path $word" in
      ${paths.map((path) => `"${path}"`).join('|')}) path="$path $word" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _${name} ${name}
`;
}
