// What a client must know to reach a pool: its map, and the pool and container a label stands for.
//
// The control service answers with these as JSON (docs/control.md), an embedded system hands them
// over in the process.

export type TransportName = 'tcp' | 'shm' | 'verbs' | 'local';

/** Where one target of an engine listens on one transport. */
export interface TargetAddress {
  readonly transport: TransportName;
  readonly address: string;
}

/** Only `up` targets take part in I/O; the others matter to placement and rebuild. */
export type TargetState = 'new' | 'up' | 'drain' | 'down' | 'excluded';

export interface PoolMapTarget {
  /** Number of the target in its engine, from 0. */
  readonly index: number;
  readonly state: TargetState;
  /** Empty while the engine is not running. */
  readonly addresses: readonly TargetAddress[];
}

export type RankState = 'starting' | 'joined' | 'suspect' | 'excluded' | 'stopped' | 'errored';

export interface PoolMapRank {
  readonly rank: number;
  readonly state: RankState;
  /** Counts the starts of the engine: another number means that addresses have changed. */
  readonly incarnation: number;
  /** Path of failure domains, as `/rack0/host1`. */
  readonly faultDomain: string;
  readonly targets: readonly PoolMapTarget[];
}

export interface PoolMap {
  /** Raised by one with every change of membership or state; addresses change without it. */
  readonly version: number;
  /** In order of rank; each rank's targets in order of index. */
  readonly ranks: readonly PoolMapRank[];
}

/** A pool as a client sees it. */
export interface PoolDescription {
  readonly uuid: string;
  readonly label: string;
  readonly map: PoolMap;
}

/** A container as a client sees it. */
export interface ContainerDescription {
  readonly uuid: string;
  readonly label: string;
  readonly poolUuid: string;
  /** By name, as `daos container get-prop` prints them. */
  readonly properties: Readonly<Record<string, string | number | boolean>>;
}

/** What opens a container on the engines. */
export interface OpenedContainer extends ContainerDescription {
  /** Sealed, in base64; empty where engines let everyone in. */
  readonly capability: string;
  /** How long it opens containers from when it was given; absent: for ever. */
  readonly capabilityLifeMs?: number | undefined;
}

/** A pinned state of a container. */
export interface SnapshotDescription {
  /** In decimal: JSON has no numbers of 64 bits. */
  readonly epoch: string;
  readonly name?: string | undefined;
  readonly createdMs: number;
}

/**
 * Finds pools and containers by label or UUID. DER_NONEXIST for what is not there. A directory that
 * can't give a question up early may ignore the signal.
 */
export interface PoolDirectory {
  getPool(pool: string, signal?: AbortSignal): Promise<PoolDescription>;
  getContainer(
    pool: string,
    container: string,
    signal?: AbortSignal,
  ): Promise<ContainerDescription>;
  /** DER_NO_PERM. Absent where engines let everyone in. */
  openContainer?(
    pool: string,
    container: string,
    options: { readOnly: boolean; signal?: AbortSignal },
  ): Promise<OpenedContainer>;
  /** By which engines reach this host. Absent where all is on one host. */
  localAddress?(): Promise<string>;
  /** By name or epoch. Absent where there are none. */
  getSnapshot?(
    pool: string,
    container: string,
    snapshot: string,
    signal?: AbortSignal,
  ): Promise<SnapshotDescription>;
}
