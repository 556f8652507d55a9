// The parameters of tools/bench.

export const USAGE = `Usage: tools/bench NAME [--json] [--only PREFIX] [--seconds S]
       tools/bench --list

  --json          prints one JSON object instead of a table
  --only PREFIX   measures only what begins so, as rpc/shm/echo64
  --seconds S     how long each case measures
  --list          prints the names of the benchmarks`;

const isDuration = (text) => /^\d+(\.\d+)?$/.test(text) && Number(text) > 0;

/** `passed` goes to every program. With `error` set the rest means nothing. */
export function parseFlags(flags) {
  const parsed = { name: undefined, isHelp: false, isJson: false, isList: false, passed: [] };
  for (let i = 0; i < flags.length; i += 1) {
    const flag = flags[i];
    if (flag === '--json') parsed.isJson = true;
    else if (flag === '--list') parsed.isList = true;
    else if (flag === '--help' || flag === '-h') parsed.isHelp = true;
    else if (flag === '--only' || flag === '--seconds') {
      const value = flags[(i += 1)];
      if (value === undefined) return { error: `${flag} needs a value\n${USAGE}` };
      if (flag === '--seconds' && !isDuration(value)) {
        return { error: `--seconds: '${value}' is not a number of seconds over 0` };
      }
      parsed.passed.push(flag, value);
    } else if (!flag.startsWith('-') && parsed.name === undefined) parsed.name = flag;
    else return { error: `bad flag '${flag}'\n${USAGE}` };
  }
  return parsed;
}
