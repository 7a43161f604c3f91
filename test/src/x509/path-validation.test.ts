import { describe, expect, it } from '@jest/globals';
import { decodeCertificate, fingerprint } from '../../../src/x509/certificate.js';
import type { KnownSignatures } from '../../../src/x509/path-building.js';
import type { PathFailureCode } from '../../../src/x509/path-failure.js';
import type { PathRequest } from '../../../src/x509/path-validation.js';
import { validatePath } from '../../../src/x509/path-validation.js';
import { createTrustAnchors } from '../../../src/x509/trust-anchors.js';
import {
  authorityKeyId,
  basicConstraints,
  ca,
  extendedKeyUsage,
  keyUsage,
  leaf,
  makeCertificate,
  makeChain,
  nameConstraints,
  policies,
  policyConstraints,
  subjectAltName,
  subjectKeyId,
  type TestCertificate,
  unknownExtension,
} from '../../support/make-chain.js';
import { hasOpenssl, opensslAccepts } from '../../support/openssl-verify.js';

const at = new Date('2026-06-01T00:00:00Z');
const clientAuth = '1.3.6.1.5.5.7.3.2';
const serverAuth = '1.3.6.1.5.5.7.3.1';
const anyPurpose = '2.5.29.37.0';

type Options = Omit<Partial<PathRequest>, 'certificate' | 'intermediates' | 'trustAnchors'>;

async function validateChain(chain: readonly Uint8Array[], options: Options = {}) {
  const [root = new Uint8Array(), ...rest] = chain;
  return validatePath({
    certificate: rest.at(-1) ?? root,
    intermediates: rest.slice(0, -1),
    trustAnchors: createTrustAnchors([root]),
    at,
    ...options,
  });
}

interface Rule {
  readonly name: string;
  readonly chain: readonly TestCertificate[];
  readonly expected: 'ok' | PathFailureCode;
  readonly options?: Options;
  /** Why OpenSSL is not asked, or judges differently. */
  readonly unlikeOpenssl?: string;
}

const root = ca('O=Acme,CN=Root');
const sub = ca('O=Acme,CN=Sub');
const device = leaf('O=Acme,CN=device');
// OpenSSL tells two CAs of one name by their key identifiers only.
const limited = ca('O=Acme,CN=Sub', basicConstraints(true, 0), subjectKeyId('01'));
const rollover = { ...ca('O=Acme,CN=Sub', subjectKeyId('02'), authorityKeyId('01')), key: 'rolled over' };

