/** Roles as commands take them. */
import { InvalidArgumentError, Option } from 'commander';
import { type Grant, grantSchema, roles } from '../model/access.js';

/** May be given more than once. */
export function roleOption(): Option {
  return new Option(
    '--role <role>',
    `${roles.join(', ')}; in one division only as <role>:<division>; may be repeated`,
  ).argParser(addGrant);
}

/** Adds to those before it. @throws InvalidArgumentError */
function addGrant(text: string, before: readonly Grant[] = []): readonly Grant[] {
  const [role, division, ...more] = text.split(':');
  const parsed = grantSchema.safeParse({ role, ...(division === undefined ? {} : { division }) });
  if (!parsed.success || more.length > 0) {
    throw new InvalidArgumentError(`<role> or <role>:<division> is expected; roles are ${roles.join(', ')}`);
  }
  return [...before, parsed.data];
}
