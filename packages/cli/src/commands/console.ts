// `dmg console`: what lets a browser look at the web console.

import type { Cli, CommandContext, Output } from '../cli.js';

export function addConsole(cli: Cli): void {
  cli.program
    .command('console')
    .description('works on the web console')
    .command('token')
    .description('prints a token that lets one browser in, once and soon')
    .action(cli.action(issueToken));
}

async function issueToken({ control }: CommandContext): Promise<Output> {
  const response = await control.call('issueConsoleToken');
  const minutes = Math.round(response.lifeMs / 60_000);
  const human = `open ${response.url} and type, within ${minutes} minutes:\n${response.token}\n`;
  return { response, human };
}
