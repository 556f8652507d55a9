// The functions of native/node/rpc_binding.cc.
import { loadAddon, type Addon, type NativeFunction } from '@daos/native';

export type RpcFunction =
  | 'rpcOpen'
  | 'rpcClose'
  | 'rpcAddresses'
  | 'rpcConnect'
  | 'rpcCall'
  | 'rpcServe'
  | 'rpcAccept'
  | 'rpcPull'
  | 'rpcPush'
  | 'rpcReply'
  | 'rpcFail'
  | 'rpcWatch';

export type RpcBinding = Record<RpcFunction, NativeFunction>;
export type RpcAddon = Addon<RpcBinding>;

export const loadRpc = (): RpcAddon => loadAddon<RpcBinding>('client');
