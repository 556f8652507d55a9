// Parameters that many routes share.

import * as z from 'zod';

/** Works on data; what makes room for it is the administrators'. */
export const USERS = ['agent', 'client'] as const;

/** Of a query string, where everything is text. */
export const flagField = z
  .stringbool({ truthy: ['true', '1'], falsy: ['false', '0'] })
  .optional();
export const none = z.strictObject({});
export const noBody = z.undefined();
export const nameField = z.string().min(1).max(255).meta({ description: 'Label or UUID' });
export const poolParams = z.strictObject({ pool: nameField });
export const containerParams = z.strictObject({ pool: nameField, container: nameField });
