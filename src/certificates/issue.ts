/** First certificates that operators ask for, in the place of devices. */
import { createHash } from 'node:crypto';
import type { Scope } from '../access/principal.js';
import { covers } from '../access/principal.js';
import type { EnrollmentServices } from '../enrollment/services.js';
import { HttpError } from '../errors.js';
import type { GeneratedKeyType } from '../model/key-constraints.js';
import { parseLabel } from '../model/label.js';
import type { RequestedCertificate } from '../model/requested-certificate.js';
import { encodeWrittenNames, readCsrPem, readProvenCsr, type WrittenNames } from '../x509/written-request.js';
import { type OperatorRequest, type OperatorResult, requestAsOperator } from './operator-request.js';
import { divisionOf } from './visible.js';

export type IssuedFor =
  /** PKCS #10, PEM. */
  | { readonly kind: 'csr'; readonly csr: string }
  /** `form`: what tells requests apart that want the key in different forms. */
  | ({ readonly kind: 'gateway'; readonly type?: GeneratedKeyType | undefined; readonly form?: string } & WrittenNames);

export interface IssueRequest extends Pick<OperatorRequest, 'actor' | 'methods' | 'accompanying' | 'label' | 'device'> {
  readonly key: IssuedFor;
  /** The name of one of the policy's certificate profiles. */
  readonly profile?: string | undefined;
  readonly notAfter?: Date | undefined;
  /** Where the rights of who wants it hold. */
  readonly scope: Scope;
}

/**
 * Asks for a certificate by the policy's rules. Repeated within an hour it gets the same one, but for keys that the gateway makes
 * and where there are accompanying writes.
 * @throws HttpError 422 for a label that names nothing the caller knows of; GatewayError `forbidden` where the policy is not open
 * to `methods`, and as enrollments do
 */
export async function issueCertificate(
  { key, label, profile, notAfter, scope, actor, methods, device, accompanying }: IssueRequest,
  services: EnrollmentServices,
): Promise<OperatorResult> {
  const { policy } = parseLabel(label);
  const division = divisionOf(policy, services.catalog());
  if (division === undefined || !covers(scope, division)) {
    throw new HttpError(422, 'malformed-request', 'policy: there is no policy of this name');
  }
  const named = key.kind === 'csr' ? readProvenCsr(readCsrPem('csr', key.csr)) : encodeWrittenNames(key);
  const requested = { ...named, ...(notAfter === undefined ? {} : { notAfter }) };
  return await requestAsOperator(
    {
      label,
      operation: 'enroll',
      requested,
      ...(key.kind === 'gateway' ? { generateKey: key.type === undefined ? {} : { type: key.type } } : {}),
      ...(profile === undefined ? {} : { profileHint: profile }),
      ...(device === undefined ? {} : { device }),
      actor,
      methods,
      ...(accompanying
        ? { accompanying }
        : { repeats: [...describeKey(key), describe(requested), profile ?? '', device ?? ''] }),
    },
    services,
  );
}

function describeKey(key: IssuedFor): string[] {
  return key.kind === 'csr' ? ['csr'] : ['gateway', key.type ?? '', key.form ?? ''];
}

/** Not by the request's octets: of one wish there are many signatures. */
function describe({ subject, subjectPublicKeyInfo, extensions, notAfter }: RequestedCertificate): string {
  const hash = createHash('sha256').update(subject);
  for (const { id, value } of extensions) hash.update(id).update(value);
  return hash
    .update(subjectPublicKeyInfo ?? '')
    .update(notAfter?.toISOString() ?? '')
    .digest('hex');
}
