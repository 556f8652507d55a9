// Lookups in the table of object classes.
import { DaosError } from './daos-error.js';
import { OBJECT_CLASSES, type ObjectClassName } from './generated/object-classes.js';

const NAMES_BY_ID = new Map(
  Object.entries(OBJECT_CLASSES).map(([name, { id }]) => [id as number, name as ObjectClassName]),
);

/** The class name in its exact spelling, from any case. DER_INVAL names an unknown one. */
export function parseObjectClass(text: string): ObjectClassName {
  const name = text.toUpperCase();
  if (Object.hasOwn(OBJECT_CLASSES, name)) return name as ObjectClassName;
  throw new DaosError(
    'DER_INVAL',
    `unknown object class '${text}'; classes are S1 to SX, RP_2G1 to RP_6GX, EC_2P1G1 to EC_16P3GX`,
  );
}

/** The class with this number of DAOS's C API, or undefined. */
export function objectClassName(id: number): ObjectClassName | undefined {
  return NAMES_BY_ID.get(id);
}