const rules: readonly Rule[] = [
  { name: 'accepts a leaf issued by the anchor', chain: [root, device], expected: 'ok' },
  { name: 'accepts a path with an intermediate', chain: [root, sub, device], expected: 'ok' },
  {
    name: 'accepts RSA keys',
    chain: [{ ...root, key: 'rsa root' }, { ...sub, key: 'rsa sub' }, device],
    expected: 'ok',
  },
  {
    name: 'accepts CA and leaf with different kinds of keys',
    chain: [root, { ...sub, key: 'rsa sub' }, device],
    expected: 'ok',
  },

  // 6.1.3 (a)(1)
  {
    name: 'refuses a leaf with a broken signature',
    chain: [root, { ...device, isTampered: true }],
    expected: 'bad-signature',
  },
  {
    name: 'refuses an intermediate with a broken signature',
    chain: [root, { ...sub, isTampered: true }, device],
    expected: 'bad-signature',
  },
  {
    name: 'refuses a signature by another key',
    chain: [root, { ...device, signer: 'stranger' }],
    expected: 'bad-signature',
  },
  {
    name: 'refuses a signature of another kind than the key',
    chain: [root, { ...device, signer: 'rsa stranger' }],
    expected: 'bad-signature',
  },
  {
    name: 'refuses SHA-1 signatures',
    chain: [root, { ...device, hash: 'sha1' }],
    expected: 'weak-algorithm',
    unlikeOpenssl: 'its default security level takes SHA-1',
  },
  {
    name: 'accepts SHA-1 signatures where weak algorithms are allowed',
    chain: [root, { ...device, hash: 'sha1' }],
    expected: 'ok',
    options: { allowWeakAlgorithms: true },
  },
  {
    name: 'refuses an RSA issuer of 1024 bits',
    chain: [{ ...root, key: 'rsa1024 root' }, device],
    expected: 'weak-algorithm',
    unlikeOpenssl: 'its default security level takes it',
  },
  {
    name: 'accepts an RSA issuer of 1024 bits where weak algorithms are allowed',
    chain: [{ ...root, key: 'rsa1024 root' }, device],
    expected: 'ok',
    options: { allowWeakAlgorithms: true },
  },

  // 6.1.3 (a)(2)
  {
    name: 'refuses an expired leaf',
    chain: [root, { ...device, notAfter: '2026-05-31T23:59:59Z' }],
    expected: 'expired',
  },
  {
    name: 'accepts the last second of validity',
    chain: [root, { ...device, notAfter: '2026-06-01T00:00:00Z' }],
    expected: 'ok',
    unlikeOpenssl: 'the last second is out for it',
  },
  {
    name: 'refuses a leaf that is not yet valid',
    chain: [root, { ...device, notBefore: '2026-06-01T00:00:01Z' }],
    expected: 'not-yet-valid',
  },
  {
    name: 'accepts the first second of validity',
    chain: [root, { ...device, notBefore: '2026-06-01T00:00:00Z' }],
    expected: 'ok',
  },
  {
    name: 'refuses an expired intermediate',
    chain: [root, { ...sub, notAfter: '2026-02-01T00:00:00Z' }, device],
    expected: 'expired',
  },
  {
    name: 'refuses an intermediate that is not yet valid',
    chain: [root, { ...sub, notBefore: '2027-02-01T00:00:00Z' }, device],
    expected: 'not-yet-valid',
  },
  {
    name: 'refuses an expired anchor',
    chain: [{ ...root, notAfter: '2026-02-01T00:00:00Z' }, device],
    expected: 'expired',
  },
  { name: 'reads a GeneralizedTime', chain: [root, { ...device, notAfter: '2051-01-01T00:00:00Z' }], expected: 'ok' },
  {
    name: 'reads a UTCTime of the last century',
    chain: [root, { ...device, notBefore: '1999-01-01T00:00:00Z' }],
    expected: 'ok',
  },

  // 6.1.3 (a)(4), 7.1
  {
    name: 'refuses a leaf of an unknown issuer',
    chain: [root, { ...device, issuer: 'CN=Somebody' }],
    expected: 'unknown-issuer',
  },
  {
    name: 'refuses a name in another order',
    chain: [root, { ...device, issuer: 'CN=Root,O=Acme' }],
    expected: 'unknown-issuer',
  },
  { name: 'chains names that differ in case', chain: [root, { ...device, issuer: 'O=ACME,CN=root' }], expected: 'ok' },
  {
    name: 'chains names that differ in white space',
    chain: [root, { ...device, issuer: 'O=Acme,CN= Root  ' }],
    expected: 'ok',
  },

  // 6.1.4 (k)
  {
    name: 'refuses an intermediate without basic constraints',
    chain: [root, leaf('CN=Sub'), device],
    expected: 'basic-constraints',
  },
  {
    name: 'refuses an intermediate that is no CA',
    chain: [root, leaf('CN=Sub', basicConstraints(false)), device],
    expected: 'basic-constraints',
  },
  {
    name: 'refuses an intermediate of version 1',
    chain: [root, { subject: 'CN=Sub', version: 1 }, device],
    expected: 'basic-constraints',
  },
  {
    name: 'accepts basic constraints that are not critical',
    chain: [root, ca('CN=Sub', { ...basicConstraints(true), critical: false }), device],
    expected: 'ok',
  },
  {
    name: 'refuses a non-CA anchor as an issuer',
    chain: [leaf('CN=Root', basicConstraints(false)), device],
    expected: 'basic-constraints',
  },
  {
    name: 'refuses an anchor of version 1 as an issuer',
    chain: [{ subject: 'CN=Root', version: 1 }, device],
    expected: 'basic-constraints',
    unlikeOpenssl: 'takes self-signed version 1 roots',
  },
  { name: 'accepts a leaf of version 1', chain: [root, { subject: 'CN=old', version: 1 }], expected: 'ok' },
  { name: 'accepts a CA as the leaf', chain: [root, sub], expected: 'ok' },

  // 6.1.4 (l), (m)
  {
    name: 'accepts a path at the limit of pathLenConstraint',
    chain: [root, ca('CN=Sub', basicConstraints(true, 0)), device],
    expected: 'ok',
  },
  {
    name: 'refuses a CA below pathLenConstraint 0',
    chain: [root, ca('CN=Sub', basicConstraints(true, 0)), ca('CN=Below'), device],
    expected: 'path-length',
  },
  {
    name: 'takes the lowest pathLenConstraint of the path',
    chain: [root, ca('CN=A', basicConstraints(true, 1)), ca('CN=B', basicConstraints(true, 5)), ca('CN=C'), device],
    expected: 'path-length',
  },
  {
    name: 'does not count the leaf, though it be a CA',
    chain: [root, ca('CN=Sub', basicConstraints(true, 0)), ca('CN=CA leaf')],
    expected: 'ok',
  },
  {
    name: 'honours the pathLenConstraint of the anchor',
    chain: [ca('CN=Root', basicConstraints(true, 0)), sub, device],
    expected: 'path-length',
  },
  {
    name: 'does not count self-issued CAs',
    chain: [root, limited, rollover, leaf('CN=x', authorityKeyId('02'))],
    expected: 'ok',
  },
  {
    name: 'counts a CA below a self-issued one',
    chain: [root, limited, rollover, ca('CN=Below', authorityKeyId('02')), device],
    expected: 'path-length',
  },

  // 6.1.4 (n)
  {
    name: 'refuses an intermediate that may not sign certificates',
    chain: [root, ca('CN=Sub', keyUsage('cRLSign')), device],
    expected: 'key-usage',
  },
  {
    name: 'refuses an anchor that may not sign certificates',
    chain: [ca('CN=Root', keyUsage('cRLSign')), device],
    expected: 'key-usage',
  },
  {
    name: 'accepts an intermediate without key usage',
    chain: [root, leaf('CN=Sub', basicConstraints(true)), device],
    expected: 'ok',
  },

  // 6.1.4 (o), 6.1.5 (f)
  {
    name: 'refuses an unknown critical extension of the leaf',
    chain: [root, leaf('CN=x', unknownExtension(true))],
    expected: 'critical-extension',
  },
  {
    name: 'refuses an unknown critical extension of an intermediate',
    chain: [root, ca('CN=Sub', unknownExtension(true)), device],
    expected: 'critical-extension',
  },
  {
    name: 'refuses an unknown critical extension of the anchor',
    chain: [ca('CN=Root', unknownExtension(true)), device],
    expected: 'critical-extension',
  },
  {
    name: 'accepts an unknown extension that is not critical',
    chain: [root, leaf('CN=x', unknownExtension(false))],
    expected: 'ok',
  },
  {
    name: 'refuses an extension that occurs twice',
    chain: [root, leaf('CN=x', unknownExtension(false), unknownExtension(false))],
    expected: 'malformed',
    unlikeOpenssl: 'takes it',
  },
  {
    name: 'refuses a malformed extension that is processed',
    chain: [root, ca('CN=Sub', { ...policies('1.2.3'), value: Uint8Array.of(0x30, 0x02, 0x05) }), device],
    expected: 'malformed',
    unlikeOpenssl: 'reads it only where policies are asked for',
  },
  {
    name: 'refuses a critical subjectAltName that cannot be read',
    chain: [root, leaf('CN=x', { ...subjectAltName('dns:x'), critical: true, value: Uint8Array.of(0x41) })],
    expected: 'malformed',
    unlikeOpenssl: 'reads it only where names are constrained',
  },
  {
    name: 'refuses empty policy constraints',
    chain: [root, ca('CN=Sub', policyConstraints({})), device],
    expected: 'malformed',
    unlikeOpenssl: 'reads them only where policies are asked for',
  },

  // 4.2.1.12
  {
    name: 'accepts the purpose that is asked for',
    chain: [root, leaf('CN=x', extendedKeyUsage(serverAuth, clientAuth))],
    expected: 'ok',
    options: { keyPurposes: [clientAuth] },
  },
  {
    name: 'refuses a leaf for another purpose',
    chain: [root, leaf('CN=x', extendedKeyUsage(serverAuth))],
    expected: 'key-purpose',
    options: { keyPurposes: [clientAuth] },
  },
  {
    name: 'accepts a leaf without extended key usage',
    chain: [root, device],
    expected: 'ok',
    options: { keyPurposes: [clientAuth] },
  },
  {
    name: 'takes anyExtendedKeyUsage for every purpose',
    chain: [root, leaf('CN=x', extendedKeyUsage(anyPurpose))],
    expected: 'ok',
    options: { keyPurposes: [clientAuth] },
    unlikeOpenssl: 'does not know anyExtendedKeyUsage',
  },
  {
    name: 'is constrained by the extended key usage of an intermediate',
    chain: [root, ca('CN=Sub', extendedKeyUsage(serverAuth)), device],
    expected: 'key-purpose',
    options: { keyPurposes: [clientAuth] },
  },
  {
    name: 'accepts one purpose of several all along the path',
    chain: [root, ca('CN=Sub', extendedKeyUsage(clientAuth, serverAuth)), leaf('CN=x', extendedKeyUsage(serverAuth))],
    expected: 'ok',
    options: { keyPurposes: [clientAuth, serverAuth] },
    unlikeOpenssl: 'is asked for one purpose',
  },
  {
    name: 'refuses a path each part of which is for another one',
    chain: [root, ca('CN=Sub', extendedKeyUsage(clientAuth)), leaf('CN=x', extendedKeyUsage(serverAuth))],
    expected: 'key-purpose',
    options: { keyPurposes: [clientAuth, serverAuth] },
    unlikeOpenssl: 'is asked for one purpose',
  },
  {
    name: 'ignores extended key usage where no purpose is asked for',
    chain: [root, ca('CN=Sub', extendedKeyUsage(serverAuth)), device],
    expected: 'ok',
  },
  {
    name: 'is constrained by the name constraints of the anchor',
    chain: [
      ca('CN=Root', nameConstraints({ permitted: ['dns:acme.example'] })),
      leaf('CN=x', subjectAltName('dns:other.example')),
    ],
    expected: 'name-constraints',
  },
];

