// The functions of native/node/vos_binding.cc, vos_object_binding.cc and vos_history_binding.cc.
import { loadAddon, type Addon, type NativeFunction } from '@daos/native';

export type VosFunction =
  | 'vosOpen'
  | 'vosClose'
  | 'vosSpace'
  | 'vosCreateContainer'
  | 'vosDestroyContainer'
  | 'vosListContainers'
  | 'vosOpenContainer'
  | 'vosCloseContainer'
  | 'vosUsage'
  | 'vosUpdate'
  | 'vosFetch'
  | 'vosPunch'
  | 'vosQuery'
  | 'vosEnumerate'
  | 'vosNow'
  | 'vosCommit'
  | 'vosAbort'
  | 'vosTransactions'
  | 'vosCreateSnapshot'
  | 'vosDeleteSnapshot'
  | 'vosListSnapshots'
  | 'vosAggregate'
  | 'vosDiscard';

export type VosBinding = Record<VosFunction, NativeFunction>;
export type VosAddon = Addon<VosBinding>;

export const loadVos = (): VosAddon => loadAddon<VosBinding>('engine');
