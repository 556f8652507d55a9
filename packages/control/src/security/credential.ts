// Credentials: what an agent says about the user of a program on its host, signed with the agent's
// key.
//
// Format: three parts in base64url with dots between them: the claims as JSON, the signature
//         (ECDSA with SHA-256) over the first part, and the agent's certificate.
// The flavour is AUTH_SYS: the host is believed who its users are.

import { createPrivateKey, sign, X509Certificate } from 'node:crypto';
import type { Certificates } from '../service/service-tls.js';
import type { Claims } from './verify-credential.js';

export const CREDENTIAL_HEADER = 'daos-credential';
export const CREDENTIAL_LIFE_MS = 300_000;
/** What the clocks of two hosts may differ by. */
export const CLOCK_SKEW_MS = 300_000;

export function signCredential(
  claims: Claims,
  { certificate, key }: Pick<Certificates, 'certificate' | 'key'>,
): string {
  const body = Buffer.from(JSON.stringify(claims)).toString('base64url');
  const signature = sign('sha256', Buffer.from(body), createPrivateKey(key));
  const { raw } = new X509Certificate(certificate);
  return [body, signature.toString('base64url'), raw.toString('base64url')].join('.');
}
