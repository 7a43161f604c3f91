/** OBJECT IDENTIFIERs of the MACs of RFC 9481 6 and RFC 9688 4, beside those that are CMP's own. */

// RFC 8018 A.5
export const idPbmac1 = '1.2.840.113549.1.5.14';

// RFC 3370 3.1, and what RFC 8018 B.1.1 calls the same
export const hmacSha1 = '1.3.6.1.5.5.8.1.2';
export const idHmacWithSha1 = '1.2.840.113549.2.7';

// RFC 4231 3.1, RFC 9688 4
export const idHmacWithSha224 = '1.2.840.113549.2.8';
export const idHmacWithSha256 = '1.2.840.113549.2.9';
export const idHmacWithSha384 = '1.2.840.113549.2.10';
export const idHmacWithSha512 = '1.2.840.113549.2.11';
export const idHmacWithSha3_224 = '2.16.840.1.101.3.4.2.13';
export const idHmacWithSha3_256 = '2.16.840.1.101.3.4.2.14';
export const idHmacWithSha3_384 = '2.16.840.1.101.3.4.2.15';
export const idHmacWithSha3_512 = '2.16.840.1.101.3.4.2.16';

// RFC 8702 3.4
export const idKmacWithShake128 = '2.16.840.1.101.3.4.2.19';
export const idKmacWithShake256 = '2.16.840.1.101.3.4.2.20';

// RFC 9044 2
export const idAes128Gmac = '2.16.840.1.101.3.4.1.9';
export const idAes192Gmac = '2.16.840.1.101.3.4.1.29';
export const idAes256Gmac = '2.16.840.1.101.3.4.1.49';
