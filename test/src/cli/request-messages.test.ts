import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { requestCommand } from '../../../src/cli/request.js';
import { decodeCertificateList } from '../../../src/x509/crl.js';
import type { CmpClient } from '../../support/cmp/client.js';
import { createCmpClient } from '../../support/cmp-client.js';
import { byMac, cmpPolicy, enrolled, startCmpFleet } from '../../support/cmp-fleet.js';
import { applyYaml } from '../../support/fleet.js';
import { recordOf } from '../../support/records.js';
import { runCommand } from '../../support/run-command.js';
import type { TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: CmpClient;

beforeAll(async () => {
  test = await startCmpFleet();
  await applyYaml(test, cmpPolicy('slow', 'approve: [rr, genm]'));
  client = createCmpClient(test, { label: 'slow', credential: byMac });
});
afterAll(async () => {
  client.close();
  await test.close();
});

const run = (...words: string[]) => runCommand(requestCommand, test, words);

/** An rr that waits, and the certificate that it is about. */
async function ask(reason: number) {
  const { certificate, credential, name } = await enrolled(test);
  const send = (code: number) => client.revoke({ certificate: certificate.raw, credential, reason: code });
  const { requestId } = (await send(reason)).answer;
  return { requestId, send, certificate, subject: `CN=${name}`, record: await recordOf(test, certificate) };
}

describe('gatehouse request, of a revocation by message', () => {
  it('lists and shows it, and says what its approval has done', async () => {
    const { requestId, certificate, subject, record } = await ask(1);
    const wish = `revocation of ${subject} (${record.serialNumber}), reason keyCompromise`;
    expect(await run('list')).toMatch(new RegExp(`^${requestId}  \\S+Z  cmp  slow  ${escaped(wish)}$`));
    const shown = await run('show', requestId);
    expect(shown).toContain(`request ${requestId}: pending`);
    expect(shown).toContain(wish);
    expect(shown).toContain('pending  approval: policy slow wants the approval of a person for rr');
    expect(await run('approve', requestId, '--as', 'alice')).toBe(
      `approved; ${record.id} (${subject}) is revoked, reason keyCompromise, and on the CRL now`,
    );
    const crl = await test.gateway.core.store.crls.find({ issuerId: record.issuerId, partition: record.crlPartition });
    const { revokedCertificates } = decodeCertificateList(crl?.der ?? new Uint8Array());
    expect(revokedCertificates.map(({ serialNumber }) => serialNumber)).toContain(record.serialNumber);
    const decided = await run('show', requestId);
    expect(decided).toContain(`request ${requestId}: approved`);
    expect(decided).toMatch(/certificate\.revoked {2}success .*\n {2}reason: keyCompromise/);
    expect(decided).toMatch(/approvedBy: \["command line \(.+, as alice\)"\]/);
    expect(decided).not.toContain('certificate.issued');
    expect((await recordOf(test, certificate)).status).toBe('revoked');
  });

  it('calls a hold a hold, and its end an end', async () => {
    const { requestId, send, certificate, subject, record } = await ask(6);
    expect(await run('list')).toContain(`hold of ${subject} (${record.serialNumber})`);
    expect(await run('approve', requestId)).toBe(`approved; ${record.id} (${subject}) is on hold, and on the CRL now`);
    expect((await recordOf(test, certificate)).status).toBe('held');
    const { answer } = await send(8);
    expect(await run('list')).toContain(`end of the hold of ${subject} (${record.serialNumber})`);
    expect(await run('approve', answer.requestId)).toBe(`approved; ${record.id} (${subject}) is valid again`);
    expect((await recordOf(test, certificate)).status).toBe('valid');
  });

  it('is rejected with a reason', async () => {
    const { requestId, certificate } = await ask(5);
    expect(await run('reject', requestId, '--comment', 'still in use')).toBe('rejected');
    expect(await run('show', requestId)).toContain('comment: still in use');
    expect((await recordOf(test, certificate)).status).toBe('valid');
  });
});

describe('gatehouse request, of a general message', () => {
  it('lists it by its name, and says when it is answered', async () => {
    const { answer } = await client.genm('caCerts');
    expect(await run('list')).toMatch(/ {2}cmp {2}slow {2}genm$/);
    expect(await run('approve', answer.requestId)).toBe('approved; the device gets its answer when it asks again');
    expect(await run('list', '--state', 'approved')).toContain(answer.requestId);
  });
});

function escaped(text: string): string {
  return text.replace(/[()]/g, '\\$&');
}
