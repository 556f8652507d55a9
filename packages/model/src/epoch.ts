// Epochs: hybrid logical time, as nanoseconds since 2021-01-01 UTC.

/** The time of an update; an unsigned 64-bit number. */
export type Epoch = bigint;

/** Later than every update: a fetch at it sees the newest value. */
export const EPOCH_MAX: Epoch = 2n ** 64n - 1n;

const EPOCH_ZERO_UNIX_MS = BigInt(Date.UTC(2021, 0, 1));
const NS_PER_MS = 1_000_000n;

/**
 * The first epoch of a millisecond: an update made in it or later has this epoch or a later one.
 * RangeError for a date before 2021 or an invalid one.
 */
export function epochOf(date: Date): Epoch {
  const unixMs = date.getTime();
  if (Number.isNaN(unixMs)) throw new RangeError('no epoch of an invalid date');
  const epoch = (BigInt(unixMs) - EPOCH_ZERO_UNIX_MS) * NS_PER_MS;
  if (epoch < 0n) throw new RangeError(`no epoch of ${date.toISOString()}: it is before 2021`);
  return epoch;
}

/** The millisecond an epoch lies in. RangeError outside of what a Date can hold. */
export function dateOf(epoch: Epoch): Date {
  const date = new Date(Number(epoch / NS_PER_MS + EPOCH_ZERO_UNIX_MS));
  if (epoch < 0n || epoch >= EPOCH_MAX) throw new RangeError(`no date of epoch ${epoch}`);
  return date;
}
