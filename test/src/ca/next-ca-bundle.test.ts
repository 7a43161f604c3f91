import { verify, X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { createAuthority } from '../../../src/ca/authority.js';
import { createGenerations, type SigningGeneration } from '../../../src/ca/generations.js';
import { signNextCaBundle } from '../../../src/ca/sign-next-ca-bundle.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { decodeSignedData } from '../../../src/cms/signed-data.js';
import { GatewayError } from '../../../src/errors.js';
import type { CaKeys } from '../../../src/keys/ca-keys.js';
import { fromPem, toPem } from '../../../src/x509/pem.js';
import { createOpenSsl } from '../cms/openssl.js';
import { day, rootAndIssuing, second, start, type TestNode, type TestWorld, withHierarchy } from './test-hierarchy.js';

const [root = {}, issuing = {}] = rootAndIssuing;
const stagedIssuing = [root, { ...issuing, stageNextGeneration: true }];
const staged = [
  { ...root, stageNextGeneration: true },
  { ...issuing, stageNextGeneration: true },
];

const idData = '1.2.840.113549.1.7.1';

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'signed',
    (error) => (error instanceof GatewayError ? error.code : `unexpected ${error}`),
  );
}

/**
 * Verifies the bundle with openssl under a trusted root, and returns the DER certificates inside of the content. `smime` is
 * its older PKCS #7 code, on which SCEP clients such as sscep are built.
 */
function openWithOpenssl(
  bundle: Uint8Array,
  trusted: Uint8Array,
  command: 'cms' | 'smime' = 'cms',
): readonly Uint8Array[] {
  const openssl = createOpenSsl();
  try {
    openssl.write('bundle.der', bundle);
    openssl.write('trusted.pem', Buffer.from(toPem('CERTIFICATE', trusted)));
    openssl.run(
      ...[command, '-verify', '-binary', '-inform', 'DER', '-in', 'bundle.der', '-out', 'content.der'],
      ...['-CAfile', 'trusted.pem', '-attime', String(start / second + 60)],
    );
    return fromPem(openssl.run('pkcs7', '-inform', 'DER', '-in', 'content.der', '-print_certs').toString());
  } finally {
    openssl.remove();
  }
}

function expectSame(certificates: readonly Uint8Array[], chain: readonly Uint8Array[]): void {
  expect(certificates.map((der) => new X509Certificate(der).fingerprint256)).toEqual(
    chain.map((der) => new X509Certificate(der).fingerprint256),
  );
}

describe('next-CA bundle (RFC 8894 4.7.1)', () => {
  it.each(['rsa-2048', 'ec-p256', 'ec-p384', 'ec-p521'])(
    'of a CA with a %s key is verified by openssl, and has the next chain, its CA first',
    async (key) => {
      const documents = staged.map((document) => ({ ...document, key }));
      await withHierarchy(documents, async ({ authority }) => {
        const [trusted = new Uint8Array()] = authority.chain('root-1');
        expectSame(openWithOpenssl(await authority.nextCaBundle('issuing'), trusted), authority.chain('issuing-2'));
        const ofRoot = await authority.nextCaBundle('root');
        expectSame(openWithOpenssl(ofRoot, trusted), authority.chain('root-2'));
        expectSame(openWithOpenssl(ofRoot, trusted, 'smime'), authority.chain('root-2'));
      });
    },
  );

  // openssl 3.0 cannot verify Ed25519 in CMS: the signature is checked over the SET OF by itself.
  it('of a CA with an Ed25519 key is signed over its attributes (RFC 8419)', async () => {
    await withHierarchy(
      staged.map((document) => ({ ...document, key: 'ed25519' })),
      async ({ authority }) => {
        const { signers } = decodeSignedData(await authority.nextCaBundle('issuing'));
        const [signer] = signers;
        const publicKey = new X509Certificate(authority.chain('issuing-1')[0] ?? new Uint8Array()).publicKey;
        expect(verify(null, signer?.signed ?? Buffer.of(), publicKey, signer?.signature ?? Buffer.of())).toBe(true);
      },
    );
  });

  it('is not accepted under another root, nor by the next key itself', async () => {
    await withHierarchy(staged, async ({ authority }) => {
      const bundle = await authority.nextCaBundle('issuing');
      expect(() => openWithOpenssl(bundle, authority.chain('root-2')[0] ?? new Uint8Array())).toThrow();
      const [signer] = decodeSignedData(bundle).signers;
      const next = new X509Certificate(authority.chain('issuing-2')[0] ?? Buffer.of()).publicKey;
      expect(verify('sha256', signer?.signed ?? Buffer.of(), next, signer?.signature ?? Buffer.of())).toBe(false);
    });
  });

  it("is id-data around a certs-only message, with the signer's certificate and nothing else beside it", async () => {
    await withHierarchy(stagedIssuing, async ({ authority }) => {
      const { contentType, content, certificates, crls, signers } = decodeSignedData(
        await authority.nextCaBundle('issuing'),
      );
      expect(contentType).toBe(idData);
      expectSame(certificates, authority.chain('issuing-1').slice(0, 1));
      expect(crls).toEqual([]);
      expect(signers.map(({ digest }) => digest)).toEqual(['sha256']);
      const inside = content ?? new Uint8Array();
      expect(decodeSignedData(inside).signers).toEqual([]);
      expectSame(decodeCertsOnly(inside), authority.chain('issuing-2'));
    });
  });

  it('is signed with the hash that is configured', async () => {
    await withHierarchy(
      [root, { ...issuing, stageNextGeneration: true, signatureHash: 'sha512' }],
      async ({ authority }) => {
        const { signers } = decodeSignedData(await authority.nextCaBundle('issuing'));
        expect(signers.map(({ digest }) => digest)).toEqual(['sha512']);
      },
    );
  });

  it('is there only while a next generation is staged', async () => {
    await withHierarchy(rootAndIssuing, async (node, world) => {
      const { authority } = node;
      await expect(authority.nextCaBundle('issuing')).rejects.toMatchObject({
        code: 'not-found',
        message: 'no next generation of this CA is staged',
      });
      expect(await codeOf(authority.nextCaBundle('nowhere'))).toBe('not-found');
      world.configure('issuing', { stageNextGeneration: true });
      // Configured, but not made yet.
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('not-found');
      await node.ensure();
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('signed');
      world.configs.delete('issuing');
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('not-found');
    });
  });

  it('is not to be had of a CA without a current generation', async () => {
    await withHierarchy(stagedIssuing, async ({ authority, store }) => {
      const retire = store.caGenerations.setState({ id: 'issuing-1', from: 'current', to: 'previous' });
      await store.commit({ statements: [retire], audit: [] });
      await authority.reload();
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('unavailable');
    });
  });
});

