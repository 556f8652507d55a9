// Whether a credential was made by an agent of the system, and what it says. Its format stands in
// credential.ts.

import { verify, X509Certificate } from 'node:crypto';
import { DaosError } from '@daos/model';
import * as z from 'zod';
import { principalField, type Identity } from './acl.js';
import { CLOCK_SKEW_MS } from './credential.js';

const CREDENTIAL_SIZE_MAX = 32_768;

const claimsSchema = z.object({
  version: z.literal(1),
  flavor: z.literal('AUTH_SYS'),
  uid: z.int().min(0),
  gid: z.int().min(0),
  user: principalField,
  /** The primary one first. */
  groups: z.array(principalField).max(1024),
  /** Of the agent. */
  host: z.string(),
  issuedMs: z.int(),
  expiresMs: z.int(),
});
export type Claims = z.infer<typeof claimsSchema>;

/** DER_NO_PERM unless an agent of the system said this, now. */
export function verifyCredential(
  text: string,
  authority: string,
  nowMs: number,
): Identity & { readonly host: string } {
  const [body, signature, certificate, ...rest] = text.split('.');
  if (text.length > CREDENTIAL_SIZE_MAX || certificate === undefined || rest.length > 0) {
    throw refused('it is malformed');
  }
  const agent = agentOf(certificate, authority, nowMs);
  const bytes = Buffer.from(signature ?? '', 'base64url');
  if (!verify('sha256', Buffer.from(body ?? ''), agent.publicKey, bytes)) {
    throw refused('its signature is wrong');
  }
  const claims = claimsOf(body ?? '');
  if (claims.issuedMs > nowMs + CLOCK_SKEW_MS) {
    throw refused(`the clock of host ${claims.host} is ahead: set it right`);
  }
  if (claims.expiresMs + CLOCK_SKEW_MS < nowMs) {
    throw refused(`it has expired: ask the agent again, or set the clock of ${claims.host} right`);
  }
  return { user: claims.user, groups: claims.groups, host: claims.host };
}

function agentOf(certificate: string, authority: string, nowMs: number): X509Certificate {
  let agent: X509Certificate;
  try {
    agent = new X509Certificate(Buffer.from(certificate, 'base64url'));
  } catch {
    throw refused('its certificate is malformed');
  }
  const issuer = new X509Certificate(authority);
  if (!agent.checkIssued(issuer) || !agent.verify(issuer.publicKey)) {
    throw refused('its certificate is of another authority');
  }
  if (nowMs < Date.parse(agent.validFrom)) {
    throw refused(
      `the certificate of its agent is valid from ${agent.validFrom} on: set the clock of the ` +
        `control host, or of the host that made the certificate, right`,
    );
  }
  if (nowMs > Date.parse(agent.validTo)) {
    throw refused(`the certificate of its agent has expired, unless the clock here is ahead`);
  }
  if (!/^CN=agent$/m.test(agent.subject)) throw refused('who signed it is no agent');
  return agent;
}

function claimsOf(body: string): Claims {
  try {
    return claimsSchema.parse(JSON.parse(Buffer.from(body, 'base64url').toString()));
  } catch {
    throw refused('its claims are malformed');
  }
}

const refused = (why: string) => new DaosError('DER_NO_PERM', `the credential is refused: ${why}`);
