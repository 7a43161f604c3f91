import { afterAll, describe, expect, it } from '@jest/globals';
import { createOperations } from '../../../src/api/operations.js';
import { principal, startApiServer } from '../../support/api-server.js';
import { applyYaml, fleet } from '../../support/fleet.js';
import { makeCrl, makeRoot, type OpensslFolder, withOpenssl } from '../../support/openssl-folder.js';
import { eventsOf } from '../../support/records.js';
import { startTestGateway } from '../../support/test-gateway.js';

const test = await startTestGateway({ configuration: fleet });
await applyYaml(
  test,
  `certificateAuthorities:
  - { name: old, division: plant, subject: "CN=External Root,O=Example", key: external }
  - { name: below, parent: old, division: plant, subject: "CN=Below", key: ec-p256, pathLength: 0 }`,
);
const { core } = test.gateway;
const api = await startApiServer({
  operations: createOperations({ ...core, version: '0.0.0' }),
  principals: {
    all: principal('all', { role: 'solution-administrator' }),
    plant: principal('plant', { role: 'solution-administrator', division: 'plant' }),
    artifacts: principal('artifacts', { role: 'artifact-manager' }),
  },
  services: core,
});

afterAll(async () => {
  await api.close();
  await test.close();
});

function act(path: string, body?: object, { key = 'all', method = 'POST' } = {}) {
  const message =
    body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  return api.send(`/api/v1/certificate-authorities/${path}`, { ...message, method, key });
}