function opensslArguments({ keyPurposes = [] }: Options): string[] {
  const purpose = keyPurposes.includes(clientAuth) ? ['-purpose', 'sslclient'] : [];
  return ['-attime', String(at.getTime() / 1000), ...purpose];
}

describe('validatePath: the rules of RFC 5280 6.1', () => {
  for (const { name, chain, expected, options, unlikeOpenssl } of rules) {
    it(name, async () => {
      const certificates = makeChain(chain);
      const result = await validateChain(certificates, options);
      expect(result.ok ? 'ok' : result.code).toBe(expected);
      if (hasOpenssl && unlikeOpenssl === undefined) {
        expect(opensslAccepts(certificates, opensslArguments(options ?? {}))).toBe(expected === 'ok');
      }
    });
  }
});

describe('validatePath: its result', () => {
  it('gives the path leaf first and anchor last', async () => {
    const chain = makeChain([root, sub, device]);
    const result = await validateChain(chain);
    expect(result.ok && result.path.map(({ der }) => fingerprint(der))).toEqual(chain.toReversed().map(fingerprint));
  });

  it('names the certificate at fault', async () => {
    const result = await validateChain(makeChain([root, { ...sub, notAfter: '2026-02-01T00:00:00Z' }, device]));
    expect(result).toEqual({
      ok: false,
      code: 'expired',
      message: 'CN=Sub,O=Acme was valid until 2026-02-01T00:00:00.000Z',
    });
  });

  it('says malformed of a certificate that cannot be read', async () => {
    const [rootDer = new Uint8Array()] = makeChain([root]);
    expect(await validateChain([rootDer, Uint8Array.of(0x30, 0x80)])).toMatchObject({ ok: false, code: 'malformed' });
    expect(await validateChain([rootDer, new Uint8Array()])).toMatchObject({ ok: false, code: 'malformed' });
  });

  it('refuses everything at an invalid time', async () => {
    const result = await validateChain(makeChain([root, device]), { at: new Date(Number.NaN) });
    expect(result).toMatchObject({ ok: false, code: 'expired' });
  });
});

