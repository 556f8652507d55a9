// Attributes of the system as a whole, which administrators set and nothing here interprets.

import { changed, type AttributeChanges, type Attributes } from './attributes.js';
import { readRecord, type ControlContext } from './control-context.js';
import { answerAhead, type RequestIdentity } from './records/answer-record.js';
import { SYSTEM_KEY, systemRecord } from './records/system-record.js';

export async function getSystemAttributes(context: ControlContext): Promise<Attributes> {
  return (await readRecord(context, systemRecord, SYSTEM_KEY))?.fields.attributes ?? {};
}

/** DER_NONEXIST when one to delete is not there; nothing is changed then. */
export async function changeSystemAttributes(
  context: ControlContext,
  changes: AttributeChanges,
  request?: RequestIdentity,
): Promise<Attributes> {
  for (;;) {
    const stored = await readRecord(context, systemRecord, SYSTEM_KEY);
    const attributes = changed(stored?.fields.attributes ?? {}, changes);
    const condition = { key: SYSTEM_KEY, modRevision: stored?.modRevision ?? 0 };
    const properties = stored?.fields.properties ?? {};
    const value = systemRecord.encode({ attributes, properties });
    const change = { put: SYSTEM_KEY, value };
    const ahead = answerAhead(context, request, { attributes });
    if ((await context.store.txn([condition], [change, ...ahead])).succeeded) return attributes;
  }
}
