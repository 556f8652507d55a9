// The program of an engine's process: loads the native engine and does what the server says.
//
// Life: start message → serving → `stop`, or the server's end, which the channel tells; both stop
//       the engine in good order.

import { ENGINE_METHODS, type EngineControl } from '@daos/control/engine-control';
import { startEngine } from '@daos/native';
import { failureOf, toEngineSchema, type FromEngine, type ToEngine } from './engine-messages.js';
import { engineControlOf, passSpans } from './native-engine-control.js';

let control: EngineControl | undefined;

function send(message: FromEngine): void {
  process.send?.(message);
}

/** Exits when all that was sent has left. */
function leave(status: number): void {
  if (process.connected) process.disconnect();
  process.exitCode = status;
  setTimeout(() => process.exit(status), 100).unref();
}

async function start(options: Extract<ToEngine, { type: 'start' }>['options']): Promise<void> {
  process.title = `daos-engine rank ${options.rank}`;
  try {
    const { pinCores, ...rest } = options;
    const engine = await startEngine({ ...rest, ...(pinCores && { pinCores }) });
    control = engineControlOf(engine);
    send({ type: 'started' });
    void passSpans(engine, (taken) => send({ type: 'spans', ...taken }));
  } catch (error) {
    send({ type: 'failed', failure: failureOf(error) });
    leave(1);
  }
}

async function answer({
  id,
  method,
  parameters,
}: Extract<ToEngine, { type: 'call' }>): Promise<void> {
  try {
    if (!control) throw new Error('the engine has not started');
    const call = control[method] as (parameters: unknown) => Promise<object>;
    const result = await call(ENGINE_METHODS[method].parameters.parse(parameters));
    send({ type: 'answer', id, result });
  } catch (error) {
    send({ type: 'answer', id, failure: failureOf(error) });
    return;
  }
  if (method === 'stop') leave(0);
}

process.on('message', (value) => {
  const message = toEngineSchema.parse(value);
  void (message.type === 'start' ? start(message.options) : answer(message));
});

// The server is gone, perhaps killed: nobody can command this engine any more.
process.on('disconnect', () => {
  const stopping = control?.stop({}) ?? Promise.resolve({});
  void stopping.finally(() => process.exit(0));
});

// The server decides when an engine stops; a terminal's interrupt goes to the whole group.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
