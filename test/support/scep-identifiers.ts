/** The numbers and object identifiers of SCEP (RFC 8894) and the algorithms of its messages, as its test client knows them. */

/** RFC 8894 3.2.1.2 */
export const messageTypes = { CertRep: 3, RenewalReq: 17, PKCSReq: 19, CertPoll: 20, GetCert: 21, GetCRL: 22 } as const;
export type MessageType = keyof typeof messageTypes;

/** RFC 8894 3.2.1 */
export const scepAttributes = {
  messageType: '2.16.840.1.113733.1.9.2',
  pkiStatus: '2.16.840.1.113733.1.9.3',
  failInfo: '2.16.840.1.113733.1.9.4',
  senderNonce: '2.16.840.1.113733.1.9.5',
  recipientNonce: '2.16.840.1.113733.1.9.6',
  transactionId: '2.16.840.1.113733.1.9.7',
  failInfoText: '1.3.6.1.5.5.7.24.1',
} as const;
export type ScepAttribute = keyof typeof scepAttributes;

/** RFC 8894 3.2.1.3 */
export type PkiStatus = 'SUCCESS' | 'FAILURE' | 'PENDING';
export const pkiStatuses: ReadonlyMap<string, PkiStatus> = new Map([
  ['0', 'SUCCESS'],
  ['2', 'FAILURE'],
  ['3', 'PENDING'],
]);

/** RFC 8894 3.2.1.4 */
export const failInfos = ['badAlg', 'badMessageCheck', 'badRequest', 'badTime', 'badCertId'] as const;
export type FailInfo = (typeof failInfos)[number];

/** RFC 5652 and PKCS #9 */
export const cmsIds = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  envelopedData: '1.2.840.113549.1.7.3',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
} as const;

export const rsaEncryption = '1.2.840.113549.1.1.1';
export const idRsaesOaep = '1.2.840.113549.1.1.7';
export const idMgf1 = '1.2.840.113549.1.1.8';

export const digestIds = {
  md5: '1.2.840.113549.2.5',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
} as const;
export type ScepDigest = keyof typeof digestIds;

export const ciphers = {
  'aes-128-cbc': { id: '2.16.840.1.101.3.4.1.2', keyLength: 16, blockLength: 16 },
  'aes-192-cbc': { id: '2.16.840.1.101.3.4.1.22', keyLength: 24, blockLength: 16 },
  'aes-256-cbc': { id: '2.16.840.1.101.3.4.1.42', keyLength: 32, blockLength: 16 },
  'des-ede3-cbc': { id: '1.2.840.113549.3.7', keyLength: 24, blockLength: 8 },
  'des-cbc': { id: '1.3.14.3.2.7', keyLength: 8, blockLength: 8 },
} as const;
export type ScepCipher = keyof typeof ciphers;

/** The key of an entry, such as a name by its object identifier; undefined when there is none. */
export function keyOf<K extends string, V>(
  table: Readonly<Record<K, V>>,
  isWanted: (value: V) => boolean,
): K | undefined {
  for (const name in table) if (isWanted(table[name])) return name;
  return undefined;
}
