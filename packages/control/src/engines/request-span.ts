// What an engine did for a request that its client traces, as the engine tells it.

import * as z from 'zod';

export const requestSpanSchema = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  parentSpanId: z.string().regex(/^[0-9a-f]{16}$/),
  target: z.int().min(0),
  operation: z.string(),
  error: z.string(),
  beganNs: z.string().regex(/^\d{1,20}$/),
  tookNs: z.number().min(0),
  stages: z.array(z.object({ stage: z.string(), beganNs: z.number().min(0) })),
});
export type RequestSpan = z.infer<typeof requestSpanSchema>;
