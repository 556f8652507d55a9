// What all commands share: the global options, the way to the control service, and how results and
// errors are printed.

import { ControlClient } from '@daos/control/client';
import { readCertificates, type Role } from '@daos/control/service-tls';
import { DaosError } from '@daos/model';
import { Command, CommanderError } from 'commander';
import { EXIT_CODES, exitCodeOf } from './exit-codes.js';
import { GuidedCommand, pathOf } from './guided-command.js';
import { Progress } from './progress.js';

/** Where the service found what is wrong: to who typed a command that says nothing. */
const OF_REQUEST = /^(body|query|path) of the request: /;

/** What a command has to tell: to programs with --json, to people otherwise. */
export interface Output {
  readonly response: unknown;
  /** Bytes go out as they are. */
  readonly human: string | Uint8Array;
}

/** The world of a command line. A test gives it streams of its own. */
export interface CliWorld {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly write: (text: string | Uint8Array) => void;
  readonly writeError: (text: string) => void;
  /** Where people watch: shows how far a command is. None where errors go to a file. */
  readonly writeProgress?: (text: string) => void;
}

export interface CliDescription {
  readonly name: string;
  readonly description: string;
  readonly version: string;
  readonly role: Role;
}

export interface CommandContext {
  readonly control: ControlClient;
  /** The directory with the system's certificates, where one is given. */
  readonly certificates: string | undefined;
  /** How far the command is, where it knows. */
  readonly progress: Progress;
}

const CERTIFICATES_VARIABLE = 'DAOS_CERTS';
export const CONTROL_URL_DEFAULT = 'http://127.0.0.1:10001';
const CONTROL_VARIABLE = 'DAOS_CONTROL';

export class Cli {
  readonly program: Command;
  readonly #world: CliWorld;
  readonly #role: Role;
  #exitCode: number = EXIT_CODES.done;

  /** `role` is the one whose certificate it shows. */
  constructor({ name, description, version, role }: CliDescription, world: CliWorld) {
    this.#world = world;
    this.#role = role;
    this.program = new GuidedCommand(name)
      .description(description)
      // Without commander's -V, which commands have for other things.
      .version(version, '--version')
      .option('-j, --json', 'print one JSON object {response, error, status}')
      .option(
        '--control <url>',
        `control service; also by ${CONTROL_VARIABLE} (default: ${CONTROL_URL_DEFAULT})`,
      )
      .option('--certs <directory>', `certificates of the system; also by ${CERTIFICATES_VARIABLE}`)
      .configureOutput({
        writeOut: world.write,
        writeErr: (text) => void (this.#isJson || world.writeError(text)),
      })
      .exitOverride();
  }

  /** A function for commander that runs `action` and prints what comes of it. */
  action<A extends unknown[]>(
    action: (context: CommandContext, ...parameters: A) => Promise<Output>,
  ): (...parameters: A) => Promise<void> {
    return async (...parameters) => {
      try {
        this.#print(await this.#runAction(action, parameters));
      } catch (error) {
        this.#fail(error);
      }
    };
  }

  /** With its progress, which is gone from the terminal when this returns. */
  async #runAction<A extends unknown[]>(
    action: (context: CommandContext, ...parameters: A) => Promise<Output>,
    parameters: A,
  ): Promise<Output> {
    const write = this.#isJson ? undefined : this.#world.writeProgress;
    const command = parameters.at(-1);
    const label = command instanceof Command ? pathOf(command) : this.program.name();
    using progress = new Progress({ write, label });
    const certificates = this.#accessOptions.certs;
    const control = this.#control(progress);
    return await action({ control, certificates, progress }, ...parameters);
  }

  /** `version`, as DAOS has it beside the option. */
  addVersion(): void {
    const version = this.program.version() ?? '';
    const name = this.program.name();
    this.program
      .command('version')
      .description('prints the version of this program')
      .action(() => {
        this.#print({ response: { component: name, version }, human: `${name} ${version}\n` });
      });
  }

