/** What operators do with certificates over the management API: revoke, hold, release, and have them replaced. */
import { z } from 'zod';
import { type CertificateJson, certificateSchema } from '../certificates/describe.js';
import { describeCertificate } from '../certificates/find.js';
import { planReplacements } from '../certificates/replacements.js';
import { releaseOne, revokeMany, revokeOne } from '../certificates/revocations.js';
import { requireVisible } from '../certificates/visible.js';
import { finalReasons } from '../enrollment/revocation-reason.js';
import { nameSchema } from '../model/label.js';
import { certificateIdSchema, certificateParams } from './certificate-params.js';
import { type Call, defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const time = z.iso.datetime({ offset: true, message: 'a date and time as RFC 3339 has it' });

const revocationFields = {
  reason: z.enum(finalReasons).default('unspecified').describe('as RFC 5280 5.3.1 has them'),
  invalidityDate: time.optional().describe('since when the key is suspected (RFC 5280 5.3.2): not in the future'),
};

const outcomeSchema = z
  .strictObject({
    id: z.string(),
    outcome: z.enum(['revoked', 'refused']),
    code: z.string().optional().describe('of the refusal'),
    reason: z.string().optional().describe('why it was refused'),
  })
  .meta({ id: 'RevocationOutcome' });

const selectionSchema = z
  .strictObject({
    certificate: certificateIdSchema.optional(),
    policy: nameSchema.optional(),
    profile: nameSchema.optional(),
    issuer: nameSchema.optional().describe('a CA generation'),
    issuedBefore: time.optional(),
  })
  .refine((selection) => Object.keys(selection).length > 0, 'say which certificates: one condition or more')
  .describe('certificates that are valid now and fit every condition')
  .meta({ id: 'ReplacementSelection' });

const plannedSchema = z
  .strictObject({ certificates: z.number().int().describe('how many') })
  .meta({ id: 'PlannedReplacement' });

export function certificateActionOperations(services: ApiServices): readonly Operation[] {
  const present = { tag: 'Certificates', method: 'post', status: 200 } as const;
  const ofOne = {
    ...present,
    permission: 'certificate:revoke',
    params: certificateParams,
    answer: certificateSchema,
    isTagged: true,
  } as const;
  return [
    defineOperation({
      ...ofOne,
      id: 'revokeCertificate',
      path: '/certificates/{id}/revoke',
      summary: 'Revoke a certificate for good, also from hold',
      description: 'The CRL has it a second later.',
      body: z.strictObject(revocationFields),
      refusals: { 409: 'it is revoked already' },
      handle: (call) => {
        const { params, body, scope, actor } = call;
        return actOn(call, services, () => revokeOne(params.id, scope, { ...readRevocation(body), actor }, services));
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'holdCertificate',
      path: '/certificates/{id}/hold',
      summary: 'Put a certificate on hold',
      refusals: { 409: 'it is not valid' },
      handle: (call) => {
        const { params, scope, actor } = call;
        return actOn(call, services, () => revokeOne(params.id, scope, { reason: 'certificateHold', actor }, services));
      },
    }),
    defineOperation({
      ...ofOne,
      id: 'releaseCertificate',
      path: '/certificates/{id}/release',
      summary: 'Release a certificate from hold',
      refusals: { 409: 'it is not on hold' },
      handle: (call) => {
        const { params, scope, actor } = call;
        return actOn(call, services, () => releaseOne(params.id, scope, { actor }, services));
      },
    }),
    defineOperation({
      ...present,
      id: 'revokeCertificates',
      path: '/certificates/revocations',
      summary: 'Revoke up to 1000 certificates, each for itself',
      description: 'What refuses one keeps none of the others back. For more, or by conditions, there are jobs.',
      permission: 'certificate:revoke',
      body: z.strictObject({
        ids: z
          .array(certificateIdSchema)
          .min(1)
          .max(1000)
          .refine((ids) => new Set(ids).size === ids.length, 'each certificate once'),
        ...revocationFields,
      }),
      answer: z.strictObject({ outcomes: z.array(outcomeSchema).describe('in the order of the ids') }),
      handle: async ({ body, scope, actor }) => {
        const { ids, ...revocation } = body;
        const outcomes = await revokeMany(ids, scope, { ...readRevocation(revocation), actor }, services);
        return { value: { outcomes: [...outcomes] } };
      },
    }),
    defineOperation({
      ...present,
      id: 'planReplacements',
      path: '/certificates/replacement-plans',
      summary: 'Have certificates replaced until a time',
      description:
        'Clients that ask when to renew (RFC 9773) are told a time from now until then. Nothing is sent or revoked. Who has rights in some divisions only names a policy or a certificate.',
      permission: 'certificate:renew',
      body: z.strictObject({
        by: time.describe('until when: in the future'),
        explanationUrl: z
          .url({ protocol: /^https?$/ })
          .max(2000)
          .optional()
          .describe('a page that tells holders why'),
        selection: selectionSchema,
      }),
      answer: plannedSchema,
      handle: async ({ body, scope, actor }) => {
        const { by, explanationUrl, selection } = body;
        const plan = { by: new Date(by), ...(explanationUrl === undefined ? {} : { explanationUrl }), actor };
        return { value: { certificates: await planReplacements(selection, scope, plan, services) } };
      },
    }),
    defineOperation({
      ...present,
      id: 'cancelReplacements',
      path: '/certificates/replacement-plans/cancel',
      summary: 'Take such plans back',
      permission: 'certificate:renew',
      body: z.strictObject({ selection: selectionSchema }),
      answer: plannedSchema,
      handle: async ({ body, scope, actor }) => ({
        value: { certificates: await planReplacements(body.selection, scope, { actor }, services) },
      }),
    }),
  ];
}

/** Does `work` if the certificate is still as the caller has seen it; answers what it is afterwards. */
async function actOn(
  { params, scope, requireMatch }: Pick<Call<{ id: string }, unknown, unknown>, 'params' | 'scope' | 'requireMatch'>,
  services: ApiServices,
  work: () => Promise<void>,
): Promise<{ readonly value: CertificateJson }> {
  await requireVisible(params.id, scope, services);
  requireMatch(await describeCertificate(params.id, services));
  await work();
  return { value: await describeCertificate(params.id, services) };
}

function readRevocation({ reason, invalidityDate }: z.output<z.ZodObject<typeof revocationFields>>) {
  return { reason, ...(invalidityDate === undefined ? {} : { invalidityDate: new Date(invalidityDate) }) };
}
