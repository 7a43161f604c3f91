import { createPrivateKey, createPublicKey, generateKeyPairSync, X509Certificate } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { activateNext } from '../../../src/authorities/activate.js';
import { stageNext } from '../../../src/authorities/stage.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { octetString, smallInteger } from '../../../src/x509/der-writer.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { createOpenSsl, type OpenSsl } from '../../src/cms/openssl.js';
import {
  type Answer,
  certificateOf,
  certificatesOf,
  createEstClient,
  type EstClient,
} from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, makePasscode, policyLike } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey } from '../../support/make-csr.js';
import { opensslAccepts } from '../../support/openssl-verify.js';
import { testActor } from '../../support/operator.js';
import { countRecords, eventOf, eventsOf, expectRefused, recordOf } from '../../support/records.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';
import { control, createCsr, pkiData, signRequest, taggedRequest } from './cmc-messages.js';

let test: TestGateway;
let est: EstClient;
let openssl: OpenSsl;

const keyWrapKey = '00112233445566778899aabbccddeeff';

beforeAll(async () => {
  openssl = createOpenSsl();
  test = await startTestGateway({ configuration: fleet });
  await applyYaml(
    test,
    `authenticationPolicies:\n  - name: fleet\n    division: plant\n    credentials: [{ kind: key-wrap-key, name: wrap, identifier: wrap-1, key: "${keyWrapKey}" }]\n`,
  );
  await applyYaml(test, policyLike('devices-only', 'keyGeneration: [device]'));
  await applyYaml(test, policyLike('scep-only', 'methods: [scep], keyGeneration: [device]'));
  await applyYaml(test, policyLike('off', 'enabled: false'));
  await applyYaml(test, policyLike('slow', 'limits: { perMinute: 2 }'));
  est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
});
afterAll(async () => {
  est.close();
  openssl.remove();
  await test.close();
});

describe('EST /cacerts (RFC 7030 4.1)', () => {
  it.each(['/.well-known/est/cacerts', '/.well-known/est/fleet/cacerts', '/.well-known/est/fleet~valves/cacerts'])(
    '%s answers the CA, its chain and its root',
    async (path) => {
      const answer = await est.send(path);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/pkcs7-mime');
      const [issuing, root, ...others] = certificatesOf(answer).toSorted((a, b) => a.subject.localeCompare(b.subject));
      expect(others).toEqual([]);
      expect([issuing?.subject, root?.subject]).toEqual(['O=Plant\nCN=Devices', 'O=Plant\nCN=Root']);
      if (issuing === undefined || root === undefined) throw new Error('certificates are missing');
      expect(issuing.verify(root.publicKey)).toBe(true);
      expect(root.verify(root.publicKey)).toBe(true);
    },
  );

  it('answers HEAD with the same headers and no body', async () => {
    const { headers, body } = await est.get('cacerts');
    const head = await est.send('/.well-known/est/fleet/cacerts', { method: 'HEAD' });
    expect([head.status, head.body.length]).toEqual([200, 0]);
    expect(head.headers['content-type']).toBe(headers['content-type']);
    expect(head.headers['content-length']).toBe(String(body.length));
  });

  it('is not served over plain HTTP', async () => {
    const answer = await fetch(`http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}/.well-known/est/cacerts`);
    expect(answer.status).toBe(404);
  });
});

