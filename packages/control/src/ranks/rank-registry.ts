// The ranks of the system: who they are, and how they are.
//
// Life cycle: (absent) → starting → joined → stopped | errored → starting → …

import * as z from 'zod';
import { readRecord, readRecords, type ControlContext } from '../control-context.js';
import { bytesField, rankField } from '../records/fields.js';
import { RANK_PREFIX, rankKey, rankRecord, type RankFields } from '../records/rank-record.js';

export const joinSchema = z.strictObject({
  rank: rankField,
  host: z.string(),
  faultDomain: rankRecord.schema.shape.faultDomain,
  targetCount: z.int().min(1),
  storageCapacityBytes: bytesField,
  memoryCapacityBytes: bytesField,
  addresses: rankRecord.schema.shape.addresses,
  controlUrl: rankRecord.schema.shape.controlUrl,
  deviceGroups: rankRecord.schema.shape.deviceGroups,
});
export type JoinRequest = z.infer<typeof joinSchema>;

/** An engine has started: a new incarnation, at new addresses. */
export async function joinRank(context: ControlContext, request: JoinRequest): Promise<RankFields> {
  const key = rankKey(request.rank);
  for (;;) {
    const old = await readRecord(context, rankRecord, key);
    const next: RankFields = {
      ...request,
      // Who was excluded stays so until an administrator lets it in again.
      state: old?.fields.state === 'excluded' ? 'excluded' : 'joined',
      incarnation: (old?.fields.incarnation ?? 0) + 1,
    };
    const condition = { key, modRevision: old?.modRevision ?? 0 };
    const change = { put: key, value: rankRecord.encode(next) };
    if ((await context.store.txn([condition], [change])).succeeded) return next;
  }
}

/** An engine is not running any more, or not yet. An unknown rank is left unknown. */
export async function setRankState(
  context: ControlContext,
  rank: number,
  state: RankFields['state'],
  reason?: string,
): Promise<void> {
  const key = rankKey(rank);
  for (;;) {
    const old = await readRecord(context, rankRecord, key);
    if (!old) return;
    if (old.fields.state === 'excluded') return;
    const { reason: _, ...fields } = old.fields;
    const next: RankFields = {
      ...fields,
      state,
      addresses: state === 'joined' ? fields.addresses : [],
      ...(reason !== undefined && { reason }),
    };
    const condition = { key, modRevision: old.modRevision };
    const change = { put: key, value: rankRecord.encode(next) };
    if ((await context.store.txn([condition], [change])).succeeded) return;
  }
}

/**
 * Nobody hears of an engine that may well run: its addresses stay. False where it has joined again
 * meanwhile, or is not joined.
 */
export async function suspectRank(
  context: ControlContext,
  { rank, incarnation }: Pick<RankFields, 'rank' | 'incarnation'>,
  reason: string,
): Promise<boolean> {
  const key = rankKey(rank);
  for (;;) {
    const old = await readRecord(context, rankRecord, key);
    if (old?.fields.state !== 'joined' || old.fields.incarnation !== incarnation) return false;
    const next: RankFields = { ...old.fields, state: 'suspect', reason };
    const condition = { key, modRevision: old.modRevision };
    const change = { put: key, value: rankRecord.encode(next) };
    if ((await context.store.txn([condition], [change])).succeeded) return true;
  }
}

/** Its server runs; its engine starts when its devices have been formatted. */
export async function awaitFormat(
  context: ControlContext,
  request: JoinRequest,
  reason: string,
): Promise<void> {
  const key = rankKey(request.rank);
  for (;;) {
    const old = await readRecord(context, rankRecord, key);
    if (old?.fields.state === 'excluded') return;
    const incarnation = old?.fields.incarnation ?? 0;
    const next: RankFields = { ...request, state: 'awaitformat', reason, incarnation };
    const condition = { key, modRevision: old?.modRevision ?? 0 };
    const change = { put: key, value: rankRecord.encode(next) };
    if ((await context.store.txn([condition], [change])).succeeded) return;
  }
}

export async function listRanks(context: ControlContext): Promise<RankFields[]> {
  return (await readRecords(context, rankRecord, RANK_PREFIX)).map(({ fields }) => fields);
}

/** The ranks of each server together; no server is left without any. */
export async function ranksByServer(context: ControlContext): Promise<RankFields[][]> {
  const servers = new Map<string, RankFields[]>();
  for (const rank of await listRanks(context)) {
    const server = rank.controlUrl ?? rank.host;
    servers.set(server, [...(servers.get(server) ?? []), rank]);
  }
  return [...servers.values()];
}
