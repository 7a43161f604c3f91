import { copyFile, mkdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { createApiKey } from '../../../src/access/api-keys.js';
import { everything } from '../../../src/access/grants.js';
import { type ImportedKey, importAuthority } from '../../../src/authorities/import-authority.js';
import { takeOffline } from '../../../src/authorities/take-offline.js';
import { signCertificate } from '../../../src/ca/sign-certificate.js';
import { backUpCommand } from '../../../src/cli/backup.js';
import { doctorCommand } from '../../../src/cli/doctor.js';
import type { Finding } from '../../../src/cli/finding.js';
import { keyCommand } from '../../../src/cli/key.js';
import { restoreCommand } from '../../../src/cli/restore.js';
import { createRunWithCore } from '../../../src/cli/run-with-core.js';
import type { Signer } from '../../../src/keys/signer.js';
import { approveCertificateAuthority } from '../../../src/policy/decide.js';
import { readSettings, type Settings } from '../../../src/settings.js';
import { encodeAuthorityKeyIdentifier } from '../../../src/x509/extensions.js';
import { encodeName } from '../../../src/x509/names.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { subjectKeyIdentifier } from '../../../src/x509/public-key.js';
import { randomSerialNumber } from '../../../src/x509/tbs-certificate.js';
import { createApiClient } from '../../support/api-client.js';
import { createEstClient } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode } from '../../support/fleet.js';
import { makeCsr, newKey } from '../../support/make-csr.js';
import { testActor } from '../../support/operator.js';
import { runWithSettings } from '../../support/printed.js';
import { describeWithHsm, makeSoftHsm, type SoftHsm } from '../../support/soft-hsm.js';
import { freePorts, startTestGateway, type TestGateway } from '../../support/test-gateway.js';

const key = (settings: () => Settings) => keyCommand(settings, createRunWithCore(settings, { makesDatabase: false }));

