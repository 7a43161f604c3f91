/** The dry run of a certificate management policy: what would become of a request, and why. */
import { isIP } from 'node:net';
import { z } from 'zod';
import { covers, type Scope } from '../access/principal.js';
import { type CertificateWish, readWish } from '../enrollment/certificate-wish.js';
import { evaluate } from '../enrollment/evaluate.js';
import type { WouldBeCaller } from '../enrollment/would-be-caller.js';
import { errorCodes, GatewayError } from '../errors.js';
import { generatedKeyTypeSchema } from '../model/key-constraints.js';
import { nameSchema } from '../model/label.js';
import { methodSchema } from '../model/protocol-name.js';
import { fromPem } from '../x509/pem.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

export function policyEvaluationOperations(services: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      id: 'evaluateCertificatePolicy',
      method: 'post',
      path: '/certificate-policies/{name}/evaluate',
      tag: 'Certificate policies',
      summary: 'Dry run: what would become of a request',
      description:
        'Takes a request and a would-be caller, and answers every step and rule that would run, and the certificate that would be issued. ' +
        'It issues, consumes, counts and records nothing. A refusal is an answer like any other: see `outcome`. ' +
        'Certificates of divisions that you may not see are not there for it.',
      permission: 'configuration:read',
      params: z.strictObject({ name: nameSchema }),
      query: z.strictObject({
        group: nameSchema.optional().describe('the device group that the label names, as in `<policy>~<group>`'),
      }),
      body: questionSchema,
      answer: evaluationSchema,
      status: 200,
      handle: async ({ params, query, body, scope, actor }) => {
        requireVisible(params.name, scope, services);
        const label = query.group === undefined ? params.name : `${params.name}~${query.group}`;
        const { protocol, operation, profile, notAfter, at, caller } = body;
        const value = await evaluate(
          {
            label,
            protocol,
            operation,
            wish: readBodyWish(body),
            caller: readCaller(caller, actor),
            ...(profile === undefined ? {} : { profileHint: profile }),
            ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
            ...(at === undefined ? {} : { at: new Date(at) }),
            ...(scope === 'everywhere' ? {} : { divisions: scope }),
          },
          services,
        );
        // Its lists are readonly, those of the schema are not.
        return { value: evaluationSchema.parse(value) };
      },
    }),
  ];
}

const pem = z.string().max(65_536);
const text = z.string().max(4096);
const alternatives = z.array(text).max(100).optional();
const time = z.iso.datetime({ offset: true });

const callerSchema = z
  .strictObject({
    credential: nameSchema
      .optional()
      .describe('name of a credential of the authentication policy, whose secret the caller knows'),
    username: text.optional().describe('that the caller presents with it; the right one where absent'),
    certificate: pem
      .optional()
      .describe("PEM: the caller's certificate, and those that lead up from it; the caller has its key"),
    issuedCertificate: text.optional().describe('id of a certificate that was issued here, which the caller presents'),
    device: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('name of a device: for which an operator asks, or else whose latest valid certificate is presented'),
    operator: z.literal(true).optional().describe('a person or program that manages the gateway, such as you'),
    remoteAddress: z
      .string()
      .refine((address) => isIP(address) !== 0, 'an IP address')
      .optional()
      .describe('IP address that the caller has; 127.0.0.1 where absent'),
  })
  .refine(({ certificate, issuedCertificate, device, operator }) => {
    const certificates = [certificate, issuedCertificate, operator ? undefined : device];
    return certificates.filter((given) => given !== undefined).length <= 1;
  }, 'a caller presents one certificate: give certificate, issuedCertificate or device')
  .refine(
    ({ credential, username }) => username === undefined || credential !== undefined,
    'a username goes with a credential',
  )
  .meta({ id: 'WouldBeCaller' });

