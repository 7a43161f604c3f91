import { describe, expect, it } from '@jest/globals';
import { createScepHandler } from '../../../protocols/scep/index.js';
import { decodeCertsOnly } from '../../../src/cms/certs-only.js';
import { unusedServices } from '../../support/unused-services.js';
import { createFakeGateway, intermediateCa, issuingCa, ra, rootCa } from './fake-gateway.js';

describe('SCEP GetCACaps (RFC 8894 3.5)', () => {
  it('names what is supported, in lines', async () => {
    const reply = await createFakeGateway().get('operation=GetCACaps');
    expect(reply).toMatchObject({ status: 200, headers: { 'Content-Type': 'text/plain' } });
    expect(reply.body).toBe('AES\nGetNextCACert\nPOSTPKIOperation\nRenewal\nSCEPStandard\nSHA-256\nSHA-384\nSHA-512\n');
  });

  it('names 3DES and SHA-1 only where the policy admits old clients', async () => {
    const reply = await createFakeGateway({ scep: { legacy: true } }).get('operation=GetCACaps');
    expect(reply.body).toMatch(/\nSHA-512\nDES3\nSHA-1\n$/);
  });
});

describe('SCEP GetCACert (RFC 8894 4.2)', () => {
  it.each([
    ['issuer', [issuingCa]],
    ['withoutRoot', [issuingCa, intermediateCa]],
    ['full', [issuingCa, intermediateCa, rootCa]],
  ] as const)('has the RA certificate first, then the chain as configured: %s', async (chain, expected) => {
    const reply = await createFakeGateway({ scep: { chain } }).get('operation=GetCACert&message=any');
    expect(reply).toMatchObject({ status: 200, headers: { 'Content-Type': 'application/x-x509-ca-ra-cert' } });
    if (typeof reply.body === 'string') throw new Error('text');
    expect(decodeCertsOnly(reply.body).map((der) => Buffer.from(der))).toEqual(
      [ra.certificate, ...expected].map((der) => Buffer.from(der)),
    );
  });

  it('has the issuing CA also where that is the root', async () => {
    const gateway = createFakeGateway({ scep: { chain: 'withoutRoot' }, chain: [rootCa] });
    const { body } = await gateway.get('operation=GetCACert');
    if (typeof body === 'string') throw new Error('text');
    expect(decodeCertsOnly(body)).toHaveLength(2);
  });
});

describe('SCEP GetNextCACert (RFC 8894 4.7)', () => {
  it('is the bundle of the core', async () => {
    const nextCaBundle = Uint8Array.of(0x30, 0);
    const reply = await createFakeGateway({ nextCaBundle }).get('operation=getnextcacert');
    expect(reply).toMatchObject({
      status: 200,
      headers: { 'Content-Type': 'application/x-x509-next-ca-cert' },
      body: nextCaBundle,
    });
  });

  it('is 404 as long as none is staged', async () => {
    const reply = await createFakeGateway().get('operation=GetNextCACert');
    expect(reply).toMatchObject({ status: 404, body: 'no next CA is staged\n' });
  });
});

describe('SCEP operations (RFC 8894 4.1)', () => {
  it.each(['GetCACaps', 'GetCACert', 'GetNextCACert', 'PKIOperation'])(
    '%s of an unknown policy, or of one that is not open to SCEP, is 404',
    async (operation) => {
      const query = `operation=${operation}&message=MA==`;
      const unknown = await createFakeGateway().get(query, { params: { label: 'unknown' } });
      expect(unknown).toMatchObject({ status: 404, body: 'no policy has this label\n' });
      const closed = await createFakeGateway({ methods: ['est'] }).get(query);
      expect(closed).toMatchObject({ status: 404, body: 'this policy is not open to SCEP\n' });
    },
  );

  it.each(['', 'operation=', 'operation=Enroll', 'message=MA=='])('a GET with the query %j is 400', async (query) => {
    expect(await createFakeGateway().get(query)).toMatchObject({
      status: 400,
      body: 'the operation must be GetCACaps, GetCACert, GetNextCACert or PKIOperation\n',
      refusal: { code: 'unsupported-operation' },
    });
  });

  it('are found on both listeners, at the paths that clients use', () => {
    const { routes } = createScepHandler(unusedServices);
    expect(routes.filter(({ method }) => method === 'GET').map(({ path }) => path)).toEqual([
      '/scep/:label',
      '/scep/:label/pkiclient.exe',
      '/scep/:label/cgi-bin/pkiclient.exe',
      '/cgi-bin/pkiclient.exe',
    ]);
    expect(routes).toHaveLength(8);
    expect(routes.every(({ plainHttp }) => plainHttp)).toBe(true);
    expect(new Set(routes.filter(({ method }) => method === 'POST').map(({ bodyLimit }) => bodyLimit))).toEqual(
      new Set([65_536]),
    );
  });
});
