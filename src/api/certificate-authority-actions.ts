/** What operators do with CAs over the management API: import, have certified, stage, activate, drop and revoke. */
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { activateNext } from '../authorities/activate.js';
import { type ImportedKey, importAuthority } from '../authorities/import-authority.js';
import { importCertificate } from '../authorities/import-certificate.js';
import { requestCertificate } from '../authorities/request.js';
import { revokeAuthority } from '../authorities/revoke.js';
import { dropNext, stageNext } from '../authorities/stage.js';
import { divisionOf } from '../catalog/objects.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { GatewayError } from '../errors.js';
import { nameSchema } from '../model/label.js';
import { fromPem, toPem } from '../x509/pem.js';
import { getObject, nameParams } from './catalog-objects.js';
import { authorityAnswerSchema, describeAuthority } from './describe-authority.js';
import { defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

/** Of a body. */
export const certificates = z
  .string()
  .max(131_072)
  .describe('PEM: the certificate, and those above it up to the root, in any order after it');

const passphrase = z.string().max(1023);
/** Reading longer ones would keep other requests waiting: the command line is a process of its own. */
const longestCrls = 2 * 1024 * 1024;

export function certificateAuthorityActionOperations(services: ApiServices): readonly Operation[] {
  const ofOne = {
    tag: 'Certificate authorities',
    method: 'post',
    status: 200,
    permission: 'authority:operate',
    params: nameParams,
    answer: authorityAnswerSchema,
  } as const;
  const path = '/certificate-authorities/{name}';
  const described = async (name: string, scope: Scope) => ({
    value: describeAuthority(await getObject('certificate-authority', name, scope, services), services),
  });
  return [
    defineOperation({
      ...ofOne,
      id: 'stageCertificateAuthority',
      path: `${path}/stage`,
      summary: 'Make the next key and certificate of a certificate authority',
      description: 'They are announced, and do not issue before they are activated.',
      refusals: { 409: 'it has a next generation, or is not certified here' },
      handle: async ({ params: { name }, scope, actor }) => {
        await requireOperable(name, scope, services);
        await stageNext(name, actor, services);
        return await described(name, scope);
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'activateCertificateAuthority',
      path: `${path}/activate`,
      summary: 'Make the next generation the one that issues',
      description: 'The one that issued until then verifies, and signs CRLs, until its end.',
      body: z.strictObject({
        at: z.iso.datetime({ offset: true }).optional().describe('when; at once, if absent or past'),
        replaceBy: z.iso
          .datetime({ offset: true })
          .optional()
          .describe(
            'until when what earlier generations have issued is to be replaced, which is planned once this one issues',
          ),
      }),
      refusals: { 409: 'none is staged, or it may not issue then' },
      handle: async ({ params: { name }, body: { at, replaceBy }, scope, actor }) => {
        await requireOperable(name, scope, services);
        const dateOf = (text: string | undefined) => (text === undefined ? undefined : new Date(text));
        await activateNext({ ca: name, at: dateOf(at), replaceBy: dateOf(replaceBy), actor }, services);
        return await described(name, scope);
      },
    }),
    defineOperation({
      tag: 'Certificate authorities',
      id: 'dropNextCertificateAuthority',
      method: 'delete',
      path: `${path}/next`,
      summary: 'Destroy what is to come of a certificate authority',
      description: 'The key of its staged generation, whose certificates are revoked, or of its request that waits.',
      permission: 'authority:operate',
      params: nameParams,
      status: 204,
      refusals: { 409: 'nothing is to come' },
      handle: async ({ params: { name }, scope, actor }) => {
        await requireOperable(name, scope, services);
        await dropNext(name, actor, services);
        return {};
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'revokeCaGeneration',
      path: `${path}/generations/{generation}/revoke`,
      summary: 'Revoke a generation of a certificate authority',
      description:
        'It issues nothing more, nor does any CA below it; it still signs CRLs. Where a next generation is staged, that takes over at once.',
      params: z.strictObject({ ...nameParams.shape, generation: nameSchema.describe('its id') }),
      body: z.strictObject({
        reason: z.enum(finalReasons).default('cACompromise').describe('as RFC 5280 5.3.1 has them'),
      }),
      refusals: { 409: 'it is revoked already, or has not issued yet' },
      handle: async ({ params: { name, generation }, body: { reason }, scope, actor }) => {
        await requireOperable(name, scope, services);
        if (services.authority.generation(generation)?.ca !== name) {
          throw new GatewayError('not-found', 'this certificate authority has no such generation');
        }
        await revokeAuthority({ generation, reason, actor }, services);
        return await described(name, scope);
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'requestCaCertificate',
      path: `${path}/request`,
      summary: 'Get the request of a certificate authority that is certified elsewhere',
      description:
        'Its key is made at the first time, and waits for the certificate of an external CA or an offline one. Until then the request stays the same.',
      answer: z.strictObject({ csr: z.string().describe('PKCS #10, PEM') }).meta({ id: 'CertificateAuthorityRequest' }),
      refusals: { 409: 'it is certified here, or has a next generation' },
      handle: async ({ params: { name }, scope, actor }) => {
        await requireOperable(name, scope, services);
        return { value: { csr: toPem('CERTIFICATE REQUEST', await requestCertificate(name, actor, services)) } };
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'importCaCertificate',
      path: `${path}/certificate`,
      summary: 'Take the certificate that was issued elsewhere',
      description:
        'For the key that waits for it; or of a certificate authority with `key: external`, whose key is not here at all.',
      body: z.strictObject({ certificates }),
      refusals: {
        409: 'no key waits for a certificate',
        403: 'nobody vouches for it, or nothing may be operated here',
      },
      handle: async ({ params: { name }, body, scope, actor }) => {
        await requireOperable(name, scope, services);
        await importCertificate({ ca: name, certificates: readPem(body.certificates), actor }, services);
        return await described(name, scope);
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'importCertificateAuthority',
      path: `${path}/import`,
      summary: 'Take over key and certificate of a certificate authority that was elsewhere',
      description: 'It is configured with `key: external`. The first key is in use at once, a later one is staged.',
      body: z.strictObject({
        key: z
          .string()
          .max(349_528)
          .optional()
          .describe('PEM, or PKCS #8 or PKCS #12 in base64; certificates in it need not be given again'),
        keyReference: z
          .string()
          .min(1)
          .max(255)
          .optional()
          .describe('in place of `key`: what its `keyStore` calls the key, which is there already'),
        passphrase: passphrase.optional().describe('of an encrypted key'),
        certificates: certificates.optional(),
        crls: z
          .string()
          .max(longestCrls)
          .optional()
          .describe(
            'PEM: its last complete CRL, or one for each distribution point, 2 MiB in all; what they list stays revoked',
          ),
      }),
      bodyLimit: longestCrls + 1024 * 1024,
      refusals: { 409: 'its keys are made here, or it has a next generation' },
      handle: async ({ params: { name }, body, scope, actor }) => {
        await requireOperable(name, scope, services);
        const key = readImportedKey(body);
        const given = readPem(body.certificates ?? '');
        const crls = readPem(body.crls ?? '', 'X509 CRL');
        await importAuthority({ ca: name, key, certificates: given, crls, actor }, services);
        return await described(name, scope);
      },
    }),
  ];
}

/** @throws GatewayError `not-found`, `forbidden` for a CA that belongs to no division to who has rights in some only */
export async function requireOperable(name: string, scope: Scope, services: ApiServices): Promise<void> {
  const object = await getObject('certificate-authority', name, scope, services);
  if (covers(scope, divisionOf(object))) return;
  throw new GatewayError('forbidden', 'operating this certificate authority takes authority:operate in all divisions');
}

/** DER, of its certificates or CRLs. @throws GatewayError 'malformed-request' */
export function readPem(text: string, label: 'CERTIFICATE' | 'X509 CRL' = 'CERTIFICATE'): readonly Uint8Array[] {
  try {
    const found = fromPem(text, label);
    if (found.length === 0 && text.trim() !== '') throw new SyntaxError(`no PEM block ${label}`);
    return found;
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    const what = label === 'CERTIFICATE' ? 'certificates' : 'CRLs';
    throw new GatewayError('malformed-request', `the ${what} are no PEM: ${cause.message}`, { cause });
  }
}

interface ImportBody {
  readonly key?: string | undefined;
  readonly keyReference?: string | undefined;
  readonly passphrase?: string | undefined;
}

function readImportedKey({ key, keyReference: reference, passphrase }: ImportBody): ImportedKey {
  if (reference !== undefined && key === undefined) return { reference };
  if (key !== undefined && reference === undefined) return { content: readKey(key), passphrase };
  throw new GatewayError('malformed-request', 'give either key or keyReference');
}

function readKey(text: string): Uint8Array {
  if (text.includes('-----BEGIN ')) return Buffer.from(text, 'latin1');
  const base64 = text.replace(/\s/g, '');
  if (base64.length === 0 || base64.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) {
    throw new GatewayError('malformed-request', 'the key is neither PEM nor base64');
  }
  return Buffer.from(base64, 'base64');
}
