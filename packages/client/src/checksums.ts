// What the properties of a container say about its checksums.
import { DaosError, type ContainerDescription } from '@daos/model';

/** As `native/codec/checksum.h` numbers them. */
const TYPES: Readonly<Record<string, number>> = { off: 0, crc32: 1, crc64: 2, sha256: 3 };
const CHUNK_BYTES_DEFAULT = 32_768;

export interface ChecksumSettings {
  readonly type: number;
  /** Bytes that one checksum covers. */
  readonly chunkBytes: number;
  /** The engine compares what arrived before it stores it. */
  readonly isVerifiedByServer: boolean;
}

/**
 * Of `cksum`, `cksum_size` and `srv_cksum`; a container that doesn't name them has no checksums.
 * @throws DaosError DER_NOSYS for a kind that this client can't compute.
 */
export function checksumsOf({ label, properties }: ContainerDescription): ChecksumSettings {
  const kind = String(properties.cksum ?? 'off');
  const type = TYPES[kind];
  if (type === undefined) {
    throw new DaosError(
      'DER_NOSYS',
      `container '${label}' has checksums of kind '${kind}'; this client knows ` +
        `${Object.keys(TYPES).join(', ')}: use a newer client`,
    );
  }
  return {
    type,
    chunkBytes: Number(properties.cksum_size ?? CHUNK_BYTES_DEFAULT),
    isVerifiedByServer: properties.srv_cksum === 'on',
  };
}
