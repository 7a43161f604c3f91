/** OBJECT IDENTIFIERs of digests and signatures that only messages may have, not certificates and their requests. */

// RFC 4055, RFC 5758: SHA-224
export const idSha224 = '2.16.840.1.101.3.4.2.4';
export const sha224WithRsaEncryption = '1.2.840.113549.1.1.14';
export const ecdsaWithSha224 = '1.2.840.10045.4.3.1';

// RFC 9688 2 and 3: SHA-3
export const idSha3_224 = '2.16.840.1.101.3.4.2.7';
export const idSha3_256 = '2.16.840.1.101.3.4.2.8';
export const idSha3_384 = '2.16.840.1.101.3.4.2.9';
export const idSha3_512 = '2.16.840.1.101.3.4.2.10';
export const idEcdsaWithSha3_224 = '2.16.840.1.101.3.4.3.9';
export const idEcdsaWithSha3_256 = '2.16.840.1.101.3.4.3.10';
export const idEcdsaWithSha3_384 = '2.16.840.1.101.3.4.3.11';
export const idEcdsaWithSha3_512 = '2.16.840.1.101.3.4.3.12';
export const idRsaWithSha3_224 = '2.16.840.1.101.3.4.3.13';
export const idRsaWithSha3_256 = '2.16.840.1.101.3.4.3.14';
export const idRsaWithSha3_384 = '2.16.840.1.101.3.4.3.15';
export const idRsaWithSha3_512 = '2.16.840.1.101.3.4.3.16';

// RFC 8692 2: SHAKE
export const idRsassaPssShake128 = '1.3.6.1.5.5.7.6.30';
export const idRsassaPssShake256 = '1.3.6.1.5.5.7.6.31';
export const idEcdsaWithShake128 = '1.3.6.1.5.5.7.6.32';
export const idEcdsaWithShake256 = '1.3.6.1.5.5.7.6.33';
