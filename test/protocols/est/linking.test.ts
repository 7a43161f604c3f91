import { describe, expect, it } from '@jest/globals';
import type { TlsClient } from '../../../src/protocol.js';
import { makeCsr } from '../../support/make-csr.js';
import { base64, createFakeGateway } from './fake-gateway.js';

const exporter = Uint8Array.from({ length: 32 }, (_, i) => i);
const unique = Uint8Array.from({ length: 12 }, (_, i) => 255 - i);
const other = Uint8Array.from({ length: 32 }, () => 7);

const tls13 = client({ 'tls-exporter': exporter });
const tls12 = client({ 'tls-exporter': exporter, 'tls-unique': unique });
const behindProxy = client({});

function client(values: Partial<Record<'tls-unique' | 'tls-exporter', Uint8Array>>): TlsClient {
  return { clientChain: [], channelBinding: (type) => values[type] };
}

type Rule = 'check' | 'require' | 'ignore';

async function outcome(rule: Rule, challengePassword: string | undefined, tls: TlsClient, operation = 'simpleenroll') {
  const gateway = createFakeGateway({ policy: { est: { challengePassword: rule } } });
  const csr = makeCsr(challengePassword === undefined ? {} : { challengePassword });
  const reply = await gateway.post(operation, base64(csr), { tls });
  return gateway.requests.length > 0 ? 'accepted' : `${reply.status} ${gateway.refusals[0]?.code}`;
}

const refused = '400 invalid-proof-of-possession';

describe('EST linking of identity and proof of possession (RFC 7030 3.5, RFC 9266)', () => {
  it.each<[string, Rule, string | undefined, TlsClient, string]>([
    ['accepts tls-exporter on TLS 1.3', 'check', base64(exporter), tls13, 'accepted'],
    ['accepts tls-unique on TLS 1.2', 'check', base64(unique), tls12, 'accepted'],
    ['accepts tls-exporter on TLS 1.2', 'check', base64(exporter), tls12, 'accepted'],
    ['refuses the value of another connection', 'check', base64(other), tls13, refused],
    ['refuses tls-unique on TLS 1.3', 'check', base64(unique), tls13, refused],
    ['refuses a passcode in its place', 'check', 'passcode', tls12, refused],
    ['refuses a part of the value', 'check', base64(exporter).slice(0, -1), tls12, refused],
    ['refuses an empty value', 'check', '', tls12, refused],
    ['refuses it where TLS ends at a proxy', 'check', base64(exporter), behindProxy, refused],
    ['does not demand it unless told', 'check', undefined, tls13, 'accepted'],
    ['demands it where told', 'require', undefined, tls13, refused],
    ['checks it where demanded', 'require', base64(other), tls13, refused],
    ['accepts it where demanded', 'require', base64(exporter), tls13, 'accepted'],
    ['does not look at it where told', 'ignore', base64(other), tls13, 'accepted'],
    ['does not look at it behind a proxy where told', 'ignore', base64(other), behindProxy, 'accepted'],
  ])('%s', async (_, rule, challengePassword, tls, expected) => {
    expect(await outcome(rule, challengePassword, tls)).toBe(expected);
  });

  it.each(['simplereenroll', 'serverkeygen'])('holds for %s', async (operation) => {
    expect(await outcome('check', base64(other), tls13, operation)).toBe(refused);
  });

  it('names the setting that helps behind a proxy', async () => {
    const csr = makeCsr({ challengePassword: base64(exporter) });
    const reply = await createFakeGateway().post('simpleenroll', base64(csr), { tls: behindProxy });
    expect(reply.body).toContain('est.challengePassword');
  });
});
