/** Credentials as the management API shows them: never with their secrets. */
import { z } from 'zod';
import { openIdentifier } from '../catalog/credential-definition.js';
import { credentialState, credentialStates } from '../catalog/credential-state.js';
import { type CredentialConfig, credentialKinds } from '../model/credential.js';
import { registeredValuesSchema } from '../model/registered-values.js';
import type { CredentialRecord } from '../store/credential-repository.js';
import { decodeCertificate, fingerprint } from '../x509/certificate.js';
import { formatName } from '../x509/names.js';
import { toPem } from '../x509/pem.js';
import { writtenForm } from './written-form.js';

const fields = {
  authenticationPolicy: z.string(),
  name: z.string(),
  kind: z.enum(credentialKinds),
  state: z.enum(credentialStates),
  uses: z.int().describe('how many enrollments it has opened'),
  usageLimit: z.int().optional().describe('how many it may open; any number, if absent'),
  username: z.string().optional(),
  identifier: z.string().optional().describe('the reference, key id or identifier that it is found by'),
  subject: z.string().optional().describe('of the certificate, RFC 4514 text'),
  fingerprint: z.string().optional().describe('SHA-256 of the certificate, hex'),
  certificate: z.string().optional().describe('PEM'),
  notBefore: z.iso.datetime().optional(),
  notAfter: z.iso.datetime().optional(),
  allowedAddresses: z.array(z.string()).optional(),
  registeredValues: writtenForm(registeredValuesSchema).optional(),
  source: z
    .enum(['configuration', 'operator'])
    .describe('whether it is in a configuration document, or made beside it'),
  createdAt: z.iso.datetime(),
  revokedAt: z.iso.datetime().optional(),
};

export const credentialSchema = z.strictObject(fields).meta({ id: 'Credential' });

export const madeCredentialsSchema = z
  .strictObject({
    items: z.array(
      z
        .strictObject({
          ...fields,
          secret: z.string().optional().describe('of a passcode or CMP secret; shown this once'),
          hmacKey: z.string().optional().describe('of an ACME account key, in base64url; shown this once'),
        })
        .meta({ id: 'MadeCredential' }),
    ),
  })
  .meta({ id: 'MadeCredentials' });

export function showRecord(record: CredentialRecord, now: Date): z.input<typeof credentialSchema> {
  const { authenticationPolicy, name, kind, uses, usageLimit, username, certificate, source, createdAt } = record;
  const identifier = openIdentifier(record);
  return {
    authenticationPolicy,
    name,
    kind: z.enum(credentialKinds).parse(kind),
    state: credentialState(record, now),
    uses,
    ...(usageLimit === null ? {} : { usageLimit }),
    ...(username === null ? {} : { username }),
    ...(identifier === undefined ? {} : { identifier }),
    ...(certificate === null ? {} : showCertificate(certificate)),
    ...showConditions(record),
    source: source === 'catalog' ? 'configuration' : 'operator',
    createdAt: new Date(createdAt).toISOString(),
    ...timeOf('revokedAt', record.revokedAt),
  };
}

/** The secret of a credential that was just made, where the gateway may have made it up. */
export function showSecret(config: CredentialConfig): { secret?: string; hmacKey?: string } {
  switch (config.kind) {
    case 'passcode':
    case 'cmp-secret':
      return config.secret === undefined ? {} : { secret: config.secret };
    case 'acme-account-key':
      return config.hmacKey === undefined ? {} : { hmacKey: config.hmacKey };
    default:
      return {};
  }
}

/** What can be changed, as the configuration writes it. */
export function showConditions(
  record: Pick<CredentialRecord, 'notBefore' | 'notAfter' | 'allowedAddresses' | 'registeredValues'>,
) {
  const { notBefore, notAfter, allowedAddresses, registeredValues } = record;
  return {
    ...timeOf('notBefore', notBefore),
    ...timeOf('notAfter', notAfter),
    ...(allowedAddresses === null ? {} : { allowedAddresses: JSON.parse(allowedAddresses) }),
    ...(registeredValues === null ? {} : { registeredValues: JSON.parse(registeredValues) }),
  };
}

function showCertificate(der: Uint8Array) {
  return {
    subject: formatName(decodeCertificate(der).subject),
    fingerprint: fingerprint(der),
    certificate: toPem('CERTIFICATE', der),
  };
}

function timeOf<Name extends string>(name: Name, at: number | null): { [N in Name]?: string } {
  return at === null ? {} : ({ [name]: new Date(at).toISOString() } as { [N in Name]?: string });
}
