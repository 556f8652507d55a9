#!/usr/bin/env node
// The program dmg.

import { makeDmg } from './dmg.js';

const cli = makeDmg({
  environment: process.env,
  write: (text) => void process.stdout.write(text),
  writeError: (text) => void process.stderr.write(text),
  ...(process.stderr.isTTY && { writeProgress: (text) => void process.stderr.write(text) }),
});
process.exitCode = await cli.run(process.argv.slice(2));