describe('EST /simpleenroll (RFC 7030 4.2)', () => {
  it('answers the issued certificate alone, signed by the CA, with the request id in its event', async () => {
    const key = newKey();
    const answer = await est.post(
      'simpleenroll',
      makeCsr({ key, subject: 'O=Plant,CN=pump 1', alternatives: [{ type: 'ip', value: '192.0.2.1' }] }),
    );
    expect(answer.headers['content-type']).toBe('application/pkcs7-mime; smime-type=certs-only');
    const certificate = certificateOf(answer);
    const [issuing] = certificatesOf(await est.get('cacerts')).filter(({ subject }) => subject.includes('Devices'));
    expect(issuing !== undefined && certificate.verify(issuing.publicKey)).toBe(true);
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
    expect([certificate.ca, certificate.subjectAltName]).toEqual([false, 'IP Address:192.0.2.1']);
    const event = await eventOf(test, answer);
    expect(event).toMatchObject({
      action: 'certificate.issued',
      protocol: 'est',
      policy: 'fleet',
      device: 'pump 1',
      requester: { credentials: [{ kind: 'passcode', name: 'fleet' }] },
    });
    expect(event?.trace).toEqual(expect.arrayContaining([expect.objectContaining({ rule: 'key', outcome: 'ok' })]));
    expect(JSON.stringify(event)).not.toContain(fleetPasscode);
  });

  it('works without label, with policy and with group', async () => {
    for (const path of ['', '/fleet', '/fleet~valves']) {
      const body = Buffer.from(makeCsr({ key: newKey(), subject: `CN=label${path.replace(/\W/g, '-')}` })).toString(
        'base64',
      );
      const answer = await est.send(`/.well-known/est${path}/simpleenroll`, {
        method: 'POST',
        headers: { 'content-type': 'application/pkcs10' },
        body,
      });
      certificateOf(answer);
    }
  });

  it.each<[string, (csr: Uint8Array) => Uint8Array | string, string]>([
    ['DER', (csr) => Buffer.from(csr), 'binary'],
    ['PEM', (csr) => toPem('CERTIFICATE REQUEST', csr), 'base64'],
    ['base64 in lines', (csr) => Buffer.from(csr).toString('base64').replace(/.{64}/g, '$&\r\n'), 'base64'],
  ])('takes %s (RFC 8951 3)', async (_, encode, encoding) => {
    const body = encode(makeCsr({ key: newKey(), subject: 'CN=encodings' }));
    const headers = { 'content-type': 'application/pkcs10', 'content-transfer-encoding': encoding };
    certificateOf(await est.send('/.well-known/est/fleet/simpleenroll', { method: 'POST', headers, body }));
  });

  it.each([
    ['EC P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['EC P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['Ed25519', generateKeyPairSync('ed25519')],
  ])('certifies keys of %s', async (_, key) => {
    const certificate = certificateOf(await est.post('simpleenroll', makeCsr({ key, subject: 'CN=keys' })));
    expect(certificate.checkPrivateKey(key.privateKey)).toBe(true);
  });

  it.each([
    ['scep-only', 'not open to est'],
    ['off', 'disabled'],
  ])('refuses at the policy %s with 403', async (label, says) => {
    const other = createEstClient(test, { label, passcode: fleetPasscode });
    await expectRefused(test, await other.post('simpleenroll', makeCsr()), { status: 403, code: 'forbidden', says });
    other.close();
  });

  it('answers 429 with Retry-After beyond the limit of the policy', async () => {
    const slow = createEstClient(test, { label: 'slow', passcode: fleetPasscode });
    const answers: Answer[] = [];
    for (let i = 0; i < 3; i++)
      answers.push(await slow.post('simpleenroll', makeCsr({ key: newKey(), subject: `CN=slow-${i}` })));
    slow.close();
    const [first, second, third] = answers;
    if (first === undefined || second === undefined || third === undefined) throw new Error('no answers');
    expect([first.status, second.status]).toEqual([200, 200]);
    await expectRefused(test, third, { status: 429, code: 'rate-limited', says: '2 enrollments a minute' });
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);
  });

  it('follows a change of the configuration within seconds, without a restart', async () => {
    const { core } = test.gateway;
    await core.store.commit({
      statements: [
        core.store.catalog.bumpVersion({ expected: core.catalog().version }),
        core.store.catalog.put({
          kind: 'policy',
          name: 'new-one',
          document: JSON.stringify({
            name: 'new-one',
            division: 'plant',
            authenticationPolicy: 'fleet',
            profiles: [{ usage: 'operational', profile: 'device' }],
            issuingCa: 'devices',
            methods: ['est'],
            defaultGroup: 'pumps',
          }),
          updatedAt: Date.now(),
        }),
      ],
      audit: [],
    });
    const fresh = createEstClient(test, { label: 'new-one', passcode: fleetPasscode });
    let { status } = await fresh.get('cacerts');
    for (let i = 0; i < 60 && status === 404; i++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      ({ status } = await fresh.get('cacerts'));
    }
    certificateOf(await fresh.post('simpleenroll', makeCsr({ key: newKey(), subject: 'CN=new-one' })));
    fresh.close();
  });
});

