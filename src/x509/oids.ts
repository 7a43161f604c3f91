/** OBJECT IDENTIFIERs, named as in the RFCs that define them. */

// RFC 5280 4.2.1, 5.2, 5.3: extensions
export const idCeSubjectKeyIdentifier = '2.5.29.14';
export const idCeKeyUsage = '2.5.29.15';
export const idCeSubjectAltName = '2.5.29.17';
export const idCeBasicConstraints = '2.5.29.19';
export const idCeCrlNumber = '2.5.29.20';
export const idCeCrlReasons = '2.5.29.21';
export const idCeInvalidityDate = '2.5.29.24';
export const idCeDeltaCrlIndicator = '2.5.29.27';
export const idCeIssuingDistributionPoint = '2.5.29.28';
export const idCeCertificateIssuer = '2.5.29.29';
export const idCeNameConstraints = '2.5.29.30';
export const idCeCrlDistributionPoints = '2.5.29.31';
export const idCeCertificatePolicies = '2.5.29.32';
export const anyPolicy = '2.5.29.32.0';
export const idCePolicyMappings = '2.5.29.33';
export const idCeAuthorityKeyIdentifier = '2.5.29.35';
export const idCePolicyConstraints = '2.5.29.36';
export const idCeExtKeyUsage = '2.5.29.37';
export const anyExtendedKeyUsage = '2.5.29.37.0';
export const idCeFreshestCrl = '2.5.29.46';
export const idCeInhibitAnyPolicy = '2.5.29.54';
export const idPeAuthorityInfoAccess = '1.3.6.1.5.5.7.1.1';

// RFC 5280 A.1: attributes
export const idAtCommonName = '2.5.4.3';

// RFC 5280 4.2.2: access methods
export const idAdOcsp = '1.3.6.1.5.5.7.48.1';
export const idAdCaIssuers = '1.3.6.1.5.5.7.48.2';

// RFC 6960 4.2.1, 4.2.2.2.1, 4.4.8, RFC 9654 2.1: OCSP
export const idPkixOcspBasic = '1.3.6.1.5.5.7.48.1.1';
export const idPkixOcspNonce = '1.3.6.1.5.5.7.48.1.2';
export const idPkixOcspNocheck = '1.3.6.1.5.5.7.48.1.5';
export const idPkixOcspExtendedRevoke = '1.3.6.1.5.5.7.48.1.9';

// RFC 4043, RFC 4108 5: forms of otherName
export const idOnPermanentIdentifier = '1.3.6.1.5.5.7.8.3';
export const idOnHardwareModuleName = '1.3.6.1.5.5.7.8.4';

// RFC 5280 4.2.1.12, RFC 6402 2.10, RFC 9480 2.2, RFC 5280 A.1: key purposes
export const idKpServerAuth = '1.3.6.1.5.5.7.3.1';
export const idKpClientAuth = '1.3.6.1.5.5.7.3.2';
export const idKpCodeSigning = '1.3.6.1.5.5.7.3.3';
export const idKpTimeStamping = '1.3.6.1.5.5.7.3.8';
export const idKpOcspSigning = '1.3.6.1.5.5.7.3.9';
export const idKpCmcCa = '1.3.6.1.5.5.7.3.27';
export const idKpCmcRa = '1.3.6.1.5.5.7.3.28';
export const idKpCmKga = '1.3.6.1.5.5.7.3.32';
// TCG EK Credential Profile
export const tcgKpAikCertificate = '2.23.133.8.3';

// RFC 2985: attributes of requests
export const pkcs9AtChallengePassword = '1.2.840.113549.1.9.7';
export const pkcs9AtExtensionRequest = '1.2.840.113549.1.9.14';
// [MS-WCCE] 2.2.2.7.7.4: Microsoft's own extensionRequest, sent by older Windows clients
export const szOidCertExtensions = '1.3.6.1.4.1.311.2.1.14';

// RFC 3279, RFC 4055, RFC 5480, RFC 8410: public keys
export const rsaEncryption = '1.2.840.113549.1.1.1';
export const idRsassaPss = '1.2.840.113549.1.1.10';
export const idEcPublicKey = '1.2.840.10045.2.1';
export const secp256r1 = '1.2.840.10045.3.1.7';
export const secp384r1 = '1.3.132.0.34';
export const secp521r1 = '1.3.132.0.35';
export const idX25519 = '1.3.101.110';
export const idX448 = '1.3.101.111';
export const idEd25519 = '1.3.101.112';
export const idEd448 = '1.3.101.113';

// RFC 3279, RFC 4055, RFC 5758: signatures and digests
export const sha1WithRsaEncryption = '1.2.840.113549.1.1.5';
export const sha256WithRsaEncryption = '1.2.840.113549.1.1.11';
export const sha384WithRsaEncryption = '1.2.840.113549.1.1.12';
export const sha512WithRsaEncryption = '1.2.840.113549.1.1.13';
export const idMgf1 = '1.2.840.113549.1.1.8';
export const ecdsaWithSha1 = '1.2.840.10045.4.1';
export const ecdsaWithSha256 = '1.2.840.10045.4.3.2';
export const ecdsaWithSha384 = '1.2.840.10045.4.3.3';
export const ecdsaWithSha512 = '1.2.840.10045.4.3.4';
export const idSha1 = '1.3.14.3.2.26';
export const idSha256 = '2.16.840.1.101.3.4.2.1';
export const idSha384 = '2.16.840.1.101.3.4.2.2';
export const idSha512 = '2.16.840.1.101.3.4.2.3';
