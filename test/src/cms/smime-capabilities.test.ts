import { describe, expect, it } from '@jest/globals';
import {
  decodeSmimeCapabilities,
  findContentEncryption,
  findKeyAgreement,
  findKeyTransport,
  findKeyWrap,
  type SmimeCapability,
} from '../../../src/cms/smime-capabilities.js';
import { DerError } from '../../../src/x509/der.js';
import { oid, sequence } from '../../../src/x509/der-writer.js';

const hex = (text: string) => Uint8Array.from(Buffer.from(text.replaceAll(' ', ''), 'hex'));

/** SMIMECapabilities with these capabilities, each in hex. */
const capabilities = (...all: string[]): SmimeCapability[] => decodeSmimeCapabilities(sequence(...all.map(hex)));

const tripleDes = '30 0a 06 08 2a 86 48 86 f7 0d 03 07';
const des = '30 07 06 05 2b 0e 03 02 07';
const aes128 = '30 0b 06 09 60 86 48 01 65 03 04 01 02';
const aes256 = '30 0b 06 09 60 86 48 01 65 03 04 01 2a';
const aes256Wrap = '30 0b 06 09 60 86 48 01 65 03 04 01 2d';
const rc2 = '30 0e 06 08 2a 86 48 86 f7 0d 03 02 02 02 00 80';
const rsa = '30 0b 06 09 2a 86 48 86 f7 0d 01 01 01';
// RFC 4055 section 4.1: parameters all default, and SHA-256 for both functions.
const oaepSha1 = '30 0d 06 09 2a 86 48 86 f7 0d 01 01 07 30 00';
const oaepSha256 = `30 38 06 09 2a 86 48 86 f7 0d 01 01 07 30 2b a0 0d 30 0b 06 09 60 86 48 01 65 03 04 02 01
  a1 1a 30 18 06 09 2a 86 48 86 f7 0d 01 01 08 30 0b 06 09 60 86 48 01 65 03 04 02 01`.replaceAll('\n', ' ');
// RFC 5753 section 6: ECDH with SHA-256 and AES-256 wrap, with SHA-1 and AES-256 wrap.
const ecdhSha256 = '30 15 06 06 2b 81 04 01 0b 01 30 0b 06 09 60 86 48 01 65 03 04 01 2d';
const ecdhSha1 = '30 18 06 09 2b 81 05 10 86 48 3f 00 02 30 0b 06 09 60 86 48 01 65 03 04 01 2d';

describe('SMIMECapabilities (RFC 8551 section 2.5.2)', () => {
  it('are read in their order, with and without parameters', () => {
    expect(capabilities(aes256, rc2)).toEqual([
      { id: '2.16.840.1.101.3.4.1.42', parameters: undefined },
      { id: '1.2.840.113549.3.2', parameters: hex('02 02 00 80') },
    ]);
    expect(capabilities()).toEqual([]);
  });

  it('are 64 at most', () => {
    const many = (count: number) => Array.from({ length: count }, () => aes128);
    expect(capabilities(...many(64))).toHaveLength(64);
    expect(() => capabilities(...many(65))).toThrow(DerError);
  });

  it('choose the first content encryption and key wrap that are supported, which DES and 3DES are not', () => {
    expect(findContentEncryption(capabilities(des, tripleDes, aes128, aes256))).toBe('aes-128-cbc');
    expect(findContentEncryption(capabilities(tripleDes, rc2, aes256Wrap))).toBeUndefined();
    expect(findKeyWrap(capabilities(aes128, aes256Wrap))).toBe('aes256-wrap');
    expect(findKeyWrap(capabilities(aes128))).toBeUndefined();
  });

  it('choose the key transport (RFC 4055 section 4.1)', () => {
    expect(findKeyTransport(capabilities(oaepSha256, rsa))).toBe('rsa-oaep-sha256');
    expect(findKeyTransport(capabilities(rsa, oaepSha256))).toBe('rsa-pkcs1');
    expect(findKeyTransport(capabilities(oaepSha1))).toBe('rsa-oaep-sha1');
    expect(findKeyTransport(capabilities(aes128))).toBeUndefined();
  });

  it('pass over OAEP parameters that are malformed or not supported', () => {
    const oaep = (parameters: string): SmimeCapability => ({ id: '1.2.840.113549.1.1.7', parameters: hex(parameters) });
    const mixedHashes = oaep('30 0f a0 0d 30 0b 06 09 60 86 48 01 65 03 04 02 01');
    const withLabel = oaep('30 0f a2 0d 30 0b 06 09 2a 86 48 86 f7 0d 01 01 09');
    expect(findKeyTransport([mixedHashes, withLabel, oaep('30 01'), ...capabilities(rsa)])).toBe('rsa-pkcs1');
  });

  it('choose the key agreement with its key wrap (RFC 5753 section 6)', () => {
    expect(findKeyAgreement(capabilities(ecdhSha1, ecdhSha256))).toEqual({ hash: 'sha256', keyWrap: 'aes256-wrap' });
    expect(findKeyAgreement(capabilities(ecdhSha1))).toBeUndefined();
    expect(findKeyAgreement([{ id: '1.3.132.1.11.1', parameters: undefined }])).toBeUndefined();
    expect(findKeyAgreement([{ id: '1.3.132.1.11.1', parameters: oid('1.2.3') }])).toBeUndefined();
  });
});
