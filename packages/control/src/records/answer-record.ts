// What the store holds about a request with an idempotency key: the answer that its repetition
// gets.
//
// Most answers are written after the change. What can be carried out once alone, since the thing is
// gone or has another name afterwards, writes its answer ahead, in the transaction from which on it
// goes to its end whatever happens: whoever repeats the request is told that it was done, also by
// the next process or control host, and also when that has carried on what was left.

import * as z from 'zod';
import type { ControlContext } from '../control-context.js';
import type { Change } from '../metadata/metadata-store.js';
import { RecordType } from './record.js';

export const ANSWER_PREFIX = '/answers/';

/** The record of what is being done, and its state until that is done. */
const unfinishedField = z.object({ key: z.string(), state: z.string() });
export type Unfinished = z.infer<typeof unfinishedField>;

export const answerRecord = new RecordType({
  name: 'answer',
  migrations: [
    // What is new may be absent; a program that would drop it must not write the record.
    (fields) => fields,
  ],
  schema: z.object({
    /** Of method, path and body: the same key with another request is a mistake of the caller. */
    digest: z.string(),
    body: z.unknown(),
    givenMs: z.int(),
    /** Of an answer ahead: it is none while the record has this state. */
    unfinishedWhile: unfinishedField.optional(),
  }),
});
export type AnswerFields = z.infer<typeof answerRecord.schema>;

/** Which request it is that a change is made for. */
export interface RequestIdentity {
  /** Its idempotency key. */
  readonly key: string;
  readonly digest: string;
}

/** What the last transaction that can fail writes besides; nothing for requests without a key. */
export function answerAhead(
  { clock }: Pick<ControlContext, 'clock'>,
  request: RequestIdentity | undefined,
  body: unknown,
  unfinishedWhile?: Unfinished,
): Change[] {
  if (!request) return [];
  const { key, digest } = request;
  const answer = { digest, body, givenMs: clock.wallMs() };
  const value = answerRecord.encode({ ...answer, ...(unfinishedWhile && { unfinishedWhile }) });
  return [{ put: ANSWER_PREFIX + key, value }];
}