describe('validatePath: what is left to the issuer', () => {
  it('accepts critical extensions of the leaf, and of no other', async () => {
    const strange = unknownExtension(true);
    const options = { allowUnknownLeafExtensions: true };
    expect(await validateChain(makeChain([root, sub, leaf('CN=x', strange)]), options)).toMatchObject({ ok: true });
    const above = await validateChain(makeChain([root, ca('O=Acme,CN=Sub', strange), device]), options);
    expect(above).toMatchObject({ code: 'critical-extension' });
  });

  it('verifies no signature that is known, and learns those that are good', async () => {
    const [anchor, middle, end] = makeChain([root, sub, { ...device, isTampered: true }]).map(decodeCertificate);
    if (anchor === undefined || middle === undefined || end === undefined) throw new Error('no chain');
    const knownSignatures: KnownSignatures = new WeakMap();
    const trustAnchors = createTrustAnchors([anchor]);
    const request = { certificate: end, intermediates: [middle], trustAnchors, at, knownSignatures };
    expect(await validatePath(request)).toMatchObject({ code: 'bad-signature' });
    expect(await validatePath({ ...request, leafIssuer: anchor })).toMatchObject({ code: 'bad-signature' });
    expect(await validatePath({ ...request, leafIssuer: middle })).toMatchObject({ ok: true });
    expect([knownSignatures.get(middle), knownSignatures.has(end)]).toEqual([anchor, false]);
    // Whoever looked at it again would find it wrong.
    middle.signature.fill(0);
    expect(await validatePath({ ...request, leafIssuer: middle })).toMatchObject({ ok: true });
  });
});

