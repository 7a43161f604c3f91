import { describe, expect, it } from '@jest/globals';
import { idCmcChangeSubjectName } from '../../../src/x509/change-subject-name.js';
import { sequence } from '../../../src/x509/der-writer.js';
import { encodeGeneralNames, type GeneralName } from '../../../src/x509/general-names.js';
import { encodeName } from '../../../src/x509/names.js';
import { idCeKeyUsage, idCeSubjectAltName } from '../../../src/x509/oids.js';
import { parseName } from '../../../src/x509/parse-name.js';
import { makeCertificate, subjectAltName } from '../../support/make-chain.js';
import { type CsrOptions, makeCsr } from '../../support/make-csr.js';
import { base64, createFakeGateway } from './fake-gateway.js';

const name = (text: string): Uint8Array => encodeName(parseName(text));
const oldNames: GeneralName[] = [
  { type: 'dns', value: 'a.example' },
  { type: 'dns', value: 'b.example' },
];
const newNames: GeneralName[] = [{ type: 'dns', value: 'c.example' }];
const certificate = makeCertificate({
  subject: 'CN=device-1',
  extensions: [subjectAltName('dns:a.example', 'dns:b.example')],
});
const tls = { clientChain: [certificate], channelBinding: () => undefined };
const keyUsage = { id: idCeKeyUsage, critical: true, value: Uint8Array.of(3, 2, 7, 128) };

function withChange(change: Uint8Array, options: CsrOptions = {}): Uint8Array {
  return makeCsr({ alternatives: oldNames, ...options, attributes: [[idCmcChangeSubjectName, change]] });
}

async function post(csr: Uint8Array, more = { tls }) {
  const gateway = createFakeGateway();
  const reply = await gateway.post('simplereenroll', base64(csr), more);
  return { reply, request: gateway.requests[0], code: gateway.refusals[0]?.code };
}

describe('ChangeSubjectName in EST (RFC 7030 4.2.2, RFC 6402 2.8)', () => {
  it('puts its names in the place of those of the request', async () => {
    const change = sequence(name('CN=device-2'), encodeGeneralNames(newNames));
    const { request } = await post(withChange(change, { extensions: [keyUsage] }));
    expect(request?.changesNames).toBe(true);
    expect(request?.requested.subject).toEqual(name('CN=device-2'));
    expect(request?.requested.extensions).toEqual([
      keyUsage,
      { id: idCeSubjectAltName, critical: false, value: encodeGeneralNames(newNames) },
    ]);
  });

  it('takes away the alternative names that it does not name', async () => {
    const { request } = await post(withChange(sequence(name('CN=device-2'))));
    expect(request?.requested.extensions).toEqual([]);
  });

  it('takes away the subject that it does not name', async () => {
    const { request } = await post(withChange(sequence(encodeGeneralNames(newNames))));
    expect(request?.requested.subject).toEqual(sequence());
  });

  it('makes another transaction than the same request without it', async () => {
    const changed = await post(withChange(sequence(name('CN=device-2'))));
    const unchanged = await post(makeCsr({ alternatives: oldNames }));
    expect(changed.request?.transactionId).not.toBe(unchanged.request?.transactionId);
  });

  it('accepts the names of the certificate in another order', async () => {
    const { reply } = await post(withChange(sequence(name('CN=x')), { alternatives: oldNames.toReversed() }));
    expect(reply.status).toBe(200);
  });

  it.each<[string, CsrOptions]>([
    ['another subject', { subject: 'CN=device-9' }],
    ['another alternative name', { alternatives: newNames }],
    ['fewer alternative names', { alternatives: oldNames.slice(1) }],
  ])('refuses a request that has %s than the certificate', async (_, options) => {
    const { reply, code } = await post(withChange(sequence(name('CN=device-2')), options));
    expect([reply.status, code]).toEqual([400, 'rejected-name']);
  });

  it('refuses the change of a requester without certificate', async () => {
    const { code } = await post(withChange(sequence(name('CN=device-2'))), { tls: { ...tls, clientChain: [] } });
    expect(code).toBe('rejected-name');
  });

  it.each([
    ['an empty change', sequence()],
    ['something else', Uint8Array.of(5, 0)],
  ])('refuses %s as malformed', async (_, change) => {
    expect((await post(withChange(change))).code).toBe('malformed-request');
  });

  it('refuses two changes as malformed', async () => {
    const change = [idCmcChangeSubjectName, sequence(name('CN=device-2'))] as const;
    const other = [idCmcChangeSubjectName, sequence(name('CN=device-3'))] as const;
    expect((await post(makeCsr({ alternatives: oldNames, attributes: [change, other] }))).code).toBe(
      'malformed-request',
    );
  });
});
