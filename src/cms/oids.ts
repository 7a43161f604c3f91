/** Object identifiers of CMS: content types (RFC 5652), attributes and algorithms (RFC 3370, 3565, 4055, 5753, 8018). */

export const idData = '1.2.840.113549.1.7.1';
export const idSignedData = '1.2.840.113549.1.7.2';
export const idEnvelopedData = '1.2.840.113549.1.7.3';

export const idContentType = '1.2.840.113549.1.9.3';
export const idMessageDigest = '1.2.840.113549.1.9.4';
export const idSigningTime = '1.2.840.113549.1.9.5';

export const idRsaesOaep = '1.2.840.113549.1.1.7';
export const idPSpecified = '1.2.840.113549.1.1.9';

export const idAes128Cbc = '2.16.840.1.101.3.4.1.2';
export const idAes192Cbc = '2.16.840.1.101.3.4.1.22';
export const idAes256Cbc = '2.16.840.1.101.3.4.1.42';
export const desEde3Cbc = '1.2.840.113549.3.7';
export const desCbc = '1.3.14.3.2.7';

export const idAes128Wrap = '2.16.840.1.101.3.4.1.5';
export const idAes192Wrap = '2.16.840.1.101.3.4.1.25';
export const idAes256Wrap = '2.16.840.1.101.3.4.1.45';

export const dhSinglePassStdDhSha256Kdf = '1.3.132.1.11.1';
export const dhSinglePassStdDhSha384Kdf = '1.3.132.1.11.2';
export const dhSinglePassStdDhSha512Kdf = '1.3.132.1.11.3';

export const dhSinglePassStdDhHkdfSha256 = '1.2.840.113549.1.9.16.3.19';
export const dhSinglePassStdDhHkdfSha384 = '1.2.840.113549.1.9.16.3.20';
export const dhSinglePassStdDhHkdfSha512 = '1.2.840.113549.1.9.16.3.21';

export const idPbkdf2 = '1.2.840.113549.1.5.12';
export const hmacWithSha256 = '1.2.840.113549.2.9';
export const idAlgPwriKek = '1.2.840.113549.1.9.16.3.9';
