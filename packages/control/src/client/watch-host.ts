// Notices that the host at the other end of a request has fallen silent, as by a power cut.
//
// A host that is gone without a word keeps a connection waiting for minutes, and a request may take
// its time on a host that works. What tells them apart is a new connection: every host that lives
// takes one at once, however busy its service is.

import { connect } from 'node:net';

/** After so much silence a connection is tried, again and again. */
const SILENCE_MS = 1000;
/** How long a host takes to accept one. */
const CONNECT_MS = 1500;

/** Code of the error. */
export const HOST_SILENT = 'EHOSTDOWN';

/** Calls `onGone` once when the host of `url` does not answer. Returns what ends the watch. */
export function watchHost(url: string, onGone: (error: Error) => void): () => void {
  if (url.startsWith('unix:')) return () => {};
  const { hostname, port, protocol } = new URL(url);
  const host = hostname.replace(/^\[|\]$/g, '');
  let isOver = false;
  let timer: NodeJS.Timeout;
  const look = async () => {
    const isThere = await accepts(host, Number(port || (protocol === 'https:' ? 443 : 80)));
    if (isOver) return;
    if (isThere) {
      timer = setTimeout(() => void look(), SILENCE_MS).unref();
      return;
    }
    isOver = true;
    const message = `${host} has not accepted a connection for ${CONNECT_MS / 1000} s`;
    onGone(Object.assign(new Error(message), { code: HOST_SILENT }));
  };
  timer = setTimeout(() => void look(), SILENCE_MS).unref();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

/** A refusal is an answer too: the request itself meets it, if it is meant for it. */
function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const end = (isThere: boolean) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(isThere);
    };
    const timer = setTimeout(() => end(false), CONNECT_MS).unref();
    socket.on('connect', () => end(true));
    socket.on('error', (error: NodeJS.ErrnoException) => end(error.code === 'ECONNREFUSED'));
  });
}
