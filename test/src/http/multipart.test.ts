import { describe, expect, it } from '@jest/globals';
import { encodeMultipart } from '../../../src/http/multipart.js';

describe('multipart/mixed (RFC 2046 5.1)', () => {
  it('is read back by another implementation', async () => {
    const { contentType, body } = encodeMultipart([
      { headers: { 'Content-Disposition': 'form-data; name="a"' }, body: 'first' },
      { headers: { 'Content-Disposition': 'form-data; name="b"' }, body: 'second\r\nline' },
    ]);
    const headers = { 'content-type': contentType.replace('multipart/mixed', 'multipart/form-data') };
    const form = await new Response(body, { headers }).formData();
    expect([...form.entries()]).toEqual([
      ['a', 'first'],
      ['b', 'second\r\nline'],
    ]);
  });

  it('has a boundary that needs no quotes and differs each time', () => {
    const boundaries = [1, 2].map(() => /boundary=(.*)$/.exec(encodeMultipart([]).contentType)?.[1]);
    expect(boundaries[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(boundaries[0]).not.toBe(boundaries[1]);
  });
});