  /** The exit code. */
  async run(parameters: readonly string[]): Promise<number> {
    try {
      this.#checkHelp(parameters);
      await this.program.parseAsync(parameters, { from: 'user' });
    } catch (error) {
      if (!(error instanceof CommanderError)) throw error;
      if (error.exitCode === 0) return EXIT_CODES.done;
      this.#failUsage(error);
    }
    return this.#exitCode;
  }

  /** Commander shows the help of what is known of a command line, whatever else it names. */
  #checkHelp(parameters: readonly string[]): void {
    if (!parameters.some((parameter) => parameter === '--help' || parameter === '-h')) return;
    let command = this.program;
    for (let i = 0; i < parameters.length && command.commands.length > 0; i++) {
      const parameter = parameters[i] as string;
      if (parameter.startsWith('-')) {
        if (takesNext(this.program, parameter)) i++;
        continue;
      }
      const next = command.commands.find(
        (known) => known.name() === parameter || known.aliases().includes(parameter),
      );
      if (!next) return this.#refuseCommand(command, parameter, parameters);
      command = next;
    }
  }

  /** Before anything was parsed: whether an object is wanted has to be looked for. */
  #refuseCommand(within: Command, name: string, parameters: readonly string[]): void {
    const isJson = parameters.includes('--json') || parameters.includes('-j');
    this.program.setOptionValue('json', isJson);
    const code = 'commander.unknownCommand';
    within.error(`error: unknown command '${name}'`, { code, exitCode: 1 });
  }

  /** People have had commander's own words for it. */
  #failUsage({ code, message }: CommanderError): void {
    this.#exitCode = EXIT_CODES.usage;
    if (!this.#isJson) return;
    const isIncomplete = code === 'commander.help';
    this.#fail(new DaosError('DER_INVAL', isIncomplete ? 'no command is given' : message));
  }

  #control(progress: Progress): ControlClient {
    const { control, certs } = this.#accessOptions;
    return new ControlClient({
      ...(certs !== undefined && { certificates: readCertificates(certs, this.#role) }),
      onProgress: (amount) => progress.report(amount),
      url: control ?? this.#world.environment[CONTROL_VARIABLE] ?? CONTROL_URL_DEFAULT,
    });
  }

  get #accessOptions(): { control?: string; certs?: string | undefined } {
    const { control, certs = this.#world.environment[CERTIFICATES_VARIABLE] } = this.program.opts<{
      control?: string;
      certs?: string;
    }>();
    return { ...(control !== undefined && { control }), certs };
  }

  get #isJson(): boolean {
    return this.program.opts<{ json?: boolean }>().json === true;
  }

  #print({ response, human }: Output): void {
    const text = this.#isJson ? envelope({ response, error: null, status: 0 }) : human;
    this.#world.write(text);
  }

  #fail(error: unknown): void {
    this.#exitCode = exitCodeOf(error);
    const known = DaosError.is(error) ? error : undefined;
    const cause = error instanceof Error ? error.message : String(error);
    const message = cause.replace(OF_REQUEST, '');
    if (this.#isJson) {
      this.#world.write(
        envelope({ response: null, error: message, status: -(known?.value ?? 1025) }),
      );
      return;
    }
    const name = this.program.name();
    this.#world.writeError(`${name}: ${known ? `${known.code}: ` : ''}${message}\n`);
    if (known) this.#world.writeError(`${name}: what to do: ${known.action}\n`);
  }
}

function takesNext(program: Command, flag: string): boolean {
  const option = program.options.find(({ short, long }) => short === flag || long === flag);
  return option?.required === true;
}

/** Whole numbers beyond a double's go as text. */
function envelope(value: object): string {
  const replace = (_key: string, field: unknown) =>
    typeof field === 'bigint' ? field.toString() : field;
  return `${JSON.stringify(value, replace, 2)}\n`;
}
