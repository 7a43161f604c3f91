/** OBJECT IDENTIFIERs of CMP (RFC 9810 appendix F) and CRMF (RFC 4211 appendix B), named as there. */

// RFC 9810 5.1.1 and 5.3.19: generalInfo, genm and genp
export const idItCaProtEncCert = '1.3.6.1.5.5.7.4.1';
export const idItSignKeyPairTypes = '1.3.6.1.5.5.7.4.2';
export const idItEncKeyPairTypes = '1.3.6.1.5.5.7.4.3';
export const idItPreferredSymmAlg = '1.3.6.1.5.5.7.4.4';
export const idItCurrentCrl = '1.3.6.1.5.5.7.4.6';
export const idItUnsupportedOids = '1.3.6.1.5.5.7.4.7';
export const idItRevPassphrase = '1.3.6.1.5.5.7.4.12';
export const idItImplicitConfirm = '1.3.6.1.5.5.7.4.13';
export const idItConfirmWaitTime = '1.3.6.1.5.5.7.4.14';
export const idItOrigPkiMessage = '1.3.6.1.5.5.7.4.15';
export const idItSuppLangTags = '1.3.6.1.5.5.7.4.16';
export const idItCaCerts = '1.3.6.1.5.5.7.4.17';
export const idItRootCaKeyUpdate = '1.3.6.1.5.5.7.4.18';
export const idItCertReqTemplate = '1.3.6.1.5.5.7.4.19';
export const idItRootCaCert = '1.3.6.1.5.5.7.4.20';
export const idItCertProfile = '1.3.6.1.5.5.7.4.21';
export const idItCrlStatusList = '1.3.6.1.5.5.7.4.22';
export const idItCrls = '1.3.6.1.5.5.7.4.23';

// RFC 4211 6: controls; 11 and 12 are of RFC 9810 5.3.19.16
export const idRegCtrlRegToken = '1.3.6.1.5.5.7.5.1.1';
export const idRegCtrlAuthenticator = '1.3.6.1.5.5.7.5.1.2';
export const idRegCtrlPkiPublicationInfo = '1.3.6.1.5.5.7.5.1.3';
export const idRegCtrlPkiArchiveOptions = '1.3.6.1.5.5.7.5.1.4';
export const idRegCtrlOldCertId = '1.3.6.1.5.5.7.5.1.5';
export const idRegCtrlAlgId = '1.3.6.1.5.5.7.5.1.11';
export const idRegCtrlRsaKeyLen = '1.3.6.1.5.5.7.5.1.12';

// RFC 4211 7: registration information
export const idRegInfoUtf8Pairs = '1.3.6.1.5.5.7.5.2.1';
export const idRegInfoCertReq = '1.3.6.1.5.5.7.5.2.2';

// RFC 2985 5.5.2
export const pkcs9AtLocalKeyId = '1.2.840.113549.1.9.21';

// RFC 9810 5.1.3: message protection that is no algorithm of its own
export const idPasswordBasedMac = '1.2.840.113533.7.66.13';
