/** RFC 8894 section 3.2.1: the signed attributes of a pkiMessage, and what their values mean. */

export const idMessageType = '2.16.840.1.113733.1.9.2';
export const idPkiStatus = '2.16.840.1.113733.1.9.3';
export const idFailInfo = '2.16.840.1.113733.1.9.4';
export const idSenderNonce = '2.16.840.1.113733.1.9.5';
export const idRecipientNonce = '2.16.840.1.113733.1.9.6';
export const idTransactionId = '2.16.840.1.113733.1.9.7';
export const idScepFailInfoText = '1.3.6.1.5.5.7.24.1';

/** The messages that clients send. */
export type MessageType = 'RenewalReq' | 'PKCSReq' | 'CertPoll' | 'GetCert' | 'GetCRL';

/** By the text of the messageType attribute. */
export const messageTypes: ReadonlyMap<string, MessageType> = new Map([
  ['17', 'RenewalReq'],
  ['19', 'PKCSReq'],
  ['20', 'CertPoll'],
  ['21', 'GetCert'],
  ['22', 'GetCRL'],
]);

/** The messageType of what the gateway answers. */
export const certRepType = '3';

export type PkiStatus = 'SUCCESS' | 'FAILURE' | 'PENDING';

export const pkiStatusNumbers: Readonly<Record<PkiStatus, number>> = { SUCCESS: 0, FAILURE: 2, PENDING: 3 };
