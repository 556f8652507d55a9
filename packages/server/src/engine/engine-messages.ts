// What a server and its engine's process say to each other over the process channel. Both ends
// check what they receive.
//
//   server → engine   start (once, first), then calls
//   engine → server   started or failed, then an answer for each call, in any order; spans of
//                     requests that clients trace, whenever there are some

import { DEVICE_ROLES, ENGINE_METHODS, type EngineMethod } from '@daos/control/engine-control';
import { requestSpanSchema } from '@daos/control/engine-spans';
import { DaosError, ERRORS, type DaosErrorCode } from '@daos/model';
import * as z from 'zod';

export const engineOptionsSchema = z.object({
  rank: z.int(),
  dataDirectory: z.string(),
  targetCount: z.int(),
  transports: z.array(z.enum(['shm', 'tcp', 'verbs'])),
  tcpAddress: z.string(),
  tcpPort: z.int(),
  spinMicroseconds: z.int(),
  pinCores: z.array(z.int()).optional(),
  store: z.object({
    arena: z.enum(['log', 'pmem']),
    historySeconds: z.number(),
    prewrite: z.object({ idleBytesPerSecond: z.int(), busyBytesPerSecond: z.int() }).optional(),
    log: z.object({ checkpoint: z.int(), slow: z.int(), stop: z.int() }),
    absorbBelowBytes: z.int(),
    devices: z
      .array(z.object({ path: z.string(), roles: z.array(z.enum(DEVICE_ROLES)) }))
      .optional(),
    format: z.enum(['blank', 'force']).optional(),
    spdk: z
      .object({
        pciAllowed: z.array(z.string()),
        hasHugePages: z.boolean(),
        memoryBytes: z.int().optional(),
        configuration: z.string().optional(),
      })
      .optional(),
    isDiscarding: z.boolean().optional(),
  }),
  logLevel: z.enum(['debug', 'info', 'warning', 'error', 'off']),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

export const toEngineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('start'), options: engineOptionsSchema }),
  z.object({
    type: z.literal('call'),
    id: z.int(),
    method: z.enum(Object.keys(ENGINE_METHODS) as [EngineMethod]),
    parameters: z.unknown(),
  }),
]);
export type ToEngine = z.infer<typeof toEngineSchema>;

const failureSchema = z.object({
  code: z.enum(Object.keys(ERRORS) as [DaosErrorCode]),
  message: z.string(),
});

export const fromEngineSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('started') }),
  z.object({ type: z.literal('failed'), failure: failureSchema }),
  z.object({
    type: z.literal('spans'),
    spans: z.array(requestSpanSchema),
    droppedCount: z.int().min(0),
  }),
  z.object({
    type: z.literal('answer'),
    id: z.int(),
    result: z.unknown().optional(),
    failure: failureSchema.optional(),
  }),
]);
export type FromEngine = z.infer<typeof fromEngineSchema>;

export function failureOf(error: unknown): z.infer<typeof failureSchema> {
  if (DaosError.is(error)) return { code: error.code, message: error.message };
  return { code: 'DER_MISC', message: error instanceof Error ? error.message : String(error) };
}