describe('next-CA bundle: keeping it', () => {
  it('costs one signature a day, however many ask, also at once', async () => {
    await withHierarchy(stagedIssuing, async (node, world) => {
      const { authority, signatures } = await countSignatures(node, world);
      const [first, ...others] = await Promise.all([1, 2, 3].map(() => authority.nextCaBundle('issuing')));
      expect(others).toEqual([first, first]);
      world.clock.at += day - 1;
      expect(await authority.nextCaBundle('issuing')).toBe(first);
      expect(signatures()).toBe(1);
      world.clock.at += 1;
      const later = await authority.nextCaBundle('issuing');
      expect(Buffer.compare(later, first ?? later)).not.toBe(0);
      expect(signatures()).toBe(2);
    });
  });

  it('makes a new one when a generation has changed', async () => {
    await withHierarchy(stagedIssuing, async (node) => {
      await node.authority.nextCaBundle('issuing');
      const { setState } = node.store.caGenerations;
      const retire = setState({ id: 'issuing-1', from: 'current', to: 'previous' });
      const activate = setState({ id: 'issuing-2', from: 'next', to: 'current' });
      await node.store.commit({ statements: [retire, activate], audit: [] });
      await node.authority.reload();
      expect(await codeOf(node.authority.nextCaBundle('issuing'))).toBe('not-found');
      await node.stage('issuing');
      const { certificates, content } = decodeSignedData(await node.authority.nextCaBundle('issuing'));
      expectSame(certificates, node.authority.chain('issuing-2').slice(0, 1));
      expectSame(decodeCertsOnly(content ?? new Uint8Array()), node.authority.chain('issuing-3'));
    });
  });

  it('does not keep a failure', async () => {
    await withHierarchy(stagedIssuing, async (node, world) => {
      const { authority, fail } = await countSignatures(node, world);
      fail(true);
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('unavailable');
      fail(false);
      expect(await codeOf(authority.nextCaBundle('issuing'))).toBe('signed');
    });
  });
});

describe('signNextCaBundle: the only CMS message that a CA signs', () => {
  it('refuses what is not the next generation of the same CA', async () => {
    await withHierarchy(staged, async ({ generations }) => {
      const find = (id: string): SigningGeneration => {
        const generation = generations.find(id);
        if (generation === undefined) throw new Error(`there is no ${id}`);
        return generation;
      };
      const sign = (next: SigningGeneration, chain = [next.certificate.der]) =>
        signNextCaBundle({ current: find('issuing-1'), hash: 'sha256', next, chain, signingTime: new Date(start) });
      expect(await codeOf(sign(find('issuing-2')))).toBe('signed');
      expect(await codeOf(sign(find('root-2')))).toBe('internal');
      expect(await codeOf(sign(find('issuing-1')))).toBe('internal');
      expect(await codeOf(sign(find('issuing-2'), [find('root-1').certificate.der]))).toBe('internal');
      expect(await codeOf(sign(find('issuing-2'), []))).toBe('internal');
    });
  });
});

/** An authority over the same store whose keys count what they sign, and fail on demand. */
async function countSignatures({ store, keys }: TestNode, { configs, clock }: TestWorld) {
  let count = 0;
  let isFailing = false;
  const counting: CaKeys = {
    ...keys,
    lazySigner: (key) => {
      const signer = keys.lazySigner(key);
      return {
        ...signer,
        sign: (data, hash) => {
          if (isFailing) return Promise.reject(new GatewayError('unavailable', 'the key does not answer'));
          count++;
          return signer.sign(data, hash);
        },
      };
    },
  };
  const generations = createGenerations({
    store,
    keys: counting,
    publicHttpUrl: 'http://gate.example:8080',
    answersOcsp: true,
  });
  const authority = createAuthority({ store, generations, configs: () => configs, clock });
  await authority.reload();
  return {
    authority,
    signatures: () => count,
    fail: (value: boolean) => {
      isFailing = value;
    },
  };
}
