// Goal:   networks of tests beside each other do not meet, and those of dead processes go.
// Method: two at once in this process, and one that a process leaves behind when it is killed.
import { spawnSync } from 'node:child_process';
import { expect, test } from '@jest/globals';
import { HostNetworks } from './host-networks-fixture.js';

const onNetworks = HostNetworks.isAvailable() ? test : test.skip;
const ip = (...parameters: string[]) => spawnSync('ip', parameters).stdout.toString();

/** What there is of a bridge, its cables and its hosts. */
const partsOf = (name: string) =>
  [...`${ip('-o', 'link', 'show')}${ip('netns', 'list')}`.matchAll(/\bdaos[0-9a-z]+-\d\S*/g)]
    .map(([part]) => part)
    .filter((part) => part.startsWith(name));

onNetworks('server/host-networks: two of one process, and what a dead one left behind', () => {
  const { pid: dead } = spawnSync('true');
  const left = `daos${dead.toString(36)}-0`;
  ip('link', 'add', `${left}b`, 'type', 'bridge');
  ip('netns', 'add', `${left}-0`);
  expect(partsOf(left)).toHaveLength(2);
  using one = new HostNetworks(1);
  expect(partsOf(left)).toEqual([]);
  using other = new HostNetworks(1);
  expect(one.address).not.toBe(other.address);
  expect(one.commandOf(0)).not.toEqual(other.commandOf(0));
  const [, , , mine = ''] = one.commandOf(0);
  expect(ip('netns', 'exec', mine, 'ip', '-o', 'addr')).toContain(one.addressOf(0));
});
