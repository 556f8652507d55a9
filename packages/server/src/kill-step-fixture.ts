// What a server or control host of a test imports first so that it can be killed between two steps
// of a change: while the file that `?armed=` names behind this module's own is there, transactions
// of the metadata and commands to engines are counted, and at the one that it tells the process
// kills itself. The renewals of ranks go on beside them and are no steps.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { FencedStore, LmdbStore, type MetadataStore } from '@daos/control';
import { ControlClient } from '@daos/control/client';
import type { EngineCommand } from '@daos/control/service';
import { EngineCommands } from './system/engine-commands.js';

/** What the file holds, as JSON. */
export interface Armed {
  /** From 0 on. */
  readonly step: number;
  /** `before`: nothing of the step happens. `during`: it is begun, and nobody hears how it ends. */
  readonly when: 'before' | 'during';
  /** Where the name of the step is written to, just before the end. */
  readonly report: string;
}

const file = new URL(import.meta.url).searchParams.get('armed');
let stepCount = 0;

function die(report: string, name: string): never {
  writeFileSync(report, name);
  process.kill(process.pid, 'SIGKILL');
  // The signal takes effect when this returns to the kernel; nothing may run before.
  for (;;);
}

async function step<T>(name: string, run: () => Promise<T>): Promise<T> {
  if (file === null || !existsSync(file)) {
    stepCount = 0;
    return await run();
  }
  const { step: wanted, when, report } = JSON.parse(readFileSync(file, 'utf8')) as Armed;
  if (stepCount++ !== wanted) return await run();
  if (when === 'during') {
    run().catch(() => {});
    // What was begun is sent before anything that was queued later runs.
    await new Promise((resolve) => setImmediate(resolve));
  }
  die(report, name);
}

/** What a server asks of engines on its own, whatever change is under way. */
const ROUTINE = [
  ...['queryPool', 'queryDevices', 'poolMetrics', 'containerUsage', 'addresses'],
  ...['awaitQuotaRequests', 'setPoolMap'],
];

type Transact = MetadataStore['txn'];

/** Of the store that the host that acts writes with. */
function countTransactions(store: { txn: Transact }): void {
  const { txn } = store;
  store.txn = function (this: unknown, ...parameters: Parameters<Transact>) {
    const keys = parameters[1].map((change) => ('put' in change ? change.put : change.delete));
    const run = () => txn.apply(this, parameters);
    if (keys.every((key) => key.startsWith('/ranks/'))) return run();
    return step(`transaction on ${keys.join(', ')}`, run);
  };
}

type Command = (command: EngineCommand) => Promise<unknown>;

/** To engines of this server, or of another one. */
function countCommands<Name extends string>(sender: Record<Name, Command>, name: Name): void {
  const command: Command = sender[name];
  sender[name] = function (this: unknown, given: EngineCommand) {
    const run = () => command.call(this, given);
    if (ROUTINE.includes(given.method)) return run();
    return step(`engine ${given.rank}: ${given.method}`, run);
  };
}

if (file !== null) {
  countTransactions(LmdbStore.prototype);
  countTransactions(FencedStore.prototype);
  countCommands(EngineCommands.prototype, 'run');
  countCommands(ControlClient.prototype, 'commandEngine');
}