describe('validatePath: a leaf that is itself a trust anchor', () => {
  const alone = (spec: TestCertificate, options: Options = {}) => validateChain([makeCertificate(spec)], options);

  it('is accepted without being a CA', async () => {
    const result = await alone(device);
    expect(result.ok && result.path.length).toBe(1);
  });

  it('is held to its validity, purpose and critical extensions', async () => {
    expect(await alone({ ...device, notAfter: '2026-02-01T00:00:00Z' })).toMatchObject({ code: 'expired' });
    expect(await alone(leaf('CN=x', extendedKeyUsage(serverAuth)), { keyPurposes: [clientAuth] })).toMatchObject({
      code: 'key-purpose',
    });
    expect(await alone(leaf('CN=x', unknownExtension(true)))).toMatchObject({ code: 'critical-extension' });
  });

  it('is asked about for revocation', async () => {
    expect(await alone(device, { isRevoked: () => true })).toMatchObject({ code: 'revoked' });
  });

  it('does not make a self-signed certificate that is no anchor good', async () => {
    const [anchor = new Uint8Array()] = makeChain([root]);
    expect(await validateChain([anchor, makeCertificate(device)])).toMatchObject({ code: 'unknown-issuer' });
  });
});

describe('validatePath: revocation (RFC 5280 6.1.3 a 3)', () => {
  const chain = makeChain([root, sub, device]);

  it('asks for each certificate but the anchor, issuers first, with its issuer', async () => {
    const asked: string[][] = [];
    const isRevoked: PathRequest['isRevoked'] = (certificate, issuer) => {
      asked.push([fingerprint(certificate.der), fingerprint(issuer.der)]);
      return false;
    };
    expect(await validateChain(chain, { isRevoked })).toMatchObject({ ok: true });
    const [anchor, middle, end] = chain.map(fingerprint);
    expect(asked).toEqual([
      [middle, anchor],
      [end, middle],
    ]);
  });

  it('refuses a path with a revoked certificate, decided at once or later', async () => {
    expect(await validateChain(chain, { isRevoked: () => true })).toMatchObject({ code: 'revoked' });
    const leafOnly: PathRequest['isRevoked'] = async ({ der }) => der === chain[2];
    expect(await validateChain(chain, { isRevoked: leafOnly })).toEqual({
      ok: false,
      code: 'revoked',
      message: 'CN=device,O=Acme is revoked',
    });
  });

  it('fails when the status cannot be told', async () => {
    const isRevoked = async () => {
      throw new Error('no answer');
    };
    await expect(validateChain(chain, { isRevoked })).rejects.toThrow('no answer');
  });

  it('does not ask about a path that is no good anyway', async () => {
    let asked = 0;
    const expired = makeChain([root, { ...device, notAfter: '2026-02-01T00:00:00Z' }]);
    await validateChain(expired, { isRevoked: () => asked++ > 0 });
    expect(asked).toBe(0);
  });
});
