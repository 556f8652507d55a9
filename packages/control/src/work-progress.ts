// How far work is that takes its time.

import * as z from 'zod';

export const workProgressSchema = z.object({
  count: z.number().min(0),
  total: z.number().min(0).optional(),
  text: z.string().meta({ description: 'As `2 of 5 engines`' }),
});
export type WorkProgress = z.infer<typeof workProgressSchema>;
export type ReportProgress = (progress: WorkProgress) => void;

/** To be called as each of `total` things is done. */
export function countDone(
  total: number,
  things: string,
  report: ReportProgress | undefined,
): () => void {
  let count = 0;
  const tell = () => report?.({ count, total, text: `${count} of ${total} ${things}` });
  tell();
  return () => {
    count += 1;
    tell();
  };
}
