import { expect, it } from '@jest/globals';
import Database from 'better-sqlite3';
import { auditCommand } from '../../../src/cli/audit.js';
import { fleet } from '../../support/fleet.js';
import { runCommand } from '../../support/run-command.js';
import { startTestGateway } from '../../support/test-gateway.js';

it('gatehouse audit verify tells an intact log from one that was changed', async () => {
  const test = await startTestGateway({ configuration: fleet });
  try {
    const verify = () => runCommand(auditCommand, test, ['verify']);
    expect(await verify()).toMatch(/^the chain of all \d+ events is intact; the last is \d+ with hash [0-9a-f]{64}$/);

    const database = new Database(test.settings.database);
    database.exec(`update audit_event set content = replace(content, 'ca.created', 'ca.changed') where sequence = 2`);
    database.close();
    await expect(verify()).rejects.toThrow('the audit log was changed: event 2 does not fit');
  } finally {
    await test.close();
  }
});
