// The serving side: takes requests in batches, and runs their handlers.
import { DaosError } from '@daos/model';
import { AnswerReader, asNothing, type Decode, type Handle } from '@daos/native';
import type { RpcAddon } from './binding.js';
import { decodeBody, encodeBody, encodeDetails } from './body.js';
import type { RemoteError } from './remote-error.js';
import { RequestContext, type ArrivedRequest } from './request-context.js';
import type { CheckedRequestOf, Method, Methods, ResponseOf, Service } from './service.js';

/** Answers a call: with a response, or by throwing. */
export type Handler<M extends Method> = (
  request: CheckedRequestOf<M>,
  context: RequestContext,
) => ResponseOf<M> | Promise<ResponseOf<M>>;

export type Handlers<M extends Methods> = { readonly [K in keyof M]: Handler<M[K]> };

interface Served {
  name: string;
  method: Method;
  handler: Handler<Method>;
}

export class RequestLoop {
  readonly #addon: RpcAddon;
  readonly #handle: Handle;
  readonly #served = new Map<number, Served>();
  #isRunning = false;
  #isStopped = false;

  constructor(addon: RpcAddon, handle: Handle) {
    this.#addon = addon;
    this.#handle = handle;
  }

  async serve<M extends Methods>(service: Service<M>, handlers: Handlers<M>): Promise<void> {
    const entries = Object.entries<Method>(service.methods);
    for (const [key, { opcode }] of entries) {
      if (!this.#served.has(opcode)) continue;
      const message = `${service.name}.${key}: opcode ${opcode} is served already`;
      throw new DaosError('DER_EXIST', message);
    }
    for (const [key, method] of entries) {
      const handler = handlers[key] as unknown as Handler<Method>;
      this.#served.set(method.opcode, { name: `${service.name}.${key}`, method, handler });
    }
    const { operations, binding } = this.#addon;
    const command = operations.command.begin().u32(entries.length);
    for (const [, { opcode }] of entries) command.u32(opcode);
    await operations.run(binding.rpcServe, this.#handle, asNothing);
    if (!this.#isRunning) void this.#run();
  }

  stop(): void {
    this.#isStopped = true;
  }

  /** Until the endpoint closes, which ends the pending accept. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    const { operations, binding } = this.#addon;
    while (!this.#isStopped) {
      try {
        operations.command.begin();
        const batch = await operations.run(binding.rpcAccept, this.#handle, asBatch);
        for (const request of batch) void this.#answer(request);
      } catch (error) {
        if (isOver(error)) return;
        throw error;
      }
    }
  }

  async #answer(arrived: ArrivedRequest): Promise<void> {
    const context = new RequestContext(this.#addon, this.#handle, arrived);
    try {
      await this.#handleRequest(arrived, context);
    } catch (error) {
      await context.settle();
      await this.#fail(arrived, error).catch(ignoreOver);
    } finally {
      context.end();
    }
  }

  async #handleRequest(arrived: ArrivedRequest, context: RequestContext): Promise<void> {
    const { name, method, handler } = this.#served.get(arrived.opcode) as Served;
    const what = `the request of ${name}`;
    const request = decodeBody(method.request, arrived.body, what, 'DER_INVAL');
    const response = await handler(request as never, context);
    const body = encodeBody(method.response, response, `the response of ${name}`);
    await context.settle();
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(arrived.id).bytes(body);
    await operations
      .run(binding.rpcReply, this.#handle, asNothing, context.answerData)
      .catch((error: unknown) => {
        ignoreOver(error);
      });
  }

  #fail({ id }: ArrivedRequest, error: unknown): Promise<void> {
    const known = DaosError.is(error) ? error : new DaosError('DER_MISC', messageOf(error));
    // By its shape: another copy of this package may have made it.
    const details = encodeDetails((known as Partial<RemoteError>).details);
    const { operations, binding } = this.#addon;
    operations.command.begin().u64(id).u32(known.value).text(known.message).bytes(details);
    return operations.run(binding.rpcFail, this.#handle, asNothing);
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The endpoint is closed or closing. */
function isOver(error: unknown): boolean {
  return (
    DaosError.is(error, 'DER_CANCELED') ||
    DaosError.is(error, 'DER_SHUTDOWN') ||
    DaosError.is(error, 'DER_NO_HDL')
  );
}

function ignoreOver(error: unknown): void {
  if (!isOver(error)) throw error;
}

const asBatch: Decode<ArrivedRequest[]> = (_low, _high, value) => {
  const answer = new AnswerReader(value as Uint8Array);
  return Array.from({ length: answer.u32() }, () => ({
    id: answer.u64(),
    opcode: answer.u32(),
    session: answer.u64(),
    remainingMs: Number(answer.u64()) / 1_000_000,
    dataSize: answer.size(),
    roomSize: answer.size(),
    isRoomRemote: answer.u8() !== 0,
    body: answer.bytes(),
  }));
};
