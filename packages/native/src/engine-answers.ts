// What an engine answers, read from its bytes.
import type { TargetAddress, TransportName } from '@daos/model';
import { AnswerReader, listOf } from './command.js';
import { readDevice, readEngineDevice } from './devices.js';
import type {
  ContainerReference,
  ContainerUsage,
  OperationMetrics,
  RequestSpan,
  RequestSpans,
  TargetMetrics,
  TargetShare,
} from './engine.js';
import type { Decode } from './operations.js';

function decoding<T>(read: (answer: AnswerReader) => T): Decode<T> {
  return (_low, _high, value) => read(new AnswerReader(value as Uint8Array));
}

const readAddress = (answer: AnswerReader): TargetAddress => ({
  transport: answer.text() as TransportName,
  address: answer.text(),
});
const readShare = (answer: AnswerReader): TargetShare => ({
  target: answer.u32(),
  arenaUsedBytes: answer.size(),
  arenaTotalBytes: answer.size(),
  dataUsedBytes: answer.size(),
  dataTotalBytes: answer.size(),
  dataPrewrittenBytes: answer.size(),
  containerCount: answer.size(),
  failure: answer.text(),
});
const readOperation = (answer: AnswerReader): OperationMetrics => ({
  operation: answer.text(),
  count: answer.size(),
  failedCount: answer.size(),
  bytes: answer.size(),
  latencySumNs: answer.size(),
  latencyCounts: listOf((counts) => counts.size())(answer),
});
const readMetrics = (answer: AnswerReader): TargetMetrics => ({
  target: answer.u32(),
  operations: listOf(readOperation)(answer),
});
const readUsage = (answer: AnswerReader): ContainerUsage => ({
  bytes: answer.size(),
  objects: answer.size(),
  wantedBytes: answer.size(),
  wantedObjects: answer.size(),
});
const readReference = (answer: AnswerReader): ContainerReference => ({
  pool: answer.text(),
  container: answer.text(),
});
const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const readRequestSpan = (answer: AnswerReader): RequestSpan => ({
  traceId: hexOf(answer.bytes()),
  parentSpanId: hexOf(answer.bytes()),
  target: answer.u32(),
  operation: answer.text(),
  error: answer.text(),
  beganNs: String(answer.u64()),
  tookNs: answer.size(),
  stages: listOf((stage) => ({ stage: stage.text(), beganNs: stage.size() }))(answer),
});
export const asRequestSpans = decoding((answer): RequestSpans => {
  const droppedCount = answer.size();
  return { droppedCount, spans: listOf(readRequestSpan)(answer) };
});
export const asUsages = decoding(listOf(readUsage));
export const asReferences = decoding(listOf(readReference));
export const asDevices = decoding(listOf(readDevice));
export const asEngineDevices = decoding(listOf(readEngineDevice));
export const asMetrics = decoding(listOf(readMetrics));
export const asAddresses = decoding(listOf(listOf(readAddress)));
export const asShares = decoding(listOf(readShare));
export const asTexts = decoding(listOf((answer) => answer.text()));
