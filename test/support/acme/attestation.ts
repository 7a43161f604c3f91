/** Makes attestation objects as devices do, with keys in software, wrong ones included; with none of our own encoders. */
import { constants, createHash, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  basicConstraints,
  ca,
  extendedKeyUsage,
  keyUsage,
  makeCertificate,
  privateKeyOf,
  type TestCertificate,
  type TestExtension,
} from '../make-chain.js';
import { type CborValue, cbor } from './cbor.js';
import { type AttestParts, attest, nameOf, type PublicAreaParts, publicArea, tpmSignature } from './tpm-structures.js';

export const keyAuthorization =
  'evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA.9jg46WB3rR_AHD-EBXdN7cBkH1WOu0tA3M9fm21mqTI';

/** DER of the CA that has issued the attestation certificates, an authentication CA for those who test with a gateway. */
export const attestationCa = makeCertificate(ca('O=Maker,CN=Attestation CA'));

/** tcg-kp-AIKCertificate. */
export const aikPurpose = '2.23.133.8.3';

type Hash = 'sha256' | 'sha384' | 'sha512';
type Scheme = 'ecdsa' | 'rsassa' | 'rsapss';

/** COSE numbers. */
const algorithms: Readonly<Record<number, readonly [Scheme, Hash]>> = {
  [-7]: ['ecdsa', 'sha256'],
  [-35]: ['ecdsa', 'sha384'],
  [-36]: ['ecdsa', 'sha512'],
  [-37]: ['rsapss', 'sha256'],
  [-38]: ['rsapss', 'sha384'],
  [-39]: ['rsapss', 'sha512'],
  [-257]: ['rsassa', 'sha256'],
  [-258]: ['rsassa', 'sha384'],
  [-259]: ['rsassa', 'sha512'],
};

export interface StatementOptions {
  readonly alg?: number;
  /** As in make-chain.ts: `rsa…` is RSA, all else P-256. Default: what alg is for. */
  readonly signer?: string;
  readonly certificate?: Partial<TestCertificate>;
  /** What the statement has beside, or in place of, what it should. */
  readonly statement?: Readonly<Record<string, CborValue | undefined>>;
}

export interface TpmOptions extends StatementOptions {
  /** The key that is attested. */
  readonly key?: KeyObject;
  readonly area?: PublicAreaParts;
  readonly attest?: Partial<AttestParts>;
  /** Changes the structures before they are named, and signed. */
  readonly pubArea?: (area: Uint8Array) => Uint8Array;
  readonly certInfo?: (certInfo: Uint8Array) => Uint8Array;
  readonly sig?: (signature: Uint8Array) => Uint8Array;
  /** A signature as X.509 has it, not TPMT_SIGNATURE. */
  readonly isPlain?: boolean;
}

/** The key that is attested unless told otherwise. */
export const deviceKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });

/** The attestation object of a TPM. */
export function tpmAttestation(authorization: string, options: TpmOptions = {}): Uint8Array {
  const { alg = -7, key = deviceKey.publicKey, area = {}, isPlain = false, sig = (signature) => signature } = options;
  const [scheme, hash] = algorithmOf(alg);
  const signer = options.signer ?? signerFor(scheme);
  const pubArea = (options.pubArea ?? same)(publicArea(key, area));
  const certInfo = (options.certInfo ?? same)(
    attest({
      extraData: createHash(hash).update(authorization).digest(),
      name: nameOf(pubArea, area.nameHash),
      ...options.attest,
    }),
  );
  const signature = signWith(signer, scheme, hash, certInfo, constants.RSA_PSS_SALTLEN_MAX_SIGN);
  const statement = {
    ver: '2.0',
    alg,
    x5c: [attestationCertificate(signer, [extendedKeyUsage(aikPurpose)], options.certificate), attestationCa],
    sig: sig(isPlain ? signature : tpmSignature(scheme, hash, signature)),
    certInfo,
    pubArea,
    ...options.statement,
  };
  return cbor({ fmt: 'tpm', attStmt: statement });
}

/** An attestation object of the format `packed`. */
export function packedAttestation(authorization: string, options: StatementOptions = {}): Uint8Array {
  const { alg = -7 } = options;
  const [scheme, hash] = algorithmOf(alg);
  const signer = options.signer ?? signerFor(scheme);
  const statement = {
    alg,
    sig: signWith(signer, scheme, hash, Buffer.from(authorization), constants.RSA_PSS_SALTLEN_DIGEST),
    x5c: [attestationCertificate(signer, [], options.certificate), attestationCa],
    ...options.statement,
  };
  return cbor({ fmt: 'packed', attStmt: statement });
}

/** DER SubjectPublicKeyInfo. */
export function spkiOf(key: KeyObject): Uint8Array {
  return Uint8Array.from(createPublicKeyOf(key).export({ type: 'spki', format: 'der' }));
}

/** What signs with an algorithm, unless told otherwise. */
export function signerFor(scheme: Scheme): string {
  return scheme === 'ecdsa' ? 'attestation key' : 'rsa attestation key';
}

function attestationCertificate(
  signer: string,
  extensions: readonly TestExtension[],
  changes: Partial<TestCertificate> = {},
): Uint8Array {
  return makeCertificate({
    subject: 'O=Maker,2.5.4.5=SN-4711',
    issuer: 'O=Maker,CN=Attestation CA',
    signer: 'O=Maker,CN=Attestation CA',
    key: signer,
    extensions: [basicConstraints(false), keyUsage('digitalSignature'), ...extensions],
    ...changes,
  });
}

/** What alg says, or what stands for it where it is none that is signed with. */
function algorithmOf(alg: number): readonly [Scheme, Hash] {
  return algorithms[alg] ?? ['ecdsa', 'sha256'];
}

function signWith(signer: string, scheme: Scheme, hash: Hash, data: Uint8Array, saltLength: number): Uint8Array {
  const key = privateKeyOf(signer);
  if (scheme === 'rsapss') return sign(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength });
  return sign(hash, data, key);
}

function createPublicKeyOf(key: KeyObject): KeyObject {
  return key.type === 'private' ? createPublicKey(key) : key;
}

function same(bytes: Uint8Array): Uint8Array {
  return bytes;
}
