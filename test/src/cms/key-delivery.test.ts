import { describe, expect, it } from '@jest/globals';
import { deliverKey, takePlace } from '../../../src/cms/key-delivery.js';

const encrypted = { format: 'encrypted-pkcs8', password: 'correct horse' } as const;
const certificate = Uint8Array.of(0x30, 0);
const issued = { outcome: 'issued', certificate, serialNumber: '01', chain: [], modified: [] } as const;

describe('Keys that are encrypted under passwords', () => {
  it('are sixteen at once; then the gateway is busy, until one is done', () => {
    const leave = Array.from({ length: 16 }, () => takePlace(encrypted));
    expect(() => takePlace(encrypted)).toThrow(expect.objectContaining({ code: 'unavailable', retryAfterSeconds: 5 }));
    leave[0]?.();
    takePlace(encrypted)();
    for (const each of leave.slice(1)) each();
  });

  it('do not stand in the way of others', () => {
    const leave = Array.from({ length: 16 }, () => takePlace(encrypted));
    takePlace({ format: 'pkcs8' })();
    takePlace(undefined)();
    for (const each of leave) each();
  });
});

describe('A key that was delivered', () => {
  it.each([{ format: 'pkcs8' } as const, encrypted])('is wiped: %j', async (delivery) => {
    const pkcs8 = Uint8Array.of(0x30, 3, 2, 1, 0);
    const { privateKey } = await deliverKey({ ...issued, generatedKey: { pkcs8 } }, delivery);
    expect(privateKey).toContain('PRIVATE KEY');
    expect(pkcs8).toEqual(new Uint8Array(5));
  });

  it('is never absent without a word', async () => {
    await expect(deliverKey(issued, encrypted)).rejects.toMatchObject({ code: 'internal' });
  });
});
