// Routes of the web console's tokens.

import { DaosError } from '@daos/model';
import { consoleTokenSchema } from '../console/console-access.js';
import { noBody, none } from './parameters.js';
import { defineRoute } from './route.js';
import { lineOf } from './route-lines.js';

export const issueConsoleToken = defineRoute({
  ...lineOf('issueConsoleToken'),
  summary: 'A token that lets one browser look at the console, once and soon',
  roles: [],
  // An answer that is kept would be a secret in the store, and of no use a second time.
  params: none,
  query: none,
  body: noBody,
  response: consoleTokenSchema,
  run: async ({ issueConsoleToken: issue }) => {
    if (issue) return issue();
    throw new DaosError('DER_NOSYS', "this host serves no console: set 'control.console_port'");
  },
});