/** Key and certificate of a multipart answer (RFC 7030 4.4.2). */
function partsOf(answer: Answer): { keyType: string; key: Buffer; certificate: X509Certificate } {
  const boundary = /^multipart\/mixed; boundary=(\S+)$/.exec(String(answer.headers['content-type']))?.[1];
  const [key, certificate] = answer.text
    .split(`--${boundary}`)
    .slice(1, -1)
    .map((part) => {
      const [head = '', body = ''] = part.trim().split('\r\n\r\n');
      return { head, body: Buffer.from(body, 'base64') };
    });
  if (key === undefined || certificate === undefined) throw new Error(`no parts but ${answer.status}: ${answer.text}`);
  const text = Buffer.from(certificate.body.toString('base64'));
  const [only] = certificatesOf({ body: text });
  if (only === undefined) throw new Error('no certificate');
  return { keyType: /Content-Type: (.*)/.exec(key.head)?.[1] ?? '', key: key.body, certificate: only };
}

const decryptKeyIdentifier = '1.2.840.113549.1.9.16.2.37';
const asymmetricDecryptKeyIdentifier = '1.2.840.113549.1.9.16.2.54';

describe('EST /serverkeygen (RFC 7030 4.4)', () => {
  const privateKeyOf = (der: Buffer) => createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });

  let made = 1;
  it.each<[string, KeyPair, object]>([
    ['EC P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), { namedCurve: 'prime256v1' }],
    ['EC P-384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), { namedCurve: 'secp384r1' }],
    ['RSA 2048', generateKeyPairSync('rsa', { modulusLength: 2048 }), { modulusLength: 2048 }],
    [
      'RSA 1024, which no policy takes',
      generateKeyPairSync('rsa', { modulusLength: 1024 }),
      { namedCurve: 'prime256v1' },
    ],
  ])('makes a key like the one in the request: %s', async (_, hint, details) => {
    const answer = await est.post(
      'serverkeygen',
      makeCsr({
        key: hint,
        signedBy: newKey(),
        subject: `CN=made ${made++}`,
      }),
    );
    const { keyType, key, certificate } = partsOf(answer);
    expect(keyType).toBe('application/pkcs8');
    expect(privateKeyOf(key).asymmetricKeyDetails).toMatchObject(details);
    expect(certificate.checkPrivateKey(privateKeyOf(key))).toBe(true);
    expect(certificate.checkPrivateKey(hint.privateKey)).toBe(false);
    expect(answer.headers['cache-control']).toBe('no-store');
  });

  it('gives a repeat another key and certificate, and revokes the undelivered one as superseded', async () => {
    const csr = makeCsr({ subject: 'CN=lost' });
    const first = partsOf(await est.post('serverkeygen', csr));
    const second = partsOf(await est.post('serverkeygen', csr));
    expect(second.key.equals(first.key)).toBe(false);
    expect(await recordOf(test, first.certificate)).toMatchObject({ status: 'revoked', revocationReason: 4 });
    expect(await recordOf(test, second.certificate)).toMatchObject({ status: 'valid' });
    expect((await eventsOf(test, 'certificate.revoked'))[0]?.content).toContain('superseded');
  });

  it('gives repeats at once one key that stays', async () => {
    const csr = makeCsr({ subject: 'CN=impatient' });
    const answers = await Promise.all(Array.from({ length: 3 }, () => est.post('serverkeygen', csr)));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    const records = await Promise.all(answers.map((answer) => recordOf(test, partsOf(answer).certificate)));
    expect(records.filter(({ status }) => status === 'valid')).toHaveLength(1);
  });

  it('gives the repeat with a used-up passcode its key, too', async () => {
    const once = createEstClient(test, { label: 'fleet', passcode: await makePasscode(test, { usageLimit: 1 }) });
    const csr = makeCsr({ subject: 'CN=lost-once' });
    partsOf(await once.post('serverkeygen', csr));
    partsOf(await once.post('serverkeygen', csr));
    await expectRefused(test, await once.post('serverkeygen', makeCsr({ subject: 'CN=lost-twice' })), {
      status: 401,
      code: 'bad-secret',
    });
    once.close();
  });

  it('encrypts the key to the certificate that AsymmetricDecryptKeyIdentifier names', async () => {
    openssl.run('genpkey', '-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048', '-out', 'device.key');
    const privateKey = createPrivateKey(Buffer.from(openssl.read('device.key')));
    const known = certificateOf(
      await est.post(
        'simpleenroll',
        makeCsr({ key: { privateKey, publicKey: createPublicKey(privateKey) }, subject: 'CN=encrypted' }),
      ),
    );
    const { subjectKeyIdentifier } = await recordOf(test, known);
    const answer = await est.post(
      'serverkeygen',
      makeCsr({
        subject: 'CN=encrypted',
        attributes: [[asymmetricDecryptKeyIdentifier, octetString(subjectKeyIdentifier)]],
      }),
    );
    const { keyType, key, certificate } = partsOf(answer);
    expect(keyType).toBe('application/pkcs7-mime; smime-type=server-generated-key');
    const point = pointOf(certificate);
    expect(key.includes(point)).toBe(false);
    openssl.write('device.pem', Buffer.from(known.toString()));
    openssl.write('key.der', key);
    expect(
      openssl
        .run(
          'cms',
          '-decrypt',
          '-inform',
          'DER',
          '-in',
          'key.der',
          '-recip',
          'device.pem',
          '-inkey',
          'device.key',
          '-binary',
        )
        .includes(point),
    ).toBe(true);
  });

  it('encrypts the key with the key-wrap key that DecryptKeyIdentifier names', async () => {
    const answer = await est.post(
      'serverkeygen',
      makeCsr({ subject: 'CN=wrapped', attributes: [[decryptKeyIdentifier, octetString(Buffer.from('wrap-1'))]] }),
    );
    const { key, certificate } = partsOf(answer);
    openssl.write('key.der', key);
    const opened = openssl.run(
      'cms',
      '-decrypt',
      '-inform',
      'DER',
      '-in',
      'key.der',
      '-secretkey',
      keyWrapKey,
      '-secretkeyid',
      Buffer.from('wrap-1').toString('hex'),
      '-binary',
    );
    expect(key.includes(pointOf(certificate))).toBe(false);
    expect(opened.includes(pointOf(certificate))).toBe(true);
  });

  it.each([
    ['DecryptKeyIdentifier', decryptKeyIdentifier],
    ['AsymmetricDecryptKeyIdentifier', asymmetricDecryptKeyIdentifier],
  ])('refuses an unknown %s, and makes no key', async (name, type) => {
    const before = await countRecords(test);
    const answer = await est.post(
      'serverkeygen',
      makeCsr({ subject: 'CN=unknown', attributes: [[type, octetString(Buffer.from('nobody'))]] }),
    );
    await expectRefused(test, answer, { status: 400, code: 'malformed-request', says: name });
    expect(await countRecords(test)).toEqual(before);
  });

  it('is refused where the policy has no keys made by the gateway', async () => {
    const other = createEstClient(test, { label: 'devices-only', passcode: fleetPasscode });
    await expectRefused(test, await other.post('serverkeygen', makeCsr()), {
      status: 403,
      code: 'forbidden',
      says: 'keys made by the gateway',
    });
    other.close();
  });

  it('keeps no private key in the database', async () => {
    const { key } = partsOf(await est.post('serverkeygen', makeCsr({ subject: 'CN=secret' })));
    const { d = '' } = privateKeyOf(key).export({ format: 'jwk' });
    const secret = Buffer.from(d, 'base64url');
    for (const name of await readdir(test.directory, { recursive: true, withFileTypes: true })) {
      if (!name.isFile()) continue;
      const content = await readFile(`${name.parentPath}/${name.name}`);
      expect([
        name.name,
        content.includes(secret) ||
          content.includes(secret.toString('base64')) ||
          content.includes(secret.toString('hex')),
      ]).toEqual([name.name, false]);
    }
  });
});