describeWithHsm('a gateway with a CA whose key is in an HSM', () => {
  let hsm: SoftHsm;
  let test: TestGateway;
  beforeAll(async () => {
    hsm = makeSoftHsm();
    const keyStores = JSON.stringify({
      hsm: { kind: 'pkcs11', module: hsm.module, tokenLabel: 'gatehouse', pinFile: hsm.pinFile },
    });
    const configuration = fleet.replace('key: ec-p384, validity: 20y', 'key: ec-p384, keyStore: hsm, validity: 20y');
    test = await startTestGateway({ configuration, settings: { keyStores } });
  });
  afterAll(async () => {
    await test.close();
    hsm.remove();
  });

  it('issues under it, and shows where the key is on the command line and over the API', async () => {
    const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
    expect((await est.post('simpleenroll', makeCsr({ subject: 'CN=pump-1', key: newKey() }))).status).toBe(200);
    est.close();
    const { text } = await runWithSettings(key, test.settings, ['status', '--json']);
    const states = text.split('\n').map((line) => JSON.parse(line));
    expect(states).toEqual([
      expect.objectContaining({ name: 'software', keys: 1, reachable: true }),
      expect.objectContaining({ name: 'hsm', keys: 1, reachable: true, missing: [], orphans: [] }),
    ]);
    const grants = [{ role: 'solution-administrator' as const }];
    const created = await createApiKey(
      { name: 'test', grants },
      { actor: testActor, grants: everything },
      test.gateway.core,
    );
    const api = createApiClient(test, created.key);
    expect(await api.get('/system/key-stores')).toMatchObject({ status: 200, body: { keyStores: states } });
    api.close();
  });

  it('is well for the doctor, and says in a restore which keys are not in the backup', async () => {
    const { findings, complaints } = await examine(test.settings);
    expect(findings).toContainEqual(expect.objectContaining({ check: 'key store hsm', state: 'ok' }));
    expect(complaints).not.toContainEqual(expect.stringContaining('key'));
    const backup = join(test.directory, 'hsm.backup');
    await runWithSettings(backUpCommand, test.settings, [backup]);
    const data = join(test.directory, 'elsewhere');
    await mkdir(data, { mode: 0o700 });
    await copyFile(test.settings.kekFile, join(data, 'key-encryption-key'));
    const [deviceTlsPort, deviceHttpPort, adminPort] = await freePorts(3);
    const settings = readSettings({ flags: { data, deviceTlsPort, deviceHttpPort, adminPort }, environment: {} });
    const { text, error } = await runWithSettings(restoreCommand, settings, [backup]);
    expect(error).toBeUndefined();
    expect(text).toContain('opens it: 1 CA key\n');
    expect(text).toContain('in key stores of the settings: root-1 (hsm)');
    const { complaints: without } = await examine(settings);
    expect(without).toContainEqual('problem CA keys: the key of root-1 is in the key store "hsm", which is none');
  });

  it('takes over a CA whose key is on the token, and hands out no key', async () => {
    const { core } = test.gateway;
    const brought =
      'certificateAuthorities: [{ name: brought, subject: CN=Brought, key: external, keyStore: hsm, validity: 5y }]';
    await applyYaml(test, brought);
    const { signer } = await core.caKeys.store('hsm').create('ec-p256', 'ca:ceremony-1');
    const certificates = [await selfSigned(signer)];
    const bring = (given: ImportedKey) =>
      importAuthority({ ca: 'brought', key: given, certificates, crls: [], actor: testActor }, core);
    const content = Buffer.from(newKey().privateKey.export({ format: 'der', type: 'pkcs8' }));
    await expect(bring({ content })).rejects.toMatchObject({ code: 'unsupported-operation' });
    await expect(bring({ reference: 'ffff' })).rejects.toMatchObject({ code: 'not-found' });
    expect(await bring({ reference: signer.keyId.replaceAll('-', '') })).toMatchObject({ generation: 'brought-1' });
    expect(await core.store.keys.findByPurpose({ purpose: 'ca:brought-1' })).toMatchObject([{ store: 'hsm' }]);
    expect(await core.store.crls.find({ issuerId: 'brought-1', partition: 0 })).toMatchObject({ number: 1 });
    const keep = (encrypted: Uint8Array) => Promise.resolve(encrypted);
    const passphrase = 'for the ceremony';
    await expect(
      takeOffline({ generation: 'brought', passphrase, keep, actor: testActor }, core),
    ).rejects.toMatchObject({ code: 'unsupported-operation', message: expect.stringContaining('key store hsm') });
    expect(core.generations.find('brought-1')).toMatchObject({ online: true });
  });

  it('starts without it, issues from its other CAs, and records the outage once', async () => {
    const away = join(hsm.directory, 'tokens-away');
    await rename(join(hsm.directory, 'tokens'), away);
    await mkdir(join(hsm.directory, 'tokens'));
    const later =
      'certificateAuthorities: [{ name: later, subject: CN=Later, key: ec-p256, keyStore: hsm, validity: 5y }]';
    await expect(applyYaml(test, later)).rejects.toMatchObject({ code: 'unavailable' });
    test = await test.restart();
    try {
      const { core } = test.gateway;
      const est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
      expect((await est.post('simpleenroll', makeCsr({ subject: 'CN=pump-2', key: newKey() }))).status).toBe(200);
      est.close();
      const root = core.authority.generation('root-1');
      if (root === undefined) throw new Error('there is no root-1');
      const signer = core.caKeys.lazySigner({
        keyId: (await core.store.caGenerations.find({ id: 'root-1' }))?.keyId ?? '',
        publicKey: root.certificate.subjectPublicKeyInfo,
      });
      for (const _attempt of [1, 2]) {
        await expect(signer.sign(Buffer.from('data'), 'sha384')).rejects.toMatchObject({ code: 'unavailable' });
      }
      const lost = (await core.store.audit.list({ limit: 50 })).filter(({ action }) => action === 'ca.key-lost');
      // By the gateway before, which was to make a key, and by this one.
      expect(lost).toHaveLength(2);
      const { complaints } = await examine(test.settings);
      expect(complaints).toContainEqual(
        'problem key store hsm: there is no token with the label "gatehouse"; the library shows none',
      );
    } finally {
      await rm(join(hsm.directory, 'tokens'), { recursive: true });
      await rename(away, join(hsm.directory, 'tokens'));
    }
  });

  it('changes its key-encryption key while it runs, on record, and starts with the new one only', async () => {
    const newFile = join(test.directory, 'new-kek');
    const { text, error } = await runWithSettings(key, test.settings, ['change', '--new-file', newFile]);
    expect(error).toBeUndefined();
    expect(text).toContain(`set GATEHOUSE_KEK_FILE=${newFile}`);
    const events = await test.gateway.core.store.audit.list({ limit: 20 });
    const event = events.find(({ action }) => action === 'key.changed');
    expect(event).toMatchObject({ outcome: 'success' });
    const bytes = (await readFile(newFile)).toString('hex');
    expect(event?.content).not.toContain(bytes);
    const old = await examine(test.settings);
    expect(old.complaints).toContainEqual(expect.stringContaining('is not what it was sealed with'));
    const changed = await examine({ ...test.settings, kekFile: newFile });
    expect(changed.complaints.filter((line) => line.includes('key-encryption key'))).toEqual([]);
    const again = await runWithSettings(key, test.settings, ['change', '--new-file', join(test.directory, 'x')]);
    expect(again.error).toContain('is not what it was sealed with');
    const both = ['change', '--new-file', newFile, '--new-passphrase-file', newFile];
    expect((await runWithSettings(key, test.settings, both)).error).toContain('give one of');
  });
});

/** A root certificate, as the token of a ceremony would have it beside its key; DER. */
async function selfSigned(signer: Signer): Promise<Uint8Array> {
  const name = encodeName(parseName('CN=Brought'));
  const now = Math.floor(Date.now() / 1000) * 1000;
  const issuance = approveCertificateAuthority({
    issuerId: 'brought',
    subject: name,
    subjectPublicKeyInfo: signer.publicKey,
    notBefore: new Date(now - 60_000),
    notAfter: new Date(now + 86_400_000),
  });
  const authorityKeyIdentifier = encodeAuthorityKeyIdentifier({
    keyIdentifier: subjectKeyIdentifier(signer.publicKey),
  });
  const issuer = {
    id: 'brought',
    name,
    signer,
    hash: 'sha256',
    rsaPadding: undefined,
    authorityKeyIdentifier,
  } as const;
  return await signCertificate(issuance, { ...issuer, locations: [] }, randomSerialNumber());
}

async function examine(settings: Settings): Promise<{ findings: Finding[]; complaints: string[] }> {
  const { text } = await runWithSettings(doctorCommand, settings, ['--json']);
  const findings: Finding[] = JSON.parse(text);
  const bad = findings.filter(({ state }) => state !== 'ok');
  return { findings, complaints: bad.map(({ state, check, said }) => `${state} ${check}: ${said}`) };
}
