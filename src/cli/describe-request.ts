/** Requests that wait, as people read them. */
import type { RequestJson } from '../certificates/requests.js';
import type { ApprovalResult } from '../enrollment/approve.js';
import { fitForLog } from '../fit-for-log.js';

export function describeLine(request: RequestJson): string {
  const { id, policy, group, protocol, createdAt } = request;
  const label = group === null ? policy : `${policy}~${group}`;
  return `${id}  ${createdAt}  ${protocol}  ${label}  ${fitForLog(describeWish(request))}`;
}

/** Answered requests keep no wishes: the certificate says it all. */
function describeWish({ kind, operation, subject, reason, certificate }: RequestJson): string {
  switch (kind) {
    case 'revocation':
      return describeRevocation(`${subject || '(no subject)'} (${certificate?.split(':')[1]})`, reason);
    case 'message':
      return operation ?? '';
    case 'certificate':
      return subject === null ? `certificate ${certificate}` : subject || '(no subject)';
  }
}

function describeRevocation(certificate: string, reason: string | null): string {
  switch (reason) {
    case 'certificateHold':
      return `hold of ${certificate}`;
    case 'removeFromCRL':
      return `end of the hold of ${certificate}`;
    default:
      return `revocation of ${certificate}, reason ${reason}`;
  }
}

export function describeRevoked({ certificate, reason }: Extract<ApprovalResult, { outcome: 'revoked' }>): string {
  const { id, subject } = certificate;
  switch (reason) {
    case 'certificateHold':
      return `${id} (${subject}) is on hold, and on the CRL now`;
    case 'removeFromCRL':
      return `${id} (${subject}) is valid again`;
    default:
      return `${id} (${subject}) is revoked, reason ${reason}, and on the CRL now`;
  }
}