describe('EST /fullcmc (RFC 7030 4.3, RFC 5272)', () => {
  const idCmcTransactionId = '1.3.6.1.5.5.7.7.5';

  async function prepare(subject: string): Promise<string> {
    openssl.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'signer.key');
    const privateKey = createPrivateKey(Buffer.from(openssl.read('signer.key')));
    const issued = certificateOf(
      await est.post('simpleenroll', makeCsr({ key: { privateKey, publicKey: createPublicKey(privateKey) }, subject })),
    );
    openssl.write('signer.pem', Buffer.from(issued.toString()));
    return 'signer';
  }

  function verify(answer: Answer): string {
    expect(answer.headers['content-type']).toBe('application/pkcs7-mime; smime-type=CMC-response');
    const root = test.gateway.core.authority.chain('devices-1').at(-1);
    openssl.write('root.pem', Buffer.from(toPem('CERTIFICATE', root ?? new Uint8Array())));
    openssl.write('response.der', Buffer.from(answer.text, 'base64'));
    openssl.run(
      'cms',
      '-verify',
      '-inform',
      'DER',
      '-in',
      'response.der',
      '-binary',
      '-CAfile',
      'root.pem',
      '-purpose',
      'any',
      '-out',
      'content.der',
    );
    return openssl.run('asn1parse', '-inform', 'DER', '-in', 'content.der').toString();
  }

  it('takes a message signed with a certificate issued here, and answers success with the certificate, signed', async () => {
    const signer = await prepare('CN=cmc');
    openssl.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'next.key');
    const csr = createCsr(openssl, 'next', '-subj', '/CN=cmc');
    const before = await countRecords(test);
    const anonymous = createEstClient(test, { label: 'fleet' });
    const answer = await anonymous.post(
      'fullcmc',
      signRequest(
        openssl,
        signer,
        pkiData([control(1, idCmcTransactionId, smallInteger(300))], [taggedRequest(7, csr)]),
      ),
    );
    anonymous.close();
    expect(answer.status).toBe(200);
    expect(verify(answer)).toMatch(/INTEGER\s+:012C/);
    expect((await countRecords(test)).certificates).toBe(before.certificates + 1);
    expect(await eventOf(test, answer)).toMatchObject({ action: 'certificate.issued', device: 'cmc' });
  });

  it('answers a refusal with a Full PKI Response under its HTTP status', async () => {
    const signer = await prepare('CN=cmc2');
    openssl.run('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', 'next.key');
    const csr = createCsr(openssl, 'next', '-subj', '/C=DE/CN=cmc2');
    const answer = await est.post('fullcmc', signRequest(openssl, signer, pkiData([], [taggedRequest(7, csr)])));
    expect(answer.status).toBe(400);
    expect(verify(answer)).toContain('countryName');
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'rejected-name' });
  });

  it('refuses a message that nobody known here has signed with 403', async () => {
    openssl.run(
      'req',
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-keyout',
      'stranger.key',
      '-out',
      'stranger.pem',
      '-subj',
      '/CN=stranger',
    );
    const csr = createCsr(openssl, 'stranger', '-subj', '/CN=stranger');
    const anonymous = createEstClient(test, { label: 'fleet' });
    const answer = await anonymous.post(
      'fullcmc',
      signRequest(
        openssl,
        'stranger',
        pkiData([control(1, idCmcTransactionId, smallInteger(1))], [taggedRequest(7, csr)]),
      ),
    );
    anonymous.close();
    expect(answer.status).toBe(403);
    expect(await eventOf(test, answer)).toMatchObject({ action: 'request.refused', code: 'untrusted-signer' });
  });
});

