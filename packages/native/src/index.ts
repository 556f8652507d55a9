// @daos/native: the raw typed layer over the native core. Programs use @daos/client, @daos/vos and
// so on.
export * from './akeys.js';
export * from './command.js';
export * from './descriptors.js';
export type {
  Device,
  DeviceFormat,
  DeviceHealth,
  DeviceOperation,
  DeviceOption,
  DeviceRole,
  DeviceState,
  EngineDevice,
  SpdkOptions,
} from './devices.js';
export * from './engine.js';
export * from './fetch-buffers.js';
export * from './load.js';
export * from './network.js';
export * from './operations.js';
export * from './pool-map.js';
export * from './uuid.js';
export * from './values.js';
