// The functions of native/node/client_binding.cc and object_binding.cc.
import { loadAddon, type Addon, type NativeFunction, type Operations } from '@daos/native';

export type ClientFunction =
  | 'clientOpen'
  | 'clientClose'
  | 'poolOpen'
  | 'poolUpdateMap'
  | 'poolClose'
  | 'containerOpen'
  | 'containerSetCapability'
  | 'containerClose'
  | 'objectUpdate'
  | 'objectFetch'
  | 'objectPunch'
  | 'objectEnumerate'
  | 'objectQuery'
  | 'arrayWrite'
  | 'arrayRead'
  | 'arraySize'
  | 'arraySetSize'
  | 'arrayPunch';

export type ClientBinding = Record<ClientFunction, NativeFunction>;
export type ClientAddon = Omit<Addon<ClientBinding>, 'operations'> & {
  readonly operations: Pick<
    Operations,
    'command' | 'run' | 'watchWaiting' | 'spinMicroseconds'
  >;
};

export const loadClient = (): ClientAddon => loadAddon<ClientBinding>('client');