const questionSchema = z
  .strictObject({
    protocol: methodSchema.describe('over which the request would come'),
    operation: z
      .enum(['enroll', 'reenroll', 'either'])
      .default('either')
      .describe('`either`: re-enrollment where a certificate from here authenticates it, else a first enrollment'),
    csr: pem.optional().describe('PKCS #10 request, PEM'),
    publicKey: pem.optional().describe('SubjectPublicKeyInfo, PEM; its possession is taken to be proved'),
    generateKey: z
      .strictObject({ type: generatedKeyTypeSchema.optional() })
      .optional()
      .describe('the gateway makes the key'),
    subject: text.optional().describe('RFC 4514 text, such as `CN=pump-17,O=Plant`; not with a csr'),
    subjectAltNames: z
      .strictObject({ dns: alternatives, ip: alternatives, email: alternatives, uri: alternatives })
      .optional()
      .describe('not with a csr'),
    profile: nameSchema.optional().describe('the certificate profile that the caller chooses'),
    notAfter: time.optional().describe('the end of validity that the caller asks for'),
    caller: callerSchema.default({}),
    at: time.optional().describe('when it would be; now where absent. What is on record is taken as it is now'),
  })
  .meta({ id: 'PolicyEvaluationQuestion' });

const describedCertificateSchema = z
  .strictObject({
    issuer: z.string().describe('RFC 4514 text'),
    subject: z.string().describe('RFC 4514 text'),
    subjectAltNames: z.array(z.string()).describe('each with its kind, such as `dns:pump-17.example`'),
    publicKey: z.strictObject({
      kind: z.string().describe('such as `ec P-256`'),
      fingerprint: z.string().describe('SHA-256 of the SubjectPublicKeyInfo, lower-case hex'),
    }),
    notBefore: z.string(),
    notAfter: z.string(),
    isCa: z.boolean(),
    keyUsages: z.array(z.string()),
    extendedKeyUsages: z.array(z.string()).describe('names, or object identifiers'),
    extensions: z.array(
      z.strictObject({
        id: z.string().describe('object identifier'),
        name: z.string(),
        critical: z.boolean(),
        value: z.string().describe('words where they say it all, else DER in hex'),
      }),
    ),
  })
  .meta({ id: 'DescribedCertificate' });

const evaluationSchema = z
  .strictObject({
    outcome: z
      .enum(['approved', 'pending', 'denied', 'refused-before'])
      .describe("`refused-before`: before the policy's rules were asked"),
    code: z.enum(errorCodes).optional().describe('of a refusal'),
    reason: z.string().optional().describe('of a refusal; who shows a wrong secret is told less'),
    trace: z
      .array(
        z.strictObject({
          rule: z.string(),
          outcome: z.enum(['ok', 'changed', 'denied', 'pending']),
          said: z.string(),
        }),
      )
      .describe('every step and rule that ran, in order'),
    requester: z.string().optional().describe('what records would call the caller'),
    operation: z.enum(['enroll', 'reenroll']).optional(),
    profile: z.string().optional(),
    usage: z.enum(['bootstrap', 'operational', 'intermediate', 'service']).optional(),
    device: z.string().optional().describe('name of the device'),
    isNewDevice: z.boolean().optional().describe('whether it would be registered by this'),
    certificate: describedCertificateSchema
      .optional()
      .describe('where it is approved, or would be by people; a key that the gateway makes is another one then'),
    modified: z.array(z.string()).describe('what differs from what was asked for'),
    revokes: z.array(z.string()).describe('ids of the certificates that it would take the place of'),
  })
  .meta({ id: 'PolicyEvaluation' });

function requireVisible(name: string, scope: Scope, { catalog }: ApiServices): void {
  const resolved = catalog().policies.get(name);
  if (resolved && covers(scope, resolved.policy.division)) return;
  throw new GatewayError('not-found', `there is no certificate policy "${name}"`);
}

function readBodyWish({
  csr,
  publicKey,
  generateKey,
  subject,
  subjectAltNames = {},
}: z.output<typeof questionSchema>): CertificateWish {
  return readWish({ csr, publicKey, generateKey, subject, subjectAltNames });
}

function readCaller(
  { certificate, operator, ...caller }: z.output<typeof callerSchema>,
  { name, person }: Call<unknown, unknown, unknown>['actor'],
): WouldBeCaller {
  return {
    ...caller,
    ...(operator ? { operator: { name, person } } : {}),
    ...(certificate === undefined ? {} : { certificateChain: readChain(certificate) }),
  };
}

function readChain(certificate: string): readonly Uint8Array[] {
  try {
    const chain = fromPem(certificate, 'CERTIFICATE');
    if (chain.length > 0) return chain;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new GatewayError('malformed-request', 'caller.certificate must be PEM blocks: CERTIFICATE');
}
