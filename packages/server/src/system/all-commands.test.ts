// Goal:   every command of dmg and of daos does its work on a system of three hosts.
// Method: the programs themselves, by the certificate of an administrator and by an agent; what
//         each prints is compared. In the end the commands that the programs complete are all among
//         those that were run.

import { writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HostNetworks } from './host-networks-fixture.js';
import { ThreeHosts, until, type ProgramName } from './three-hosts-fixture.js';

const isPossible = HostNetworks.isAvailable();
const onNetworks = isPossible ? test : test.skip;

let hosts: ThreeHosts;
const lines: string[] = [];

beforeAll(async () => {
  if (isPossible) hosts = await ThreeHosts.start();
});
afterAll(async () => hosts?.[Symbol.asyncDispose]());

async function run(program: ProgramName, command: string): Promise<string> {
  lines.push(`${program} ${command}`);
  return await hosts.run(program, command);
}
const dmg = (command: string) => run('dmg', command);
const daos = (command: string) => run('daos', command);

type Expected = Readonly<Record<string, RegExp>>;

/** One after the other: each says what it should. */
async function say(program: ProgramName, commands: Expected): Promise<void> {
  for (const [command, wanted] of Object.entries(commands)) {
    expect([command, await run(program, command)]).toEqual([
      command,
      expect.stringMatching(wanted),
    ]);
  }
}

/** The same side by side: of what changes nothing. */
async function sayAll(program: ProgramName, commands: Expected): Promise<void> {
  const said = Object.entries(commands).map(([command, wanted]) =>
    say(program, { [command]: wanted }),
  );
  await Promise.all(said);
}

async function refusalOf(program: ProgramName, command: string): Promise<string> {
  const refused = await run(program, command).then(
    () => ({ code: 0, stderr: 'it was done' }),
    (error: { code: number; stderr: string }) => error,
  );
  return `${refused.code} ${refused.stderr}`;
}

/** A busy machine may find a rank suspect for a moment, and a rank that starts takes its time. */
const untilAllJoined = () =>
  until(async () => /no such ranks/.test(await dmg('system query --not-ok')));

function file(name: string, text: string): string {
  writeFileSync(hosts.part(name), text);
  return hosts.part(name);
}

/** Those that a program's completion knows: words that are followed by options alone. */
function commandsOf(completion: string): string[] {
  const words = new Map<string, string[]>();
  for (const [, path = '', list = ''] of completion.matchAll(/^ +"([^"]*)"\) words="([^"]*)"/gm)) {
    words.set(path, list.split(' ').filter((word) => !word.startsWith('--')));
  }
  const leavesOf = (path: string): string[] => {
    const children = words.get(path) ?? [];
    return children.length > 0 ? children.flatMap((one) => leavesOf(`${path} ${one}`)) : [path];
  };
  return leavesOf('');
}

/** Attributes and access lists, which don't touch each other. */
async function annotate(): Promise<void> {
  await Promise.all([
    say('daos', {
      'pool set-attr tank colour:blue': /blue/,
      'pool get-attr tank colour': /blue/,
      'pool list-attr tank': /^colour$/m,
      'pool del-attr tank colour': /no attributes/,
    }),
    say('daos', {
      'container set-attr tank crate shape:round': /round/,
      'container get-attr tank crate shape': /round/,
      'container list-attr tank crate': /^a\nshape$/m,
      'container del-attr tank crate a,shape': /no attributes/,
    }),
    say('daos', {
      'container update-acl tank crate -e A::nobody@:r': /A::nobody@:r/,
      'container delete-acl tank crate -P u:nobody@': /^(?![^]*nobody)/,
      [`container get-acl tank crate -O ${hosts.part('crate-acl')}`]: /^$/,
      [`container overwrite-acl tank crate -f ${hosts.part('crate-acl')}`]: /A::OWNER@/,
      'container set-owner tank crate -g daemon': /# Owner group: daemon@/,
    }),
  ]);
}

