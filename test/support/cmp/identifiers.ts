/** The names, numbers and object identifiers of CMP (RFC 9810) and CRMF (RFC 4211), as the test client knows them. */

/** RFC 9810 5.1.2: the alternatives of PKIBody by their tags. */
export const bodyTags = {
  ir: 0,
  ip: 1,
  cr: 2,
  cp: 3,
  p10cr: 4,
  popdecc: 5,
  popdecr: 6,
  kur: 7,
  kup: 8,
  krr: 9,
  krp: 10,
  rr: 11,
  rp: 12,
  ccr: 13,
  ccp: 14,
  ckuann: 15,
  cann: 16,
  rann: 17,
  crlann: 18,
  pkiconf: 19,
  nested: 20,
  genm: 21,
  genp: 22,
  error: 23,
  certConf: 24,
  pollReq: 25,
  pollRep: 26,
} as const;
export type BodyType = keyof typeof bodyTags;

/** RFC 9810 5.2.3, by number. */
export const pkiStatuses = [
  'accepted',
  'grantedWithMods',
  'rejection',
  'waiting',
  'revocationWarning',
  'revocationNotification',
  'keyUpdateWarning',
] as const;
export type PkiStatus = (typeof pkiStatuses)[number];

/** RFC 9810 5.2.3, by bit. */
export const failInfos = [
  'badAlg',
  'badMessageCheck',
  'badRequest',
  'badTime',
  'badCertId',
  'badDataFormat',
  'wrongAuthority',
  'incorrectData',
  'missingTimeStamp',
  'badPOP',
  'certRevoked',
  'certConfirmed',
  'wrongIntegrity',
  'badRecipientNonce',
  'timeNotAvailable',
  'unacceptedPolicy',
  'unacceptedExtension',
  'addInfoNotAvailable',
  'badSenderNonce',
  'badCertTemplate',
  'signerNotTrusted',
  'transactionIdInUse',
  'unsupportedVersion',
  'notAuthorized',
  'systemUnavail',
  'systemFailure',
  'duplicateCertReq',
] as const;
export type FailInfo = (typeof failInfos)[number];

/** id-it: what generalInfo and general messages carry (RFC 9810 5.1.1 and 5.3.19). */
export const infoTypes = {
  caProtEncCert: '1.3.6.1.5.5.7.4.1',
  signKeyPairTypes: '1.3.6.1.5.5.7.4.2',
  encKeyPairTypes: '1.3.6.1.5.5.7.4.3',
  preferredSymmAlg: '1.3.6.1.5.5.7.4.4',
  currentCRL: '1.3.6.1.5.5.7.4.6',
  unsupportedOIDs: '1.3.6.1.5.5.7.4.7',
  keyPairParamReq: '1.3.6.1.5.5.7.4.10',
  keyPairParamRep: '1.3.6.1.5.5.7.4.11',
  revPassphrase: '1.3.6.1.5.5.7.4.12',
  implicitConfirm: '1.3.6.1.5.5.7.4.13',
  confirmWaitTime: '1.3.6.1.5.5.7.4.14',
  origPKIMessage: '1.3.6.1.5.5.7.4.15',
  suppLangTags: '1.3.6.1.5.5.7.4.16',
  caCerts: '1.3.6.1.5.5.7.4.17',
  rootCaKeyUpdate: '1.3.6.1.5.5.7.4.18',
  certReqTemplate: '1.3.6.1.5.5.7.4.19',
  rootCaCert: '1.3.6.1.5.5.7.4.20',
  certProfile: '1.3.6.1.5.5.7.4.21',
  crlStatusList: '1.3.6.1.5.5.7.4.22',
  crls: '1.3.6.1.5.5.7.4.23',
} as const;
export type InfoType = keyof typeof infoTypes;

/** id-regCtrl and id-regInfo (RFC 4211 6 and 7). */
export const registrationIds = {
  regToken: '1.3.6.1.5.5.7.5.1.1',
  authenticator: '1.3.6.1.5.5.7.5.1.2',
  pkiPublicationInfo: '1.3.6.1.5.5.7.5.1.3',
  pkiArchiveOptions: '1.3.6.1.5.5.7.5.1.4',
  oldCertID: '1.3.6.1.5.5.7.5.1.5',
  protocolEncrKey: '1.3.6.1.5.5.7.5.1.6',
  altCertTemplate: '1.3.6.1.5.5.7.5.1.7',
  utf8Pairs: '1.3.6.1.5.5.7.5.2.1',
  certReq: '1.3.6.1.5.5.7.5.2.2',
} as const;
export type RegistrationId = keyof typeof registrationIds;

/** RFC 5652, RFC 5958 and RFC 4211 4.4 */
export const contentIds = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  keyPackage: '2.16.840.1.101.2.1.2.78.5',
  encKeyWithId: '1.2.840.113549.1.9.16.1.21',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
} as const;

/** Names are those of node:crypto (RFC 9481 2). */
export const digestIds = {
  sha1: '1.3.14.3.2.26',
  sha224: '2.16.840.1.101.3.4.2.4',
  sha256: '2.16.840.1.101.3.4.2.1',
  sha384: '2.16.840.1.101.3.4.2.2',
  sha512: '2.16.840.1.101.3.4.2.3',
  'sha3-224': '2.16.840.1.101.3.4.2.7',
  'sha3-256': '2.16.840.1.101.3.4.2.8',
  'sha3-384': '2.16.840.1.101.3.4.2.9',
  'sha3-512': '2.16.840.1.101.3.4.2.10',
} as const;
export type Digest = keyof typeof digestIds;

/** RFC 8018 B.1.1 and RFC 9688; openssl says HMAC with SHA-1 in the older way of RFC 4210. */
export const hmacIds = {
  sha1: '1.2.840.113549.2.7',
  sha224: '1.2.840.113549.2.8',
  sha256: '1.2.840.113549.2.9',
  sha384: '1.2.840.113549.2.10',
  sha512: '1.2.840.113549.2.11',
  'sha3-224': '2.16.840.1.101.3.4.2.13',
  'sha3-256': '2.16.840.1.101.3.4.2.14',
  'sha3-384': '2.16.840.1.101.3.4.2.15',
  'sha3-512': '2.16.840.1.101.3.4.2.16',
} as const satisfies Record<Digest, string>;
export const idHmacSha1 = '1.3.6.1.5.5.8.1.2';

/** RFC 9481 6 and 4.3 to 5 */
export const macIds = {
  pbm: '1.2.840.113533.7.66.13',
  pbmac1: '1.2.840.113549.1.5.14',
  pbkdf2: '1.2.840.113549.1.5.12',
  kmac128: '2.16.840.1.101.3.4.2.19',
  kmac256: '2.16.840.1.101.3.4.2.20',
} as const;
