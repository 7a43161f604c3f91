import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { DerError } from '../../../src/x509/der.js';
import type { PathRequest } from '../../../src/x509/path-validation.js';
import { validatePath } from '../../../src/x509/path-validation.js';
import { createTrustAnchors } from '../../../src/x509/trust-anchors.js';
import { cpuTimeOf } from '../../support/cpu-time.js';
import {
  authorityKeyId,
  ca,
  leaf,
  makeCertificate,
  makeChain,
  subjectKeyId,
  type TestCertificate,
} from '../../support/make-chain.js';

const at = new Date('2026-06-01T00:00:00Z');
const issuedBy = (issuer: string, spec: TestCertificate): Uint8Array =>
  makeCertificate({ issuer, signer: issuer, ...spec });
const root = makeCertificate(ca('CN=Root'));
const sub = issuedBy('CN=Root', ca('CN=Sub'));
const device = issuedBy('CN=Sub', leaf('CN=device'));
const longAgo = { notBefore: '2020-01-01T00:00:00Z', notAfter: '2021-01-01T00:00:00Z' };

async function validate(
  certificate: Uint8Array,
  intermediates: readonly Uint8Array[],
  anchors: readonly Uint8Array[] = [root],
  options: Pick<PathRequest, 'isRevoked'> = {},
) {
  const result = await validatePath({
    certificate,
    intermediates,
    trustAnchors: createTrustAnchors(anchors),
    at,
    ...options,
  });
  return result.ok ? result.path.map(({ der }) => der) : result.code;
}

describe('path building: finding the way', () => {
  it('finds the intermediates in any order, among others and twice', async () => {
    const low = issuedBy('CN=Sub', ca('CN=Low'));
    const end = issuedBy('CN=Low', leaf('CN=end'));
    const others = makeChain([ca('CN=Other root'), ca('CN=Other')]);
    expect(await validate(end, [low, ...others, sub, low, end, root])).toEqual([end, low, sub, root]);
  });

  it('fails without the intermediate', async () => {
    expect(await validate(device, [])).toBe('unknown-issuer');
  });

  it('fails without any anchor', async () => {
    expect(await validate(device, [sub, root], [])).toBe('unknown-issuer');
  });

  it('ends at an anchor that is not self-signed', async () => {
    expect(await validate(device, [], [sub])).toEqual([device, sub]);
  });

  it('prefers the anchor to the way past it', async () => {
    expect(await validate(device, [sub], [sub, root])).toEqual([device, sub]);
  });

  it('leaves out of the bag what cannot be read', async () => {
    const noise = [new Uint8Array(), Uint8Array.of(0x30, 0x80), sub.subarray(0, 200)];
    expect(await validate(device, [...noise, sub])).toEqual([device, sub, root]);
  });

  it('validates a self-issued certificate of the anchor with the same key (RFC 5280 6.1)', async () => {
    const renewed = makeCertificate({ ...ca('CN=Root'), notBefore: '2026-02-01T00:00:00Z' });
    expect(await validate(renewed, [])).toEqual([renewed, root]);
  });

  it('uses a rollover certificate, new key signed with old (RFC 4210 4.4)', async () => {
    const newWithOld = makeCertificate({ ...ca('CN=Root'), key: 'new root', signer: 'CN=Root' });
    const end = makeCertificate({ ...leaf('CN=end'), issuer: 'CN=Root', signer: 'new root' });
    expect(await validate(end, [newWithOld])).toEqual([end, newWithOld, root]);
  });
});

describe('path building: alternatives', () => {
  it('tries every CA of the name until the signature fits', async () => {
    const namesakes = ['a', 'b', 'c'].map((key) => issuedBy('CN=Root', { ...ca('CN=Sub'), key }));
    expect(await validate(device, [...namesakes, sub])).toEqual([device, sub, root]);
  });

  it('tries every anchor of the name', async () => {
    const namesake = makeCertificate({ ...ca('CN=Sub'), key: 'another' });
    expect(await validate(device, [], [namesake, sub])).toEqual([device, sub]);
  });

  it('passes over an expired certificate of the same CA, whichever comes first', async () => {
    const old = issuedBy('CN=Root', { ...ca('CN=Sub'), ...longAgo });
    expect(await validate(device, [old, sub])).toEqual([device, sub, root]);
    expect(await validate(device, [sub, old])).toEqual([device, sub, root]);
    expect(await validate(device, [], [makeCertificate({ ...ca('CN=Sub'), ...longAgo }), sub])).toEqual([device, sub]);
  });

  it('goes round a revoked certificate', async () => {
    const cross = issuedBy('CN=Other root', ca('CN=Sub'));
    const otherRoot = makeCertificate(ca('CN=Other root'));
    const isRevoked: PathRequest['isRevoked'] = ({ der }) => Buffer.compare(der, sub) === 0;
    expect(await validate(device, [sub, cross], [root, otherRoot], { isRevoked })).toEqual([device, cross, otherRoot]);
    expect(await validate(device, [sub], [root, otherRoot], { isRevoked })).toBe('revoked');
  });

  it('takes key identifiers for hints only (RFC 5280 4.2.1.1)', async () => {
    const mislabelled = issuedBy('CN=Root', ca('CN=Sub', subjectKeyId('aa')));
    const end = issuedBy('CN=Sub', leaf('CN=end', authorityKeyId('bb')));
    expect(await validate(end, [mislabelled])).toEqual([end, mislabelled, root]);
  });
});

