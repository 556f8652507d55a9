// Bodies: values that a schema allows, as MessagePack.
//
// Maps are written plainly, with their names: each body can be read without another one, and by
// any reader of MessagePack.
import { DaosError, type DaosErrorCode } from '@daos/model';
import { Packr } from 'msgpackr';
import * as z from 'zod';

const packr = new Packr({ useRecords: false, encodeUndefinedAsNil: false });
const EMPTY = new Uint8Array();

/** The body of `value`, which the caller made: a schema breach is a bug of this program. */
export function encodeBody(schema: z.ZodType, value: unknown, what: string): Uint8Array {
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw breach('DER_INVAL', what, parsed.error);
  return packr.pack(value);
}

/** What a peer sent. Fails with `code` unless it is MessagePack that the schema allows. */
export function decodeBody<T extends z.ZodType>(
  schema: T,
  body: Uint8Array,
  what: string,
  code: DaosErrorCode,
): z.output<T> {
  let value: unknown;
  try {
    value = packr.unpack(body);
  } catch (cause) {
    throw new DaosError(code, `${what} is not MessagePack`, { cause });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw breach(code, what, parsed.error);
  return parsed.data;
}

/** What accompanies an error; nothing for undefined. */
export function encodeDetails(details: unknown): Uint8Array {
  return details === undefined ? EMPTY : packr.pack(details);
}

/** Undefined for nothing, and for what can't be read. */
export function decodeDetails(body: Uint8Array): unknown {
  try {
    return body.byteLength === 0 ? undefined : packr.unpack(body);
  } catch {
    return undefined;
  }
}

function breach(code: DaosErrorCode, what: string, cause: z.ZodError): DaosError {
  const [issue] = cause.issues;
  const path = issue === undefined || issue.path.length === 0 ? '' : `.${issue.path.join('.')}`;
  return new DaosError(code, `${what}${path}: ${issue?.message ?? 'not allowed'}`, { cause });
}
