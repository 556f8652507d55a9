// How every TypeScript test and every test of a tool runs: as ES modules, with types stripped by
// swc. A package is tested from its sources and sees other packages as their users do, through
// `exports`, so build before testing.
import { availableParallelism } from 'node:os';

export default {
  testMatch: ['<rootDir>/packages/*/src/**/*.test.ts', '<rootDir>/tools/**/*.test.mjs'],
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  // Sources import './name.js', as NodeNext wants it; before compilation the file is name.ts.
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  modulePathIgnorePatterns: ['<rootDir>/build/', '<rootDir>/packages/[^/]+/dist/'],
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        module: { type: 'es6' },
        sourceMaps: 'inline',
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', explicitResourceManagement: true },
        },
      },
    ],
  },
  // Much of the time is spent waiting for processes that tests start.
  maxWorkers: availableParallelism() + 1,
  // Against tests that hang. A machine that is slow and busy is no reason to fail.
  testTimeout: 240_000,
};
