import { createHmac } from 'node:crypto';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { fromBER } from 'asn1js';
import { deriveMacKey, encodeBmp } from '../../../src/cms/pkcs12-mac.js';
import { octetsOf, partsOf, smallIntegerOf } from '../../support/asn1-values.js';
import { createIdentity, createOpenSsl, type OpenSsl } from './openssl.js';

let openssl: OpenSsl;

beforeAll(() => {
  openssl = createOpenSsl();
  createIdentity(openssl, 'device', 'P-256');
});
afterAll(() => openssl.remove());

/** Content and MAC of a file that openssl makes. */
function madeByOpenssl(password: string, iterations: number) {
  openssl.write('password', Buffer.from(password));
  const identity = ['-inkey', 'device.key', '-in', 'device.pem', '-passout', 'file:password'];
  openssl.run('pkcs12', '-export', ...identity, '-macalg', 'sha256', '-iter', `${iterations}`, '-out', 'made.p12');
  const [, content, macData] = partsOf(fromBER(openssl.read('made.p12')).result);
  const [mac, salt, count] = partsOf(macData);
  return {
    content: octetsOf(partsOf(partsOf(content)[1])[0]),
    mac: octetsOf(partsOf(mac)[1]),
    salt: octetsOf(salt),
    iterations: count === undefined ? 1 : smallIntegerOf(count),
  };
}

describe('the MAC key of a password (RFC 7292 appendix B)', () => {
  it.each([
    ['one octet', 'x', 2048],
    ['a block with its NUL', 'y'.repeat(31), 2048],
    ['more than a block with its NUL', 'y'.repeat(32), 2048],
    ['several blocks', 'long '.repeat(30), 2048],
    ['characters of the BMP', 'pässwörd€鍵', 2048],
    ['characters beyond the BMP', '🔑 key', 2048],
    ['hardly any iterations', 'secret', 2],
    ['more than one turn', 'secret', 1501],
  ])("is openssl's: %s", async (_, password, asked) => {
    const { content, mac, salt, iterations } = madeByOpenssl(password, asked);
    expect(iterations).toBe(asked);
    const key = await deriveMacKey(password, salt, iterations);
    expect(createHmac('sha256', key).update(content).digest()).toEqual(mac);
  });

  it('lets other work go on while it is derived', async () => {
    let isDone = false;
    let turns = 0;
    const derived = deriveMacKey('secret', new Uint8Array(16), 10_000).then(() => {
      isDone = true;
    });
    for (; !isDone; turns++) await setImmediate();
    await derived;
    expect(turns).toBeGreaterThan(15);
  });
});

describe('text as a BMPString (RFC 7292 appendix B.1)', () => {
  it('has two octets for each character, the greater first', () => {
    expect(Buffer.from(encodeBmp('Beavis\0')).toString('hex')).toBe('0042006500610076006900730000');
    expect(Buffer.from(encodeBmp('€')).toString('hex')).toBe('20ac');
  });

  it('has surrogate pairs for characters beyond the BMP, and no half of one', () => {
    expect(Buffer.from(encodeBmp('🔑')).toString('hex')).toBe('d83ddd11');
    expect(() => encodeBmp('\udd11')).toThrow(RangeError);
  });
});