describe('Acts on certificate authorities over the management API', () => {
  it('stage, activate and revoke; what is answered is the CA as it is then', async () => {
    const staged = await act('devices/stage');
    expect(staged.status).toBe(200);
    expect(staged.body).toMatchObject({
      generations: [{ state: 'current' }, { id: 'devices-2', state: 'next', online: true }],
    });
    expect((await act('devices/stage')).status).toBe(409);
    const at = new Date(Date.now() + 86_400_000).toISOString();
    expect((await act('devices/activate', { at, replaceBy: at })).status).toBe(409);
    const replaceBy = new Date(Date.now() + 2 * 86_400_000).toISOString();
    expect((await act('devices/activate', { at, replaceBy })).body).toMatchObject({
      generations: [{}, { activateAt: at, replaceBy }],
    });
    expect((await act('devices/activate', {})).body).toMatchObject({
      generations: [{ state: 'previous' }, { state: 'current' }],
    });
    const revoked = await act('devices/generations/devices-1/revoke', {});
    expect(revoked.body).toMatchObject({ generations: [{ revoked: true }, { revoked: false }] });
    expect((await act('devices/generations/devices-1/revoke', {})).status).toBe(409);
    expect((await act('devices/generations/root-1/revoke', {})).status).toBe(404);
    const [event] = await eventsOf(test, 'ca.revoked');
    expect(JSON.parse(event?.content ?? '{}')).toMatchObject({ reason: 'cACompromise', actor: 'API key all' });
    expect((await act('devices/next', undefined, { method: 'DELETE' })).status).toBe(409);
  });

  it('import a CA and certify another one; the key is in no answer and no event', async () => {
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'ca');
      openssl.run(
        'pkcs12',
        '-export',
        '-inkey',
        'ca.key',
        '-in',
        'ca.pem',
        '-passout',
        'pass:open sesame',
        '-out',
        'p12',
      );
      const key = openssl.read('p12').toString('base64');
      const wrong = await act('old/import', { key, passphrase: 'wrong' }, { key: 'plant' });
      expect(wrong.body).toMatchObject({ code: 'bad-secret' });
      const given = { key, passphrase: 'open sesame' };
      const garbage = await act('old/import', { ...given, crls: 'garbage' }, { key: 'plant' });
      expect(garbage.body).toMatchObject({ code: 'malformed-request' });
      makeCrl(openssl, 'ca', { revoked: [{ serial: '0A' }] });
      const crls = openssl.read('ca.crl').toString();
      const imported = await act('old/import', { ...given, crls }, { key: 'plant' });
      expect(imported.body).toMatchObject({ generations: [{ id: 'old-1', state: 'current', online: true }] });
      const listed = await act('old/crls', undefined, { key: 'plant', method: 'GET' });
      const url = expect.stringMatching(/^http.*\/crl\/old-1\/0\.crl$/);
      expect(listed.body).toMatchObject({
        crls: [{ generation: 'old-1', partition: 0, kind: 'full', number: 13, entries: 1, url }],
      });
      await core.ensureCas();
      expect(core.authority.issuer('below').id).toBe('below-1');
      const events = await core.store.audit.list({ limit: 1000 });
      expect(events.filter(({ content }) => content.includes('sesame') || content.includes(key.slice(0, 60)))).toEqual(
        [],
      );
    });
  });

  it('answer what a request needs, and take the certificate', async () => {
    await applyYaml(
      test,
      `certificateAuthorities:
  - { name: corporate, subject: "CN=Corporate,O=Example", key: external }
  - { name: site, parent: corporate, subject: "CN=Site", key: ec-p256, pathLength: 0 }`,
    );
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root', { subject: '/O=Example/CN=Corporate' });
      const { csr } = (await act('site/request')).body as { csr: string };
      signByRoot(openssl, 'site', csr);
      const certificates = `${openssl.read('site.pem')}${openssl.read('root.pem')}`;
      expect((await act('site/certificate', { certificates: 'garbage' })).status).toBe(400);
      const answered = await act('site/certificate', { certificates });
      expect(answered.body).toMatchObject({ generations: [{ id: 'site-1', state: 'current', parent: 'corporate-1' }] });
    });
  });

  it('publish the CRLs of all keys that are here, and say of the others why not', async () => {
    const published = await act('devices/publish');
    expect(published.body).toMatchObject({
      crls: [
        { generation: 'devices-1', number: 2 },
        { generation: 'devices-2', number: 4 },
      ],
      skipped: [],
    });
    const refused = await act('corporate/publish');
    expect(refused.status).toBe(409);
    expect(refused.body).toMatchObject({ code: 'invalid-state' });
    expect((await act('devices/publish', undefined, { key: 'plant' })).status).toBe(403);
    expect((await act('nowhere/crls', undefined, { method: 'GET' })).status).toBe(404);
  });

  it('bring no certificate for an external CA above that is not of the same division', async () => {
    await applyYaml(
      test,
      `certificateAuthorities:
  - { name: everybody, subject: "CN=Everybody,O=Example", key: external }
  - { name: theirs, division: plant, parent: everybody, subject: "CN=Theirs", key: ec-p256, pathLength: 0 }`,
    );
    await withOpenssl(async (openssl) => {
      makeRoot(openssl, 'root', { subject: '/O=Example/CN=Everybody' });
      const { csr } = (await act('theirs/request', undefined, { key: 'plant' })).body as { csr: string };
      signByRoot(openssl, 'theirs', csr);
      const root = openssl.read('root.pem').toString();
      const certificates = `${openssl.read('theirs.pem')}${root}`;
      const refused = await act('theirs/certificate', { certificates }, { key: 'plant' });
      expect([refused.status, refused.body]).toEqual([
        403,
        expect.objectContaining({ code: 'forbidden', detail: expect.stringContaining('of CA everybody') }),
      ]);
      expect((await core.store.caGenerations.all()).filter(({ ca }) => ca === 'everybody')).toEqual([]);
      expect((await act('everybody/certificate', { certificates: root }, { key: 'plant' })).status).toBe(403);
      // Whoever may, brings it first.
      expect((await act('everybody/certificate', { certificates: root })).status).toBe(200);
      expect((await act('theirs/certificate', { certificates }, { key: 'plant' })).status).toBe(200);
    });
  });

  it('take authority:operate, for a CA of no division in all of them', async () => {
    expect((await act('devices/stage', undefined, { key: 'artifacts' })).status).toBe(403);
    expect((await act('devices/stage', undefined, { key: 'plant' })).status).toBe(403);
    expect((await act('nowhere/stage')).status).toBe(404);
  });
});

/** The external root makes the certificate `<name>.pem` of a CA below it. */
function signByRoot(openssl: OpensslFolder, name: string, csr: string): void {
  openssl.write(`${name}.csr`, csr);
  openssl.write('ext', 'basicConstraints=critical,CA:true,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n');
  openssl.run(
    ...['x509', '-req', '-in', `${name}.csr`, '-CA', 'root.pem', '-CAkey', 'root.key', '-CAcreateserial'],
    ...['-extfile', 'ext', '-days', '100', '-out', `${name}.pem`],
  );
}