describe('server/all-commands', () => {
  onNetworks(
    'of pools',
    async () => {
      const me = userInfo().username;
      await untilAllJoined();
      await say('dmg', {
        'pool create tank --size 1GiB --properties reclaim:lazy': /on ranks 0,1,2/,
      });
      await sayAll('dmg', {
        'pool list': /tank .*ready/,
        'pool list --verbose': /tank .*ready +0,1,2 +none/,
        'pool query tank --show-enabled --show-targets': /Enabled ranks: +0,1,2/,
        'pool query tank --health-only': /Disabled ranks: +none/,
        'pool query-targets tank --rank 1': /^Rank[^]*1 +0 +up/,
        'pool list-containers tank': /no containers/,
        'pool get-prop tank': /label +tank[^]*reclaim +lazy/,
        [`pool get-acl tank --outfile ${hosts.part('acl')}`]: /^$/,
        'pool get-acl tank --verbose': /^# the owner may: read, write\nA::OWNER@:rw$/m,
        'system list-pools': /tank/,
      });
      expect(await refusalOf('dmg', `pool get-acl tank -O ${hosts.part('acl')}`)).toMatch(/^7 /);
      await say('dmg', {
        'pool set-prop tank label:lake': /is lake now/,
        'pool set-prop lake space_rb:5%': /^space_rb +5$/m,
        'pool update-acl lake -e A::nobody@:r': /A::nobody@:r/,
        'pool delete-acl lake -p u:nobody@': /^(?![^]*nobody)/,
        [`pool overwrite-acl lake -a ${hosts.part('acl')}`]: new RegExp(`# Owner: ${me}@`),
        'pool set-owner lake -g daemon': /# Owner group: daemon@/,
        'pool set-attr lake purpose:tests': /purpose +tests/,
        'pool resize lake --size 2GiB': /2\.0 GiB/,
      });
      await sayAll('dmg', {
        'pool get-attr lake purpose': /tests/,
        'pool list-attr lake --verbose': /purpose +tests/,
      });
      await say('dmg', {
        'pool del-attr lake purpose': /no attributes/,
        'pool evict lake': /evicted/,
        'pool destroy lake --force': /destroyed/,
      });
    },
  );

  onNetworks(
    'of containers and objects',
    async () => {
      await untilAllJoined();
      await dmg('pool create tank --size 1GiB');
      await sayAll('daos', {
        'pool list': /tank/,
        'pool query tank': /Ranks: +0,1,2/,
        'pool query-targets tank --rank 2': /2 +0 +up/,
        'pool get-prop tank label': /tank/,
        'system query': /^https:/,
        'server-version': /^server \d/,
        'health check': /Problems: +none[^]*tank +ready +3 of 3[^]*no containers/,
      });
      await say('daos', {
        'pool autotest tank --skip-big': /write 10000 values of 128 B[^]*all went well/,
        'container create tank box --type POSIX --oclass s2 --properties cksum:sha256 --attrs a:b':
          /created container box/,
        'container set-prop tank box label:crate': /is crate now/,
      });
      await annotate();
      const value = file('value', 'v'.repeat(100_000));
      const put = await daos(`object put tank crate new key0 ${value} --oclass SX`);
      const oid = /(\d+\.\d+)/.exec(put)?.[1] ?? '';
      await daos('container create-snap tank crate --snap monday');
      await daos(`object put tank crate ${oid} key1 ${value}`);
      await sayAll('daos', {
        'pool list-containers tank': /crate/,
        'container list tank': /crate .*POSIX/,
        'container query tank crate': /Health: +HEALTHY/,
        'container stat tank crate': /Rolled back: +0 times/,
        'container get-prop tank crate cksum': /sha256/,
        'container list-objects tank crate': new RegExp(oid.replace('.', '\\.')),
        'container list-snap tank crate': /monday/,
        'container list-objects tank crate --snap monday': /SX/,
        'container clone --src daos://tank/crate --dst daos://tank/copy':
          /cloned 1 objects with 195\.3 KiB/,
        'container diff tank crate monday': /added +\S+ +key1/,
        'object list tank crate': new RegExp(oid.replace('.', '\\.')),
        [`object list-keys tank crate ${oid}`]: /key0[^]*key1|key1[^]*key0/,
        [`object query tank crate ${oid}`]: /SX/,
        [`object dump tank crate ${oid}`]: /^key1 +value +single +97\.7 KiB$/m,
        [`object dump tank crate ${oid} --snap monday`]: /^(?![^]*key1)[^]*key0 +value +single/,
        'container check tank crate': /^1 objects, 2 values, 195\.3 KiB: all of it/,
        'container check tank crate --snap monday': /^1 objects, 1 values/,
        'container get-acl tank crate --verbose': /# the group \S+ may|# the owner may: read/,
        'health check tank crate': /tank\/crate +HEALTHY/,
        [`object get tank crate ${oid} key1`]: /^v{100000}$/,
      });
      await daos(`object put tank copy new key2 ${value}`);
      expect(await daos('object list tank copy')).toMatch(/ S2$/m);
      await say('dmg', {
        'container query tank crate': /Snapshots: +1/,
        'container set-prop tank crate quota_bytes:1GiB': /changed container crate/,
        'container set-owner tank crate -g root': /# Owner group: root@/,
      });
      await say('daos', {
        'container rollback tank crate --snap monday': /is as of/,
        'container evict tank crate': /evicted all handles of container crate/,
        'container destroy-snap tank crate --epcrange 0-0xffffffffffffffff': /^1 snapshots/,
        [`object punch tank crate ${oid}`]: /deleted object/,
        'container destroy tank crate --force': /destroyed/,
      });
      await dmg('pool destroy tank --recursive');
    },
  );

  onNetworks(
    'of the system, its storage and what it tells',
    async () => {
      await untilAllJoined();
      await dmg('pool create tank --size 1GiB');
      await sayAll('dmg', {
        'system query --ranks 0-1': /^Rank[^]*0 +joined[^]*1 +joined/,
        'system query --verbose': /https:\/\/10\.[^]*\/host2/,
        'system leader-query': /^https:\/\/10\./,
        'storage scan': /Cores/,
        'storage query usage': /Storage total[^]*%/,
        'storage query list-devices --health': /target-0\/data .*NORMAL/,
        'network scan': /10\.\d+\.\d+\.\d+/,
        'network scan --provider tcp': / tcp +\S+ +10\.\d+\.\d+\.\d+/,
        'storage scan --nvme-health': /Health[^]*target-0\/data/,
        'storage query list-pools --verbose': /^ *2 +\S+ +tank +0 +.*target-0\/data/m,
        'telemetry config': /scheme: https[^]*cert_file: [^]*targets: \['10\./,
        'config generate': /^# \d+ cores[^]*engines:\n {2}- rank: 0/,
        'server-version': /^ *\S+ +2 +\d+\.\d+/m,
        'telemetry metrics list': /engine_pool_ops_update/,
        'telemetry metrics query -m daos_rank_joined': /rank=2 .* 1$/m,
        'console token': /\S{16}/,
        version: /^dmg \d/,
      });
      await daos('version');
      await say('dmg', {
        'server set-logmasks --masks DEBUG': /0[^]*1[^]*2/,
        'server set-logmasks': /0[^]*1[^]*2/,
        'system stop --ranks 1 --full': /1 ranks: stop done/,
        'system query --with-states stopped': /^ +1 +stopped/m,
        'system start --ranks 1': /1 ranks: start done/,
        'system set-attr site:north,rack:7': /site +north/,
        'system get-attr rack': /rack +7/,
        'system list-attr': /^site\nrack$/m,
        'system del-attr rack': /^(?![^]*rack)/,
        'system set-prop pool_reclaim:lazy': /^pool_reclaim +lazy$/m,
        'system get-prop pool_tier_ratio': /^pool_tier_ratio +6 %$/m,
        'system cleanup host9 --verbose': /^tank\nwhat host9 had open in 1 pools is closed/,
      });
      await untilAllJoined();
      await say('dmg', {
        'system stop --ranks 1 --force': /1 ranks: stop done/,
        'system query --with-states stopped': /killed by SIGKILL/,
        'system start --ignore-admin-excluded': /3 ranks: start done/,
      });
      await untilAllJoined();
      await say('dmg', {
        'system exclude --ranks 2': /1 ranks done/,
        'system query --with-states excluded': /^ +2 +excluded/m,
        'system start --ignore-admin-excluded': /2 ranks: start done/,
        'system clear-exclude --ranks 2': /1 ranks done/,
      });
      await untilAllJoined();
      const devices = await dmg('storage query list-devices --ranks 0');
      const device = /(\S+target-0\/data)/.exec(devices)?.[1] ?? '';
      // A file has no slot with a light.
      const refusal = await refusalOf('dmg', `storage led identify ${device} --rank 0`);
      expect(refusal).toMatch(/light|slot/);
      await say('dmg', { [`storage set nvme-faulty ${device} --rank 0 --force`]: /is faulty/ });
      await say('dmg', {
        'storage query list-devices --show-evicted': /FAULTY/,
        [`storage replace nvme ${device} --rank 0 --force`]: /is replaced/,
        'storage query list-devices --ranks 0': /NORMAL/,
        'storage format': /no engine waits/,
        'storage query usage --show-usable': /Usable for data/,
        'system erase --force': /1 pools and 1 attributes are gone/,
      });
    },
  );

  onNetworks('none is left out', async () => {
    for (const program of ['dmg', 'daos'] as const) {
      const known = commandsOf(await run(program, 'completion'));
      expect(known.length).toBeGreaterThan(30);
      const isRun = (path: string) =>
        lines.some((line) => `${line} `.startsWith(`${program}${path} `));
      expect(known.filter((path) => !isRun(path))).toEqual([]);
    }
  });
});
