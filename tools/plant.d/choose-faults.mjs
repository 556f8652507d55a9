// Which faults are planted, and what is made of how their tests ended.

/**
 * Those named, or all; with `few` so many of them, beginning where `turn()` says, so that in time
 * all of them come round. An error names what there is not.
 */
export function chooseFaults(faults, names, few, turn) {
  const unknown = names.filter((name) => !faults.some((fault) => fault.name === name));
  if (unknown.length > 0) throw new Error(`there is no fault '${unknown[0]}', see --list`);
  const named = faults.filter(({ name }) => names.length === 0 || names.includes(name));
  if (few === undefined) return named;
  if (!Number.isInteger(few) || few < 1) throw new Error('--few takes a number from 1 on');
  const first = turn() * few;
  const count = Math.min(few, named.length);
  return Array.from({ length: count }, (_, i) => named[(first + i) % named.length]);
}

/**
 * Found is what a test failed of. Where the whole file ran some of it has to pass: a fault that
 * lets nothing work at all is another fault.
 */
export function verdictOf({ only }, { passedCount, failedCount, name, reason }) {
  const line = String(reason).split('\n')[0];
  if (failedCount === 0) {
    const why = passedCount > 0 ? `all ${passedCount} tests pass` : `no test ran: ${line}`;
    return { isFound: false, text: why };
  }
  if (only === undefined && passedCount === 0) {
    return { isFound: false, text: `nothing works with it: ${line}` };
  }
  return { isFound: true, text: `${name}` };
}
