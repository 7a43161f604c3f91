/** What strangers, and devices against others, try with messages that they have made, changed or captured. */
import { type KeyObject, randomBytes, X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { singleValue } from '../../../src/cms/attributes.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { revokeCertificate } from '../../../src/enrollment/revoke.js';
import { decodeCertificate } from '../../../src/x509/certificate.js';
import { readString } from '../../../src/x509/character-strings.js';
import { DerReader, Tag } from '../../../src/x509/der.js';
import { oid, sequence, setOf, smallInteger, tlv, unsignedInteger } from '../../../src/x509/der-writer.js';
import { idAtCommonName } from '../../../src/x509/oids.js';
import { signatureAlgorithmFor } from '../../../src/x509/signature-algorithms.js';
import { encodeCertificate, encodeTbsCertificate } from '../../../src/x509/tbs-certificate.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import type { Answer } from '../../support/est-client.js';
import { applyYaml, fleet, fleetPasscode, policyLike, yamlPem } from '../../support/fleet.js';
import { type KeyPair, makeCsr, newKey, spkiOf } from '../../support/make-csr.js';
import { operator } from '../../support/operator.js';
import { eventOf, recordOf } from '../../support/records.js';
import { createScepClient, issuedBy, type ScepClient, type ScepOutcome } from '../../support/scep-client.js';
import { scepAttributes } from '../../support/scep-identifiers.js';
import { type MessageSigner, makePkiMessage, selfSigned } from '../../support/scep-message.js';
import { startTestGateway, type TestGateway } from '../../support/test-gateway.js';

let test: TestGateway;
let client: ScepClient;

beforeAll(async () => {
  test = await startTestGateway({ configuration: fleet });
  client = createScepClient(test, { label: 'fleet' });
});
afterAll(async () => {
  client.close();
  await test.close();
});

interface Device {
  readonly key: KeyPair;
  readonly subject: string;
  readonly certificate: X509Certificate;
}

async function enrolled(subject: string): Promise<Device> {
  const key = newKey();
  return { key, subject, certificate: issuedBy(await client.enroll({ key, subject, challenge: fleetPasscode })) };
}

describe('A changed copy of a captured envelope (RFC 8894 3.3.4, decision 0016)', () => {
  const stranger = selfSigned(newKey(), 'CN=stranger', new Date());
  let device: MessageSigner;

  beforeAll(async () => {
    const { key, certificate } = await enrolled('CN=neighbour');
    device = { certificate: certificate.raw, privateKey: key.privateKey };
  });

  // What comes out of one by its padding's being right or wrong: nothing signs this content.
  const contents = [
    randomBytes(40),
    sequence(sequence(), tlv(Tag.integer, Uint8Array.of(1), randomBytes(30))),
    sequence(sequence(smallInteger(1)), smallInteger(1)),
  ];

  it.each([
    ['GetCert', 21, 'a stranger', () => stranger, 'untrusted-signer'],
    ['GetCRL', 22, 'a stranger', () => stranger, 'untrusted-signer'],
    ['GetCert', 21, 'another device', () => device, 'unknown-certificate'],
    ['GetCRL', 22, 'another device', () => device, 'unknown-certificate'],
  ])('in a %s (%d) does not tell %s whether it could be read', async (_, type, __, signer, code) => {
    const recipient = (await client.getCaCert()).ra.raw;
    const refusals: unknown[] = [];
    for (const content of contents) {
      const message = makePkiMessage({ type, content, recipient, signer: signer(), transactionId: 'attack' });
      refusals.push(await refusalOf(await client.pkiOperation(message)));
    }
    expect(refusals[0]).toMatchObject({ status: 200, code });
    expect(refusals).toEqual(refusals.map(() => refusals[0]));
  });
});

/** All that a client sees of a refusal, and its audit event. */
async function refusalOf(answer: Answer) {
  const [signer] = decodeSignedData(answer.body).signers;
  const text = (type: string) => {
    const value = signer && singleValue(signer.signedAttributes, type);
    return value && DerReader.decode(value, readString).value;
  };
  const { code, reason } = (await eventOf(test, answer)) ?? {};
  const [failInfo, failInfoText] = [text(scepAttributes.failInfo), text(scepAttributes.failInfoText)];
  return { status: answer.status, length: answer.body.length > 0, failInfo, failInfoText, code, reason };
}

describe('A message with names as long as it may be', () => {
  it('is refused without comparing them more than once', async () => {
    const folded = 'a'.padEnd(512, '\u0345\u0301\u0323\u05b0\u0334');
    const long = nameOf(...Array.from({ length: 50 }, () => folded));
    const { key } = await enrolled('CN=long-names');
    const others = Array.from({ length: 31 }, () => certificateOf(key, nameOf('short')));
    const signer = { certificate: certificateOf(key, long), privateKey: key.privateKey };
    const message = makePkiMessage({
      type: 'PKCSReq',
      content: makeCsr({ key }),
      recipient: (await client.getCaCert()).ra.raw,
      signer,
      transactionId: 'long',
      furtherCertificates: others,
      omit: ['signerCertificate'],
    });
    const cost = await cpuTimeOf(async () => {
      const answer = await client.pkiOperation(message);
      expect(await refusalOf(answer)).toMatchObject({ failInfo: '2', code: 'malformed-request' });
    });
    // Comparing it with each certificate took 250 ms.
    expect(cost).toBeLessThan(150);
  });
});

function nameOf(...commonNames: readonly string[]): Uint8Array {
  return sequence(...commonNames.map((text) => setOf(sequence(oid(idAtCommonName), bmpString(text)))));
}

function bmpString(text: string): Uint8Array {
  return tlv(Tag.bmpString, Buffer.from(text, 'utf16le').swap16());
}

/** With a serial number that all of them have. */
function certificateOf(key: KeyPair, issuer: Uint8Array): Uint8Array {
  const { identifier } = signatureAlgorithmFor('ec', 'sha256');
  const tbs = encodeTbsCertificate({
    serialNumber: Uint8Array.of(5),
    signatureAlgorithm: identifier,
    issuer,
    notBefore: new Date(Date.now() - 3_600_000),
    notAfter: new Date(Date.now() + 3_600_000),
    subject: nameOf('x'),
    subjectPublicKeyInfo: spkiOf(key),
    extensions: [],
  });
  return encodeCertificate(tbs, identifier, new Uint8Array(70));
}

describe('A copy of a certificate that was issued here, with another signature that is valid too', () => {
  beforeAll(async () => {
    const { authority } = test.gateway.core;
    const root = authority.chain(authority.issuer('devices').id).at(-1) ?? new Uint8Array();
    await applyYaml(
      test,
      `authenticationPolicies:
  - name: own
    division: plant
    require: certificate
    credentials: [{ kind: authentication-ca, name: root, certificate: ${yamlPem(root)} }]
${policyLike('own', 'authenticationPolicy: own')}`,
    );
  });

  /** By the holder of the certificate or of its copy, for a name of its own or of another. */
  async function ask(
    device: Device,
    certificate: Uint8Array,
    label: string,
    subject = device.subject,
  ): Promise<ScepOutcome> {
    const scep = createScepClient(test, { label });
    const { authority } = test.gateway.core;
    const chain = [certificate, ...authority.chain(authority.issuer('devices').id).slice(0, 1)];
    try {
      const identity = { chain, privateKey: device.key.privateKey };
      return await scep.renew({ key: newKey(), subject, identity, transactionId: randomBytes(8).toString('hex') });
    } finally {
      scep.close();
    }
  }

  it('is the same certificate: it opens no policy that the certificate does not open', async () => {
    const device = await enrolled('CN=malleable-1');
    const copy = withOtherSignature(device.certificate);
    expect(copy.verify(issuingKey())).toBe(true);
    expect(copy.fingerprint256).not.toBe(device.certificate.fingerprint256);
    for (const certificate of [device.certificate.raw, copy.raw]) {
      const { reply, answer } = await ask(device, certificate, 'own', 'CN=somebody-else');
      expect(reply).toMatchObject({ pkiStatus: 'FAILURE', failInfo: 'badMessageCheck' });
      expect(await eventOf(test, answer)).toMatchObject({ code: 'untrusted-signer' });
    }
    expect(issuedBy(await ask(device, copy.raw, 'fleet')).subject).toBe('CN=malleable-1');
  });

  it('is revoked with it', async () => {
    const device = await enrolled('CN=malleable-2');
    const { issuerId, serialNumber } = await recordOf(test, device.certificate);
    await revokeCertificate(
      { issuerId, serialNumber, reason: 'superseded', actor: operator('test') },
      test.gateway.core,
    );
    for (const label of ['fleet', 'own']) {
      const { reply } = await ask(device, withOtherSignature(device.certificate).raw, label);
      expect(reply?.pkiStatus).toBe('FAILURE');
    }
  });
});

function issuingKey(): KeyObject {
  const { authority } = test.gateway.core;
  return new X509Certificate(authority.chain(authority.issuer('devices').id)[0] ?? '').publicKey;
}

/** ECDSA (r, s) is as good as (r, n - s): FIPS 186-5 6.4.2. */
function withOtherSignature({ raw }: X509Certificate): X509Certificate {
  const { tbs, signatureAlgorithm, signature } = decodeCertificate(raw);
  const [r, s] = DerReader.decode(signature, (reader) =>
    reader.sequence((values) => [values.unsignedInteger(), values.unsignedInteger()] as const),
  );
  const other = (p256Order - BigInt(`0x${Buffer.from(s).toString('hex')}`)).toString(16).padStart(64, '0');
  const copy = sequence(unsignedInteger(r), unsignedInteger(Buffer.from(other, 'hex')));
  return new X509Certificate(encodeCertificate(tbs, signatureAlgorithm, copy));
}

const p256Order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
