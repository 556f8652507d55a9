// What an engine tells of the devices below its targets.
import { listOf, type AnswerReader } from './command.js';

/** Requests of one kind that a device ended since its pool was opened. */
export interface DeviceOperation {
  /** read, write, flush or discard. */
  operation: string;
  /** Ended, well or not. */
  count: number;
  /** Of those that ended well. */
  bytes: number;
  errorCount: number;
  p50Ns: number;
  p99Ns: number;
  p999Ns: number;
}

/** What a device says of its own health, by SMART of NVMe. */
export interface DeviceHealth {
  isAvailable: boolean;
  /** Not available: why not. */
  why: string;
  /** Bits: 1 spare is low, 2 temperature, 4 degraded, 8 read-only, 16 backup failed. */
  criticalWarning: number;
  temperatureKelvin: number;
  sparePercent: number;
  spareThresholdPercent: number;
  /** Of its expected life; may exceed 100. */
  usedPercent: number;
  powerOnHours: number;
  unsafeShutdownCount: number;
  mediaErrorCount: number;
}

/** A device, or file, that one target keeps its share of a pool on. */
export interface Device {
  target: number;
  pool: string;
  path: string;
  sizeBytes: number;
  /** Its target has stopped for it. */
  isFaulty: boolean;
  /** Of a faulty one: its first fatal error. */
  failure: string;
  /** Writes that were flushed by themselves. */
  durableWriteCount: number;
  operations: DeviceOperation[];
  health: DeviceHealth;
}

const readDeviceOperation = (answer: AnswerReader): DeviceOperation => ({
  operation: answer.text(),
  count: answer.size(),
  bytes: answer.size(),
  errorCount: answer.size(),
  p50Ns: answer.size(),
  p99Ns: answer.size(),
  p999Ns: answer.size(),
});
const readHealth = (answer: AnswerReader): DeviceHealth => ({
  isAvailable: answer.u32() === 1,
  why: answer.text(),
  criticalWarning: answer.u32(),
  temperatureKelvin: answer.u32(),
  sparePercent: answer.u32(),
  spareThresholdPercent: answer.u32(),
  usedPercent: answer.u32(),
  powerOnHours: answer.size(),
  unsafeShutdownCount: answer.size(),
  mediaErrorCount: answer.size(),
});

export const readDevice = (answer: AnswerReader): Device => ({
  target: answer.u32(),
  pool: answer.text(),
  path: answer.text(),
  sizeBytes: answer.size(),
  isFaulty: answer.u32() === 1,
  failure: answer.text(),
  durableWriteCount: answer.size(),
  operations: listOf(readDeviceOperation)(answer),
  health: readHealth(answer),
});
