import { describe, expect, it } from '@jest/globals';
import { certificate as download } from '../../../protocols/acme/certificates.js';
import { finalizeOrder } from '../../../protocols/acme/finalize.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { preferredType } from '../../../src/http/preferred-type.js';
import { fromPem } from '../../../src/x509/pem.js';
import { makeCertificate } from '../../support/make-chain.js';
import { makeCsr } from '../../support/make-csr.js';
import { dns, placeOrder, placeReadyOrder } from './acme-objects.js';
import { certificate, type FakeAcme, issuer, issuerUrl, root, urls, withAcme } from './fake-core.js';

async function placeIssuedOrder(acme: FakeAcme): Promise<string> {
  const { id } = await placeReadyOrder(acme, dns('a.example'));
  const csr = Buffer.from(makeCsr({ subject: 'CN=a.example' })).toString('base64url');
  await finalizeOrder(acme.request({ csr }, { id }), acme.context);
  return id;
}

async function get(acme: FakeAcme, params: Record<string, string>, accept?: string) {
  return await download(acme.request(undefined, params, { headers: { accept } }), acme.context);
}

const plain = (der: Uint8Array) => Uint8Array.from(der);

describe('ACME certificates (RFC 8555 7.4.2)', () => {
  it('come as PEM with the chain below the root, and no link that leads up', () =>
    withAcme(async (acme) => {
      const id = await placeIssuedOrder(acme);
      const { status, content, links } = await get(acme, { id });
      expect({ status, type: content?.type, links }).toEqual({
        status: 200,
        type: 'application/pem-certificate-chain',
        links: [],
      });
      expect(fromPem(String(content?.body))).toEqual([plain(certificate), plain(issuer)]);
    }));

  it('link to further chains, which link to the others (rel="alternate")', () =>
    withAcme(async (acme) => {
      const id = await placeIssuedOrder(acme);
      const cross = makeCertificate({ subject: 'CN=root', issuer: 'CN=other', signer: 'CN=other' });
      const other = makeCertificate({ subject: 'CN=other' });
      acme.says.alternates = [[issuer, cross, other]];
      expect(await get(acme, { id })).toMatchObject({ links: [`<${urls.certificate(id, 1)}>;rel="alternate"`] });
      const { content, links } = await get(acme, { id, chain: '1' });
      expect(links).toEqual([`<${urls.certificate(id)}>;rel="alternate"`]);
      expect(fromPem(String(content?.body))).toEqual([plain(certificate), plain(issuer), plain(cross)]);
      for (const chain of ['0', '2', '-1', '01', 'x', '1.0', 'constructor']) {
        await expect(get(acme, { id, chain })).rejects.toMatchObject({ type: 'malformed', status: 404 });
      }
    }));

  it('keep the root where nothing else is above them', () =>
    withAcme(async (acme) => {
      const id = await placeIssuedOrder(acme);
      const services = { ...acme.context.services, issuersOf: async () => [root] };
      const { content } = await download(acme.request(undefined, { id }), { ...acme.context, services });
      expect(fromPem(String(content?.body))).toEqual([plain(certificate), plain(root)]);
    }));

  it('come alone as application/pkix-cert, with a link to the issuer (rel="up"), and with the chain as application/pkcs7-mime', () =>
    withAcme(async (acme) => {
      const id = await placeIssuedOrder(acme);
      const single = await get(acme, { id }, 'application/pkix-cert');
      expect(single.content).toEqual({ type: 'application/pkix-cert', body: plain(certificate) });
      expect(single.links).toEqual([`<${issuerUrl}>;rel="up"`]);
      const bundle = await get(acme, { id }, 'application/pkcs7-mime');
      expect(bundle.content?.type).toBe('application/pkcs7-mime');
      const body = bundle.content?.body ?? '';
      expect(decodeCertsOnly(typeof body === 'string' ? new Uint8Array() : body).map(plain)).toEqual(
        expect.arrayContaining([plain(certificate), plain(issuer)]),
      );
    }));

  it('of others, and of orders that have none, are the same 404', () =>
    withAcme(async (acme) => {
      const id = await placeIssuedOrder(acme);
      const request = acme.request(undefined, { id });
      const foreign = download({ ...request, account: await acme.addAccount() }, acme.context);
      await expect(foreign).rejects.toMatchObject({ type: 'malformed', status: 404 });
      const { id: pending } = await placeOrder(acme, dns('b.example'));
      await expect(get(acme, { id: pending })).rejects.toMatchObject({ type: 'malformed', status: 404 });
    }));
});

describe('the Accept header (RFC 9110 12.5.1)', () => {
  const types = ['a/pem', 'a/der', 'b/p7'] as const;

  it.each([
    [undefined, 'a/pem'],
    ['*/*', 'a/pem'],
    ['a/der', 'a/der'],
    ['A/DER;q=0.5, b/p7;q=0.6', 'b/p7'],
    ['a/*;q=0.3, a/der', 'a/der'],
    ['a/pem;q=0, */*;q=0.1', 'a/der'],
    ['text/html', undefined],
    ['a/der;q=x', undefined],
    ['', undefined],
    [`${'a/der,'.repeat(1000)}`, 'a/pem'],
  ])('%s', (header, type) => {
    expect(preferredType(header, types)).toBe(type);
  });
});
