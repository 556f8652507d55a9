// What a schema knows, for messages about what it doesn't.

import * as z from 'zod';

/** The keys that the object at `path` may have. */
export function knownKeysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  let at = unwrap(schema);
  for (const part of path) {
    if (at instanceof z.ZodArray) at = unwrap(at.element as z.ZodType);
    else if (at instanceof z.ZodObject) at = unwrap(at.shape[String(part)] as z.ZodType);
  }
  if (!(at instanceof z.ZodObject)) return [];
  const known = Object.entries(at.shape as Record<string, z.ZodType>);
  return known.filter(([, field]) => !isRefused(field)).map(([name]) => name);
}

/** Such a key is there to say why it is not. */
const isRefused = (field: z.ZodType): boolean => unwrap(field) instanceof z.ZodNever;

function unwrap(schema: z.ZodType): z.ZodType {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) {
    at = at.unwrap() as z.ZodType;
  }
  return at;
}
