// Parameters that many routes share.

import * as z from 'zod';

/** Works on data; what makes room for it is the administrators'. */
export const USERS = ['agent', 'client'] as const;

export const none = z.strictObject({});
export const noBody = z.undefined();
const nameField = z.string().min(1).max(255).meta({ description: 'Label or UUID' });
export const poolParams = z.strictObject({ pool: nameField });
export const containerParams = z.strictObject({ pool: nameField, container: nameField });
