#!/usr/bin/env node
// The program daos.

import { makeDaos } from './daos.js';

const cli = makeDaos({
  environment: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  ...(process.stderr.isTTY && { writeProgress: (text) => void process.stderr.write(text) }),
});
process.exitCode = await cli.run(process.argv.slice(2));
