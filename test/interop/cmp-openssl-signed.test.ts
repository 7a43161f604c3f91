import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { revokeCertificate } from '../../src/enrollment/revoke.js';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { operator } from '../support/operator.js';
import { recordOf } from '../support/records.js';
import {
  cmp,
  enroll,
  messagesIn,
  policyUrl,
  readCertificate,
  refusal,
  runRefused,
  signedBy,
  vendor,
} from './cmp-client.js';
import { makeKey, rsaKey } from './curl-client.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
});
afterAll(() => shell.close());

const certificate = (name: string) => readCertificate(name, shell);
const refused = (...lines: string[]) => runRefused(shell, ...lines);

/** Enrolls `<name>` and makes a key for what comes after it. */
async function enrolled(name: string, key?: string): Promise<X509Certificate> {
  await shell.succeed(makeKey(name, key), enroll(name), makeKey(`${name}-next`, key));
  return await certificate(name);
}

const update = (name: string, options = '') =>
  enroll(`${name}-next`, { command: 'kur', protection: signedBy(name), options });
const revoke = (name: string, reason: number) =>
  cmp({ command: 'rr', protection: signedBy(name), options: `-oldcert ${name}.pem -revreason ${reason}` });

describeWith(['openssl'], 'openssl cmp with the certificate concerned', () => {
  it.each([
    ['ec', 'explicitly', undefined, ''],
    ['rsa', 'explicitly', rsaKey, ''],
    ['ec', 'implicitly', undefined, '-implicit_confirm'],
  ])('updates the certificate of an %s key, confirmed %s; the old one is retired', async (kind, how, key, options) => {
    const name = `updated-${kind}-${how}`;
    const old = await enrolled(name, key);
    const output = await shell.succeed(update(name, options));
    expect(messagesIn(output)).toBe(options === '' ? 'KUR KUP CERTCONF PKICONF' : 'KUR KUP');
    const next = await recordOf(shell.test, await certificate(`${name}-next`));
    const { id, supplantedBy } = await recordOf(shell.test, old);
    expect(next).toMatchObject({ replaces: id, subject: `CN=${name}`, status: 'valid', confirmBy: null });
    expect(supplantedBy).toBe(next.id);
  });

  it.each([
    ['ec', undefined, 'sha384'],
    ['rsa', rsaKey, 'sha512'],
  ])('signs with an %s key and another digest', async (kind, key, digest) => {
    const name = `${digest}-${kind}`;
    await enrolled(name, key);
    await shell.succeed(update(name, `-digest ${digest}`));
    expect((await certificate(`${name}-next`)).subject).toBe(`CN=${name}`);
  });

  it('signs with an RSA key and SHA-3, where the key of the answers is RSA as well', async () => {
    // openssl 3.0 does not know ECDSA with SHA-3, neither as a signature of messages nor as that of answers.
    const [name, url] = ['sha3-rsa', policyUrl('quickstart-rsa')];
    await shell.succeed(makeKey(name, rsaKey), enroll(name, { url }), makeKey(`${name}-next`, rsaKey));
    const request = { command: 'kur', url, protection: signedBy(name), options: '-digest sha3-256' } as const;
    await shell.succeed(enroll(`${name}-next`, request));
    expect((await certificate(`${name}-next`)).subject).toBe(`CN=${name}`);
  });

  it('is refused without the chain of its certificate', async () => {
    await enrolled('bare');
    const protection = '-cert bare.pem -key bare.key -trusted "$GATEHOUSE_CA_FILE"';
    const output = await refused(enroll('bare-next', { command: 'kur', protection }));
    expect(output).toMatch(refusal('\\w+', "certificates from its signer up to the root's subordinate"));
  });

  it('is refused once its certificate is updated (certRevoked), whatever it asks for', async () => {
    await enrolled('superseded');
    await shell.succeed(update('superseded'), makeKey('superseded-next'));
    const updated = refusal('certRevoked', 'the certificate was updated');
    expect(await refused(update('superseded'))).toMatch(updated);
    expect(await refused(revoke('superseded', 1))).toMatch(updated);
    const again = { protection: signedBy('superseded'), subject: '/CN=superseded' };
    expect(await refused(enroll('superseded-next', again))).toMatch(updated);
  });

  it('is refused while its certificate is unconfirmed, and while an update of it is (badRequest)', async () => {
    await shell.succeed(makeKey('open'), enroll('open', { options: '-disable_confirm' }), makeKey('open-next'));
    expect(await refused(update('open'))).toMatch(refusal('badRequest', 'not confirmed'));
    await enrolled('halfway');
    await shell.succeed(update('halfway', '-disable_confirm'), makeKey('halfway-next'));
    expect(await refused(update('halfway'))).toMatch(refusal('badRequest', 'update .* is under way'));
  });

  it.each([
    ['unspecified', 0],
    ['keyCompromise', 1],
    ['superseded', 4],
  ])('revokes its certificate (%s), and is refused from then on (certRevoked)', async (reason, code) => {
    const name = `revoked-${reason}`;
    const own = await enrolled(name);
    expect(messagesIn(await shell.succeed(revoke(name, code)))).toBe('RR RP');
    expect(await recordOf(shell.test, own)).toMatchObject({ status: 'revoked', revocationReason: code });
    expect(await refused(update(name))).toMatch(refusal('certRevoked', 'revoked'));
    expect(await refused(revoke(name, code))).toMatch(refusal('certRevoked', 'revoked'));
  });

  it('puts its certificate on hold and revives it', async () => {
    const own = await enrolled('held');
    await shell.succeed(revoke('held', 6));
    expect(await recordOf(shell.test, own)).toMatchObject({ status: 'held', revocationReason: 6 });
    expect(await refused(update('held'))).toMatch(refusal('certRevoked', 'on hold'));
    await shell.succeed(revoke('held', 8));
    expect(await recordOf(shell.test, own)).toMatchObject({ status: 'valid' });
  });

  it('is refused with a certificate that the operator has revoked (certRevoked)', async () => {
    const { issuerId, serialNumber } = await recordOf(shell.test, await enrolled('stolen'));
    const { core } = shell.test.gateway;
    await revokeCertificate({ issuerId, serialNumber, reason: 'keyCompromise', actor: operator('test') }, core);
    expect(await refused(update('stolen'))).toMatch(refusal('certRevoked', 'revoked'));
  });
});

