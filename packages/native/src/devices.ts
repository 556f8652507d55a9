// The devices that an engine is given, and what it tells of those below its targets.
import { listOf, type AnswerReader, type CommandWriter } from './command.js';

/** What a device, or a part of one, is for: the log, metadata, bulk data. */
export type DeviceRole = 'wal' | 'meta' | 'data';

/** A device for the pools of an engine. */
export interface DeviceOption {
  /** A block device; a file of fixed size, used as if it were one; or spdk:NAME. */
  path: string;
  /** Each role is on one device at least. On several: target t uses the (t mod n)-th of n. */
  roles: readonly DeviceRole[];
}

export type DeviceFormat = 'blank' | 'force';

/** For devices with a path like spdk:NAME. */
export interface SpdkOptions {
  /** PCI addresses that SPDK may take from the kernel; it never looks at others. */
  pciAllowed: readonly string[];
  /** Without, only devices that are not hardware can be used. */
  hasHugePages: boolean;
  /** Default 1 GiB. */
  memoryBytes?: number | undefined;
  /** The block devices to make, as SPDK's configuration files say it. */
  configuration?: string | undefined;
}

/** 'new': in place of a faulty one; shares of pools on it are still to be replaced. */
export type DeviceState = 'normal' | 'faulty' | 'new';

/** A device that the engine was given. */
export interface EngineDevice {
  path: string;
  uuid: string;
  index: number;
  roles: DeviceRole[];
  /** 0: it can't be opened. */
  sizeBytes: number;
  /** That use it; while it is faulty they serve nothing. */
  targets: number[];
  /** Of each of these targets, for what its shares of pools take there. */
  bytesPerTarget: number;
  state: DeviceState;
  /** It is faulty; otherwise ''. */
  why: string;
  /** Of what pools gave up, since the engine was started. */
  discardedBytes: number;
  discardErrorCount: number;
}

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
  /** Of the share, that lie there. */
  roles: DeviceRole[];
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

const ROLES = ['wal', 'meta', 'data'] as const;
const STATES = ['normal', 'faulty', 'new'] as const;
const FORMATS: readonly (DeviceFormat | undefined)[] = [undefined, 'blank', 'force'];

export interface DeviceOptions {
  devices?: readonly DeviceOption[] | undefined;
  format?: DeviceFormat | undefined;
  spdk?: SpdkOptions | undefined;
  isDiscarding?: boolean | undefined;
}

export function writeDevices(
  command: CommandWriter,
  { devices = [], format, spdk, isDiscarding = true }: DeviceOptions = {},
): void {
  command.u32(devices.length);
  for (const { path, roles } of devices) {
    command.text(path).u32(roles.reduce((bits, role) => bits | (1 << ROLES.indexOf(role)), 0));
  }
  command.u8(FORMATS.indexOf(format)).u32(spdk?.pciAllowed.length ?? 0);
  for (const address of spdk?.pciAllowed ?? []) command.text(address);
  command.u8(spdk?.hasHugePages === false ? 0 : 1).u64(spdk?.memoryBytes ?? 0);
  command.text(spdk?.configuration ?? '').u8(isDiscarding ? 1 : 0);
}

function readRoles(answer: AnswerReader): DeviceRole[] {
  const bits = answer.u32();
  return ROLES.filter((_role, index) => bits & (1 << index));
}

export const readEngineDevice = (answer: AnswerReader): EngineDevice => ({
  path: answer.text(),
  uuid: answer.text(),
  index: answer.u32(),
  roles: readRoles(answer),
  sizeBytes: answer.size(),
  targets: listOf((targets) => targets.u32())(answer),
  bytesPerTarget: answer.size(),
  state: STATES[answer.u32()] ?? 'faulty',
  why: answer.text(),
  discardedBytes: answer.size(),
  discardErrorCount: answer.size(),
});

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
  roles: readRoles(answer),
  sizeBytes: answer.size(),
  isFaulty: answer.u32() === 1,
  failure: answer.text(),
  durableWriteCount: answer.size(),
  operations: listOf(readDeviceOperation)(answer),
  health: readHealth(answer),
});
