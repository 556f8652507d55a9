// What a service offers: its methods, with the schemas of what goes in and comes out.
import * as z from 'zod';

/** One method of a service. */
export interface Method<Q extends z.ZodType = z.ZodType, S extends z.ZodType = z.ZodType> {
  /**
   * Its number on the wire, from OPCODE_MIN to OPCODE_MAX. Never used again for something else:
   * programs of different versions talk to each other.
   */
  readonly opcode: number;
  readonly request: Q;
  readonly response: S;
  /**
   * Whether running it twice differs from running it once. Then a server remembers its answer, and
   * gives the same one when the request is repeated after the answer was lost. Default true.
   */
  readonly modifies?: boolean;
}

export type Methods = Readonly<Record<string, Method>>;

/** What a caller passes to a method, and what a handler gets, checked. */
export type RequestOf<M extends Method> = z.input<M['request']>;
export type CheckedRequestOf<M extends Method> = z.output<M['request']>;
/** What a handler answers, and what a caller gets, checked. */
export type ResponseOf<M extends Method> = z.input<M['response']>;
export type CheckedResponseOf<M extends Method> = z.output<M['response']>;

export interface Service<M extends Methods = Methods> {
  readonly name: string;
  readonly methods: M;
}

/** Numbers below belong to the data path. */
export const OPCODE_MIN = 0x8000;
export const OPCODE_MAX = 0xffff;

const methodSchema = z.object({ opcode: z.int().min(OPCODE_MIN).max(OPCODE_MAX) });

/**
 * A service, for both sides.
 * @throws RangeError for an opcode out of range or used twice.
 */
export function defineService<const M extends Methods>(name: string, methods: M): Service<M> {
  const seen = new Map<number, string>();
  for (const [method, { opcode }] of Object.entries(methods)) {
    if (!methodSchema.safeParse({ opcode }).success) {
      const range = `0x${OPCODE_MIN.toString(16)} to 0x${OPCODE_MAX.toString(16)}`;
      throw new RangeError(`${name}.${method}: opcode ${opcode} is not in ${range}`);
    }
    const other = seen.get(opcode);
    if (other !== undefined) {
      throw new RangeError(`${name}: ${other} and ${method} have the same opcode`);
    }
    seen.set(opcode, method);
  }
  return { name, methods };
}
