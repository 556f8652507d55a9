// Lookups in the table of object classes.
import { DaosError } from './daos-error.js';
import { OBJECT_CLASSES, type ObjectClassName } from './generated/object-classes.js';

const NAMES_BY_ID = new Map(
  Object.entries(OBJECT_CLASSES).map(([name, { id }]) => [id as number, name as ObjectClassName]),
);

const FEW = 4;

/** The class name in its exact spelling, from any case. DER_INVAL names an unknown one. */
export function parseObjectClass(text: string): ObjectClassName {
  const name = text.toUpperCase();
  if (Object.hasOwn(OBJECT_CLASSES, name)) return name as ObjectClassName;
  throw new DaosError('DER_INVAL', `unknown object class '${text}'${nearest(name)}`, {
    action:
      'give a class that exists: S1 to SX spread an object over targets, RP_2G1 to RP_6GX keep ' +
      'copies of it, EC_2P1G1 to EC_16P3GX keep parity',
  });
}

/** Those that begin alike: of `EC_4P2` the ones for 1, 2 … groups. */
function nearest(name: string): string {
  const alike = Object.keys(OBJECT_CLASSES).filter((known) => known.startsWith(name));
  if (name === '' || alike.length === 0) return '';
  const few = alike.slice(0, FEW).join(', ');
  return `: did you mean ${few}${alike.length > FEW ? ' …' : ''}?`;
}

/** The class with this number of DAOS's C API, or undefined. */
export function objectClassName(id: number): ObjectClassName | undefined {
  return NAMES_BY_ID.get(id);
}