describeWith(['openssl'], 'A base station with the certificate of its vendor (3GPP TS 33.310 9)', () => {
  const firstRoot = 'openssl x509 -in "$GATEHOUSE_CA_FILE"';

  it('enrolls for an operator certificate, and gets the root of the operator with it', async () => {
    const options = '-cacertsout operator.pem -extracertsout answer.pem';
    const output = await shell.succeed(
      makeKey('station'),
      enroll('station', { protection: vendor, options }),
      `${firstRoot} | cmp - operator.pem`,
      // Both sides of the signature: the gateway's own certificate is under the same root.
      'openssl verify -CAfile operator.pem -untrusted answer.pem answer.pem station.pem',
    );
    expect(messagesIn(output)).toBe('IR IP CERTCONF PKICONF');
    const issued = await certificate('station');
    expect(issued.subject).toBe('CN=station');
    expect(await recordOf(shell.test, issued)).toMatchObject({ protocol: 'cmp', status: 'valid', confirmBy: null });
  });

  it('updates the operator certificate, and not the one of the vendor (which has not been issued here)', async () => {
    const next = { protection: signedBy('station'), command: 'kur' } as const;
    await shell.succeed(makeKey('station-next'), enroll('station-next', next));
    const issued = await recordOf(shell.test, await certificate('station-next'));
    expect(issued.replaces).toBe((await recordOf(shell.test, await certificate('station'))).id);
    const options = '-oldcert "$GATEHOUSE_FACTORY_CERT"';
    const request = enroll('vendor', { command: 'kur', protection: vendor, options });
    expect(await refused(makeKey('vendor'), request)).toMatch(/PKIStatus: rejection/);
  });

  it('is refused with the certificate of another vendor (signerNotTrusted)', async () => {
    const make =
      'openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=foreign -keyout foreign.key -out foreign.pem 2> /dev/null';
    const protection = '-cert foreign.pem -key foreign.key -trusted "$GATEHOUSE_CA_FILE"';
    expect(await refused(make, makeKey('unknown'), enroll('unknown', { protection }))).toMatch(
      /PKIFailureInfo: (signerNotTrusted|badMessageCheck)/,
    );
  });
});
