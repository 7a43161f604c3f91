/** What a start makes of a data directory that an older version has set up, and what the quickstart's certificates are about. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import SqliteDatabase from 'better-sqlite3';
import { readDocumentFile } from '../../../src/catalog/document-file.js';
import { planDocument } from '../../../src/declaration/plan.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { idCeSubjectAltName } from '../../../src/x509/oids.js';
import { certificateOf, createEstClient, type EstClient } from '../../support/est-client.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { expectRefused } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
beforeAll(async () => {
  test = await startTestGateway();
});
afterAll(() => test.close());

describe('A data directory from before ACME', () => {
  it('gets its secrets, its credential and its variables; what is configured stays', async () => {
    const { policies } = test.gateway.core.catalog();
    expect(policies.get('quickstart')?.policy.acme.allowedNetworks).toEqual(['127.0.0.0/8', '::1/128']);
    const secretsFile = join(test.directory, 'quickstart', 'secrets.env');
    const secrets = readFileSync(secretsFile, 'utf8');
    writeFileSync(secretsFile, secrets.replace(/^GATEHOUSE_EAB_.*\n/gm, ''));
    const database = new SqliteDatabase(test.settings.database);
    database.exec("delete from credential where kind = 'acme-account-key'");
    database.exec("update catalog_item set document = json_remove(document, '$.acme') where kind = 'policy'");
    database.close();

    test = await test.restart();
    const { core } = test.gateway;
    const { GATEHOUSE_EAB_KID: keyId = '', GATEHOUSE_EAB_HMAC: key } = test.environment;
    expect(keyId).toBe('quickstart');
    const [credential] = await core.store.credentials.findByLookup({
      authenticationPolicy: 'quickstart',
      kind: 'acme-account-key',
      lookup: keyId,
    });
    const secret = core.sealing.open(`credential:${credential?.id}`, credential?.sealed ?? new Uint8Array());
    expect(Buffer.from(secret).toString('base64url')).toBe(key);
    expect(secrets).not.toContain(key);
    expect(core.catalog().policies.get('quickstart')?.policy.acme.allowedNetworks).toEqual([]);
    // As docs/operations.md tells to take over the rest.
    const file = fileURLToPath(new URL('../../../../config/quickstart.yaml', import.meta.url));
    const plan = await planDocument(readDocumentFile(file, test.environment), core);
    const changed = plan.steps.filter(({ action }) => action !== 'unchanged');
    expect(changed.map(({ action, name }) => `${action} ${name}`).sort()).toEqual([
      'change quickstart',
      'change quickstart-approval',
      'change quickstart-rsa',
    ]);
    expect(readFileSync(secretsFile, 'utf8')).toContain(/^GATEHOUSE_PASSCODE=.*$/m.exec(secrets)?.[0]);
  });
});

describe('The lines that the start prints for ACME', () => {
  it('have the port on which the policy wants http-01 to be answered', () => {
    const port = test.gateway.core.catalog().policies.get('quickstart')?.policy.acme.httpPort;
    const lines = test.gateway.greeting.filter((line) => line.includes('$GATEHOUSE_ACME_DIRECTORY'));
    expect([port, lines.length]).toEqual([80, 2]);
    expect(lines[0]).toContain('certbot certonly --standalone --http-01-port 80 ');
    expect(lines[1]).toContain('--http --http.port :80 --domains localhost run');
  });
});

describe('A certificate of the quickstart', () => {
  let est: EstClient;
  beforeAll(() => {
    const { GATEHOUSE_USERNAME: username = '', GATEHOUSE_PASSCODE: passcode = '' } = test.environment;
    est = createEstClient(test, { label: 'quickstart', username, passcode });
  });
  afterAll(() => est.close());

  it('may have alternative names alone, which are critical then (RFC 5280 4.1.2.6)', async () => {
    const alternatives = ['www.example.com', '*.example.com'].map((value) => ({ type: 'dns', value }) as const);
    const answer = await est.post('simpleenroll', makeCsr({ subject: '', alternatives, key: newKey() }));
    const certificate = certificateOf(answer);
    expect(certificate.subject).toBeUndefined();
    expect(certificate.subjectAltName).toBe('DNS:www.example.com, DNS:*.example.com');
    const { extensions } = decodeCertificate(new X509Certificate(certificate.raw).raw);
    expect(extensions.find(({ id }) => id === idCeSubjectAltName)?.critical).toBe(true);
  });

  it('is refused to a request without any name', async () => {
    const answer = await est.post('simpleenroll', makeCsr({ subject: '', key: newKey() }));
    await expectRefused(test, answer, { status: 400, code: 'rejected-name' });
  });
});
