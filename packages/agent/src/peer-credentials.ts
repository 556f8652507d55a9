// Who is at the other end of a unix socket, as the kernel says.

import type { Socket } from 'node:net';
import { DaosError } from '@daos/model';
import { AnswerReader, loadAddon, type NativeFunction } from '@daos/native';

export interface PeerCredentials {
  readonly pid: number;
  readonly uid: number;
  readonly gid: number;
  /** The supplementary ones. */
  readonly groups: readonly number[];
}

const NO_HANDLE = 0;

/** Of the moment when the peer connected. DER_INVAL for what is no unix socket. */
export async function peerCredentialsOf(socket: Socket): Promise<PeerCredentials> {
  const { _handle: handle } = socket as Socket & { _handle?: { fd?: number } };
  const fd = handle?.fd;
  if (fd === undefined || fd < 0) throw new DaosError('DER_INVAL', 'the connection has ended');
  const { operations, binding } = loadAddon<{ peerCredentials: NativeFunction }>('client');
  operations.command.begin().u32(fd);
  return await operations.run(binding.peerCredentials, NO_HANDLE, (_low, _high, value) => {
    const answer = new AnswerReader(value as Uint8Array);
    const [pid, uid, gid] = [answer.u32(), answer.u32(), answer.u32()];
    return { pid, uid, gid, groups: Array.from({ length: answer.u32() }, () => answer.u32()) };
  });
}
