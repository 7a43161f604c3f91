/** Protocol services for handlers under test that are not to use them; tests put their own in place of some. */
import { createLog } from '../../src/log.js';
import type { ProtocolServices } from '../../src/protocol.js';

const unused = (): never => {
  throw new Error('not to be called');
};

export const unusedServices: ProtocolServices = {
  enroll: unused,
  poll: unused,
  authenticate: unused,
  confirm: unused,
  withdraw: unused,
  revoke: unused,
  requestApproval: unused,
  pollApproval: unused,
  setRevocationPassphrase: unused,
  recordRefusal: unused,
  reportCertificates: unused,
  policy: unused,
  requestOutline: unused,
  caCertificates: unused,
  issuersOf: unused,
  nextCaBundle: unused,
  findCertificate: unused,
  findCrl: unused,
  crl: unused,
  deltaCrl: unused,
  currentCrl: unused,
  crls: unused,
  rootUpdate: unused,
  certificateStatus: unused,
  ocspResponder: unused,
  caCertificate: unused,
  serviceKey: unused,
  messageKey: unused,
  encryptionKeys: unused,
  agree: unused,
  database: { dialect: 'sqlite', tables: unused },
  commit: unused,
  openAccount: unused,
  requireNames: unused,
  renewal: unused,
  alternateIssuersOf: unused,
  baseUrl: unused,
  deriveKey: unused,
  outbound: { request: unused, handshake: unused },
  log: createLog('silent'),
  clock: { now: unused },
};
