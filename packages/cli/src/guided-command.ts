// A command that answers mistakes in its use with what it takes.

import { Command, type ErrorOptions } from 'commander';

const EXCESS = 'commander.excessArguments';

/** Codes after which its usage helps: those of a command that was found. */
const OF_USE: ReadonlySet<string> = new Set([
  EXCESS,
  'commander.missingArgument',
  'commander.missingMandatoryOptionValue',
  'commander.optionMissingArgument',
  'commander.unknownOption',
]);

export class GuidedCommand extends Command {
  override createCommand(name?: string): GuidedCommand {
    return new GuidedCommand(name);
  }

  override error(message: string, options?: ErrorOptions): never {
    const code = options?.code ?? '';
    if (!OF_USE.has(code)) super.error(message, options);
    const what = code === EXCESS ? this.#describeExcess() : message;
    super.error(`${what}\n${this.#describeUse()}`, options);
  }

  #describeExcess(): string {
    const excess = this.args.slice(this.registeredArguments.length);
    const words = excess.map((word) => `'${word}'`).join(', ');
    const known = this.registeredArguments.map((argument) => `<${argument.name()}>`).join(' ');
    const taken = known === '' ? 'takes no words of its own' : `takes ${known}`;
    const too = excess.length === 1 ? 'is one too many' : 'are too many';
    return `error: '${pathOf(this)}' ${taken}: ${words} ${too}`;
  }

  #describeUse(): string {
    const words = ['usage:', rootOf(this).name(), pathOf(this), this.usage()];
    const lines = [words.filter((word) => word !== '').join(' ')];
    const shown = this.options.filter(({ hidden, required, optional }) => {
      return !hidden && (required || optional);
    });
    if (shown.length > 0) {
      lines.push(`options with a value: ${shown.map(({ flags }) => flags).join('; ')}`);
    }
    return lines.join('\n');
  }
}

/** As `pool create`, without the program's name. */
export function pathOf(command: Command): string {
  const names: string[] = [];
  for (let at: Command | null = command; at?.parent; at = at.parent) names.unshift(at.name());
  return names.join(' ');
}

function rootOf(command: Command): Command {
  return command.parent ? rootOf(command.parent) : command;
}
