import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { permissions, permissionsOf, roles } from '../../../src/model/access.js';

describe('The table of roles in docs/access.md', () => {
  it('says what each role may do', () => {
    const text = readFileSync(new URL('../../../../docs/access.md', import.meta.url), 'utf8');
    const [head, , ...rows] = text
      .split('\n')
      .filter((line) => /^\| (permission|-{3,}|`[a-z]+:[a-z]+`) /.test(line))
      .map((line) => line.split('|').map((cell) => cell.trim()));
    expect(head?.slice(1, -1)).toEqual(['permission', ...roles]);
    expect(rows.map((cells) => cells.slice(1, -1))).toEqual(
      permissions.map((permission) => [
        `\`${permission}\``,
        ...roles.map((role) => (permissionsOf[role].includes(permission) ? 'x' : '')),
      ]),
    );
  });

  it('lets an auditor see everything and change nothing', () => {
    expect(permissionsOf.auditor).toEqual(permissions.filter((permission) => permission.endsWith(':read')));
  });

  it('lets nobody but solution administrators let others in', () => {
    expect(roles.filter((role) => permissionsOf[role].includes('access:write'))).toEqual(['solution-administrator']);
  });
});