describe('EST /cacerts while CAs roll over (RFC 7030 4.1.3)', () => {
  const caOf = (id: string) => {
    const found = test.gateway.core.authority.generation(id);
    if (found === undefined) throw new Error(`no generation ${id}`);
    return Buffer.from(found.certificate.der);
  };
  const read = async () => certificatesOf(await est.get('cacerts')).map(({ raw }) => raw);
  const isSelfSigned = (der: Uint8Array) => {
    const certificate = new X509Certificate(der);
    return certificate.verify(certificate.publicKey);
  };
  /** Whether one verifies who trusts these alone, and has the others to build chains with. */
  const verifies = (certificate: Uint8Array, trusted: Uint8Array, others: readonly Uint8Array[]) =>
    opensslAccepts([trusted, ...others.filter((other) => !isSelfSigned(other)), certificate], ['-x509_strict']);

  /** By who takes all for a file of trusted certificates, as many do with curl. */
  function expectVerified(certificate: Uint8Array, trusted: readonly Uint8Array[]): void {
    openssl.write('trusted.pem', Buffer.from(trusted.map((der) => toPem('CERTIFICATE', der)).join('')));
    openssl.write('certificate.pem', Buffer.from(toPem('CERTIFICATE', certificate)));
    const said = openssl.run('verify', '-no-CApath', '-no-CAstore', '-CAfile', 'trusted.pem', 'certificate.pem');
    expect(said.toString()).toBe('certificate.pem: OK\n');
  }

  /** By the self-signed ones among them: libest refuses them all where one does not. */
  async function expectAllVerify(): Promise<void> {
    const all = await read();
    const roots = all.filter(isSelfSigned);
    for (const each of all) {
      expect(roots.some((root) => root.equals(each) || verifies(each, root, all))).toBe(true);
    }
  }

  const stage = (ca: string) => stageNext(ca, testActor, test.gateway.core);
  const activate = (ca: string) => activateNext({ ca, actor: testActor }, test.gateway.core);

  const enroll = async (name: string) =>
    certificateOf(await est.post('simpleenroll', makeCsr({ key: newKey(), subject: `O=Plant,CN=${name}` })));

  async function download(path: string): Promise<Buffer> {
    const answer = await fetch(`http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}${path}`);
    expect(answer.status).toBe(200);
    const overTls = await est.send(path);
    const body = Buffer.from(await answer.arrayBuffer());
    expect(overTls.body.equals(body)).toBe(true);
    return body;
  }

  let before: readonly Buffer[];

  it('is the chain alone as long as nothing is staged', async () => {
    before = await read();
    expect(before).toEqual([caOf('devices-1'), caOf('root-1')]);
  });

  it('begins with the same, then has what leads to the staged root and back', async () => {
    await stage('root');
    const [issuing, old, oldWithNew = '', newWithOld = '', ...others] = await read();
    expect([issuing, old]).toEqual(before);
    expect(others).toEqual([]);
    const [present, staged] = [new X509Certificate(caOf('root-1')), new X509Certificate(caOf('root-2'))];
    const [forth, back] = [new X509Certificate(newWithOld), new X509Certificate(oldWithNew)];
    expect(forth.publicKey.equals(staged.publicKey) && forth.verify(present.publicKey)).toBe(true);
    expect(back.publicKey.equals(present.publicKey) && back.verify(staged.publicKey)).toBe(true);
    // RFC 9810 4.4.1
    expect([forth.validFrom, forth.validTo]).toEqual([staged.validFrom, present.validTo]);
    expect([back.validFrom, back.validTo]).toEqual([present.validFrom, present.validTo]);
    await expectAllVerify();
  });

  it('lets who trusts the next root already verify what is issued under the present one', async () => {
    const all = await read();
    expect(verifies(caOf('devices-1'), caOf('root-2'), all)).toBe(true);
    const certificate = await enroll('staged 1');
    expect(verifies(certificate.raw, caOf('root-1'), all)).toBe(true);
    expect(verifies(certificate.raw, caOf('root-2'), all)).toBe(true);
    expectVerified(certificate.raw, all);
  });

  it('changes neither SCEP GetCACert nor what is downloaded as in use', async () => {
    const answer = await fetch(
      `http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}/scep/fleet?operation=GetCACert`,
    );
    const scep = decodeCertsOnly(new Uint8Array(await answer.arrayBuffer())).map((der) => Buffer.from(der));
    expect(scep.slice(1)).toEqual(before);
    for (const path of ['/trust/root.pem', '/trust/devices.pem', '/trust.pem']) {
      expect(fromPem((await download(path)).toString())).toEqual([Uint8Array.from(caOf('root-1'))]);
    }
    expect((await download('/trust')).toString()).toContain('root-2: announced, not in use yet');
  });

  it('has the root of what is issued, also when the next one is active already', async () => {
    await activate('root');
    const all = await read();
    expect(all.slice(0, 2)).toEqual(before);
    expect(all.filter(isSelfSigned)).toEqual([caOf('root-1')]);
    expect(all).toHaveLength(4);
    expect(await download('/trust/root.der')).toEqual(caOf('root-2'));
    expect(await download('/trust/devices.der')).toEqual(caOf('root-1'));
    const bundle = decodeCertsOnly(await download('/trust/devices.p7b')).map((der) => Buffer.from(der));
    expect(bundle).toEqual([caOf('root-1'), caOf('root-2'), ...all.slice(2).toReversed()]);
  });

  it('lets a client of before verify, over the links, what the new root’s CA issues', async () => {
    await stage('devices');
    expect(await read()).toContainEqual(caOf('devices-2'));
    await expectAllVerify();
    await activate('devices');
    const certificate = await enroll('new 1');
    const all = await read();
    expect(certificate.verify(new X509Certificate(caOf('devices-2')).publicKey)).toBe(true);
    const [, trusted = Buffer.of()] = before;
    expect(verifies(certificate.raw, trusted, [])).toBe(false);
    expect(verifies(certificate.raw, trusted, all)).toBe(true);
    expectVerified(certificate.raw, all);
    expectVerified(caOf('devices-1'), all);
    expect(verifies(certificate.raw, caOf('root-2'), all)).toBe(true);
  });

  it('has the earlier root and issuer then, as long as they are valid', async () => {
    const all = await read();
    expect(all.slice(0, 4)).toEqual(['devices-2', 'root-2', 'root-1', 'devices-1'].map(caOf));
    expect(all).toHaveLength(6);
    await expectAllVerify();
  });

  it('is reached over TLS by a client of before', async () => {
    // Else it keeps its certificate of the CA's earlier generation for a minute.
    est.close();
    test = await test.restart();
    est = createEstClient(test, { label: 'fleet', passcode: fleetPasscode });
    const [, trusted = Buffer.of()] = before;
    const { publicName, deviceTlsPort } = test.settings;
    const server = { host: 'localhost', servername: publicName, port: deviceTlsPort };
    const issuer = await new Promise<Buffer>((resolve, reject) => {
      const socket = connect({ ...server, ca: toPem('CERTIFICATE', trusted) }, () => {
        resolve(socket.getPeerCertificate(true).issuerCertificate.raw);
        socket.end();
      });
      socket.on('error', reject);
    });
    expect(issuer).toEqual(caOf('devices-2'));
  });

  it('leads over several roll-overs', async () => {
    await stage('root');
    expect((await read()).filter(isSelfSigned)).toEqual(['root-2', 'root-1'].map(caOf));
    await expectAllVerify();
    await activate('root');
    await stage('devices');
    await activate('devices');
    const certificate = await enroll('newest 1');
    const all = await read();
    for (const id of ['root-1', 'root-2', 'root-3']) expect(verifies(certificate.raw, caOf(id), all)).toBe(true);
    expect(verifies(caOf('devices-2'), caOf('root-3'), all)).toBe(true);
    await expectAllVerify();
  });
});

/** The public point, which stands in an EC private key, too. */
function pointOf({ publicKey }: X509Certificate): Buffer {
  const { x = '', y = '' } = publicKey.export({ format: 'jwk' });
  return Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')]);
}
