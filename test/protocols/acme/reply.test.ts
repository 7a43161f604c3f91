/** Answers on the wire (RFC 8555 6.5, 7.4, 8.2; RFC 9773 4.3). */
import { describe, expect, it } from '@jest/globals';
import { answerReply } from '../../../protocols/acme/reply.js';

const surroundings = { directory: 'https://gate.example/directory', nonces: { issue: () => 'fresh' } };

describe('an answer of ACME', () => {
  it('says in Retry-After when there will be news, in whole seconds', () => {
    const { headers } = answerReply({ status: 200, json: {}, retryAfter: 2.5 }, surroundings);
    expect(headers).toMatchObject({ 'Retry-After': '3', 'Replay-Nonce': 'fresh', 'Cache-Control': 'no-store' });
    expect(answerReply({ status: 200, json: {} }, surroundings).headers).not.toHaveProperty('Retry-After');
  });

  it('that anybody may keep has no nonce', () => {
    const { headers, links } = answerReply({ status: 200, json: {}, retryAfter: 60, maxAge: 30 }, surroundings);
    expect(headers).toMatchObject({ 'Retry-After': '60', 'Cache-Control': 'public, max-age=30' });
    expect(headers).not.toHaveProperty('Replay-Nonce');
    expect(links).toEqual(['<https://gate.example/directory>;rel="index"']);
  });
});
