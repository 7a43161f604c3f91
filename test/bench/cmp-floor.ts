/** The cryptography of an ir with P-256 keys, by a secret or by signatures. */
import { createHmac, createPublicKey, generateKeyPairSync, hash, type KeyObject, sign, verify } from 'node:crypto';
import { decodeCertReqMessages } from '../../protocols/cmp/asn1/cert-request.js';
import { decodePkiMessage, protectedPart } from '../../protocols/cmp/asn1/pki-message.js';
import { type Certificate, decodeCertificate } from '../../src/x509/certificate.js';
import { createMessages, opensslMac } from './cmp-message.js';
import { createFloor, type Floor } from './floor.js';
import type { CmpProtection } from './load-job.js';
import { makeClientCa } from './prepared-request.js';

export interface CmpFloor extends Floor {
  readonly name: string;
}

/** Request and answer each derive a key and compute a MAC; between them the certificate is made. */
export function createMacFloor(): CmpFloor {
  const secret = '0123456789abcdef0123456789ab';
  const messages = prepare({ kind: 'mac', reference: 'bench', secret });
  const ca = newKey();
  const password = Buffer.concat([Buffer.from(secret), Buffer.alloc(saltLength)]);
  const floor = createFloor(messages, ({ protectedData, request, proof, spki }) => {
    computeMac(password, protectedData);
    verifyWith(importKey(spki), request, proof);
    sign('sha256', request, ca);
    computeMac(password, protectedData);
  });
  return {
    name: `PBM: ${opensslMac.iterations} times SHA-256 and a MAC, twice; import of a P-256 key, verification, signature`,
    ...floor,
  };
}

/** Verifications of the message, the certificate that signs it and the proof of possession; certificate and answer are signed. */
export function createSignatureFloor(): CmpFloor {
  const clientCa = makeClientCa();
  const messages = prepare({ kind: 'signature', clientCa });
  const caKey = createPublicKey(clientCa.certificatePem);
  const ca = newKey();
  const gateway = newKey();
  const floor = createFloor(messages, ({ signer, protectedData, protection, request, proof, spki }) => {
    if (signer === undefined) throw new Error('a prepared message has no certificate');
    verifyWith(importKey(signer.subjectPublicKeyInfo), protectedData, protection);
    verifyWith(caKey, signer.tbs, signer.signature);
    verifyWith(importKey(spki), request, proof);
    sign('sha256', request, ca);
    sign('sha256', protectedData, gateway);
  });
  return { name: 'signatures: import of two P-256 keys, three verifications, two signatures', ...floor };
}

interface Case {
  readonly signer: Certificate | undefined;
  readonly protectedData: Uint8Array;
  readonly protection: Uint8Array;
  /** DER CertRequest, which the proof of possession is a signature of. */
  readonly request: Uint8Array;
  readonly proof: Uint8Array;
  readonly spki: Uint8Array;
}

/** Octets: as openssl makes it. */
const saltLength = 16;

function prepare(protection: CmpProtection): readonly Case[] {
  const next = createMessages(protection);
  return Array.from({ length: 64 }, () => {
    const message = decodePkiMessage(next().sent.der);
    const [wish] = decodeCertReqMessages(message.body);
    const [certificate] = message.extraCerts;
    const spki = wish?.template.publicKey;
    if (wish?.popo?.type !== 'signature' || spki === undefined || message.protection === undefined)
      throw new Error('a prepared message is not complete');
    return {
      signer: certificate && decodeCertificate(certificate),
      protectedData: protectedPart(message),
      protection: message.protection,
      request: wish.certRequestDer,
      proof: wish.popo.signature,
      spki,
    };
  });
}

function computeMac(password: Uint8Array, data: Uint8Array): void {
  let key = hash('sha256', password, 'buffer');
  for (let done = 1; done < opensslMac.iterations; done++) key = hash('sha256', key, 'buffer');
  createHmac('sha1', key).update(data).digest();
}

function verifyWith(key: KeyObject, data: Uint8Array, signature: Uint8Array): void {
  if (!verify('sha256', data, key, signature)) throw new Error('a prepared message has a wrong signature');
}

function importKey(spki: Uint8Array): KeyObject {
  return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}