describe('path building: its reasons', () => {
  const labelled = issuedBy('CN=Root', ca('CN=Sub', subjectKeyId('aa')));
  const forged = (keyId: string) =>
    makeCertificate({ ...leaf('CN=x', authorityKeyId(keyId)), issuer: 'CN=Sub', signer: 'stranger' });

  it('tells a wrong signature from another CA of the same name', async () => {
    expect(await validate(forged('aa'), [labelled])).toBe('bad-signature');
    expect(await validate(forged('bb'), [labelled])).toBe('unknown-issuer');
  });

  it('prefers the reason of a path that reached an anchor to those of dead ends', async () => {
    const expired = issuedBy('CN=Sub', { ...leaf('CN=device'), ...longAgo });
    const namesakes = ['a', 'b'].map((key) => issuedBy('CN=Root', { ...ca('CN=Sub'), key }));
    expect(await validate(expired, [...namesakes, sub])).toBe('expired');
  });
});

describe('path building: hostile bags', () => {
  it('does not go in circles', async () => {
    const circle = [issuedBy('CN=B', ca('CN=A')), issuedBy('CN=A', ca('CN=B'))];
    expect(await validate(issuedBy('CN=A', leaf('CN=x')), circle)).toBe('unknown-issuer');
    const selfSigned = makeCertificate(ca('CN=A'));
    expect(await validate(issuedBy('CN=A', leaf('CN=x')), [selfSigned])).toBe('unknown-issuer');
  });

  it('accepts ten certificates in a path and no more', async () => {
    const chain = (length: number) =>
      makeChain([
        ...Array.from({ length: length - 1 }, (_, i) => ca(i === 0 ? 'CN=Root' : `CN=CA ${i}`)),
        leaf('CN=x'),
      ]);
    const judge = async (certificates: readonly Uint8Array[]) => {
      const [anchor = new Uint8Array(), ...rest] = certificates;
      return validate(rest.at(-1) ?? anchor, rest.slice(0, -1), [anchor]);
    };
    expect((await judge(chain(10))).length).toBe(10);
    expect(await judge(chain(11))).toBe('too-complex');
  });

  it('gives up on a mesh of cross-certificates, soon', async () => {
    const layers = Array.from({ length: 8 }, (_, layer) => layer);
    const mesh = layers.flatMap((layer) =>
      ['a', 'b', 'c'].flatMap((key) =>
        ['a', 'b', 'c'].map((signer) =>
          makeCertificate({
            ...ca(`CN=L${layer}`),
            key: `${layer}${key}`,
            issuer: `CN=L${layer + 1}`,
            signer: `${layer + 1}${signer}`,
          }),
        ),
      ),
    );
    const end = makeCertificate({ ...leaf('CN=x'), issuer: 'CN=L0', signer: '0a' });
    const cost = await cpuTimeOf(async () => {
      expect(await validate(end, mesh)).toBe('too-complex');
    });
    expect(cost).toBeLessThan(2000);
  });

  it('looks at the first hundred certificates only', async () => {
    const others = Array.from({ length: 100 }, (_, i) => makeCertificate({ ...ca(`CN=${i}`), key: 'one for all' }));
    expect(await validate(device, [...others, sub])).toBe('unknown-issuer');
    expect(await validate(device, [...others.slice(1), sub])).toEqual([device, sub, root]);
  });

  it('answers with a code whatever byte of a certificate is changed', async () => {
    const change = fc.tuple(fc.constantFrom('leaf', 'intermediate'), fc.nat(), fc.integer({ min: 1, max: 255 }));
    await fc.assert(
      fc.asyncProperty(change, async ([which, at, bits]) => {
        const changed = (der: Uint8Array) => der.map((octet, i) => (i === at % der.length ? octet ^ bits : octet));
        const [certificate, intermediate] = which === 'leaf' ? [changed(device), sub] : [device, changed(sub)];
        expect(typeof (await validate(certificate, [intermediate]))).toBe('string');
      }),
      { numRuns: 300 },
    );
  });
});

describe('createTrustAnchors', () => {
  it('refuses a certificate that cannot be read', () => {
    expect(() => createTrustAnchors([root, Uint8Array.of(0x30, 0x80)])).toThrow(DerError);
  });
});
