// What a device says about itself.
import type { AnswerReader } from '@daos/native';

export interface MediaOperationStatistics {
  /** Calls that ended, well or not. */
  count: number;
  /** Bytes of those that ended well. */
  sizeBytes: number;
  errorCount: number;
  /** Nanoseconds under which half of the calls, and 99 % of them, took; at most 19 % too high. */
  p50Ns: number;
  p99Ns: number;
}

export interface MediaInfo {
  name: string;
  sizeBytes: number;
  /** What the device writes whole or not at all. */
  sectorSizeBytes: number;
  /** The first fatal error, when the device has failed. */
  failure?: string;
  /** Writes that were flushes of their own. */
  durableWriteCount: number;
  /** The most transfers there were in flight at a time. */
  inFlightCountMax: number;
  read: MediaOperationStatistics;
  write: MediaOperationStatistics;
  flush: MediaOperationStatistics;
  discard: MediaOperationStatistics;
}

export function readMediaInfo(answer: AnswerReader): MediaInfo {
  const name = answer.text();
  const sizeBytes = answer.size();
  const sectorSizeBytes = answer.size();
  const failure = answer.text();
  return {
    name,
    sizeBytes,
    sectorSizeBytes,
    ...(failure === '' ? {} : { failure }),
    durableWriteCount: answer.size(),
    inFlightCountMax: answer.size(),
    read: readStatistics(answer),
    write: readStatistics(answer),
    flush: readStatistics(answer),
    discard: readStatistics(answer),
  };
}

function readStatistics(answer: AnswerReader): MediaOperationStatistics {
  return {
    count: answer.size(),
    sizeBytes: answer.size(),
    errorCount: answer.size(),
    p50Ns: answer.size(),
    p99Ns: answer.size(),
  };
}
