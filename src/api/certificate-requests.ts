/** Certificates that operators ask for over the management API: first ones and renewals. */
import { z } from 'zod';
import { certificateSchema } from '../certificates/describe.js';
import { describeCertificate } from '../certificates/find.js';
import { issueCertificate } from '../certificates/issue.js';
import type { OperatorResult } from '../certificates/operator-request.js';
import { renewCertificate } from '../certificates/renew.js';
import { requireVisible } from '../certificates/visible.js';
import { deliverKey, takePlace } from '../cms/key-delivery.js';
import { type KeyDelivery, keyDeliverySchema } from '../model/key-delivery.js';
import { toPem } from '../x509/pem.js';
import { certificateParams } from './certificate-params.js';
import { type Answer, defineOperation, type Operation } from './operation.js';
import type { ApiServices } from './services.js';

const text = z
  .string()
  .max(4096)
  .refine((value) => !/\p{Cc}/u.test(value), 'a text has no control characters');
const alternatives = z.array(text).max(100).optional();
const csr = z.string().max(65_536).describe('PKCS #10 in PEM; its signature proves possession of the key');
const gatewayKey = keyDeliverySchema.describe('the gateway makes the key, and answers with it once, in this form');

const namesSchema = {
  subject: text.optional().describe('RFC 4514 text'),
  subjectAltNames: z
    .strictObject({ dns: alternatives, ip: alternatives, email: alternatives, uri: alternatives })
    .optional(),
};

const outcomeSchema = z
  .strictObject({
    status: z.enum(['issued', 'pending']),
    request: z.string().optional().describe('the id of the request that waits for people'),
    certificate: certificateSchema.optional(),
    pem: z.string().optional(),
    chain: z.array(z.string()).optional().describe('PEM, from the issuer up to the root'),
    modified: z.array(z.string()).optional().describe('what differs from what was asked for'),
    privateKey: z.string().optional().describe('PEM; it is nowhere else'),
    pkcs12: z.string().optional().describe('base64; it is nowhere else'),
  })
  .meta({ id: 'CertificateOutcome' });
type Outcome = z.input<typeof outcomeSchema>;

const methods = ['portal', 'rest'] as const;
const waits =
  'Where the policy wants people to approve it the status is 202: ask `GET /requests/{id}` what has become of it, or, where the gateway is to make the key, send this again. Sent again within an hour it gets the same certificate; a key that the gateway makes is another one then, and its certificate takes the place of the first.';

const issueBody = z
  .strictObject({
    policy: z
      .string()
      .max(200)
      .describe('`<policy>` or `<policy>~<device group>`; `portal` or `rest` has to be among its methods'),
    csr: csr.optional(),
    generateKey: gatewayKey.optional(),
    ...namesSchema,
    profile: text.optional().describe('the name of one of the certificate profiles of the policy'),
    notAfter: z.iso.datetime({ offset: true }).optional(),
    device: z
      .string()
      .min(1)
      .max(255)
      .optional()
      .describe('the name of the device that it is for, if that is not left to its names'),
  })
  .refine((body) => (body.csr === undefined) !== (body.generateKey === undefined), 'give either csr or generateKey')
  .refine(
    (body) => body.csr === undefined || (body.subject === undefined && body.subjectAltNames === undefined),
    'the names are those of the csr: leave subject and subjectAltNames out',
  );

const renewBody = z
  .strictObject({
    key: z.literal('same').optional().describe('the same key'),
    csr: csr
      .optional()
      .describe('the key of a PKCS #10 request in PEM; without names it asks for those of the certificate'),
    generateKey: gatewayKey.optional(),
  })
  .refine((body) => Object.keys(body).length === 1, 'give one of key, csr and generateKey');

export function certificateRequestOperations(services: ApiServices): readonly Operation[] {
  return [
    defineOperation({
      id: 'issueCertificate',
      method: 'post',
      path: '/certificates',
      tag: 'Certificates',
      summary: 'Ask for a certificate in the place of a device',
      description: waits,
      permission: 'certificate:request',
      status: 201,
      body: issueBody,
      answer: outcomeSchema,
      refusals: { 202: 'it waits for people', 422: 'the policy, the key or the names do not do' },
      handle: async ({ body, scope, actor }) => {
        const { policy: label, csr: pem, generateKey, profile, notAfter, device } = body;
        const key =
          pem === undefined
            ? ({
                kind: 'gateway',
                ...keyWish(generateKey),
                subject: body.subject,
                subjectAltNames: body.subjectAltNames,
              } as const)
            : ({ kind: 'csr', csr: pem } as const);
        return await delivering(generateKey, services, () =>
          issueCertificate(
            {
              label,
              key,
              profile,
              ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }),
              ...(device === undefined ? {} : { device }),
              scope,
              actor,
              methods,
            },
            services,
          ),
        );
      },
    }),
    defineOperation({
      id: 'renewCertificate',
      method: 'post',
      path: '/certificates/{id}/renew',
      tag: 'Certificates',
      summary: 'Renew a certificate in the place of its holder',
      description: `With its names, by the rules of its profile: window, grace, and whether the key may stay. \`portal\` or \`rest\` has to be among the methods of its policy. ${waits}`,
      permission: 'certificate:renew',
      status: 201,
      params: certificateParams,
      body: renewBody,
      answer: outcomeSchema,
      isTagged: true,
      refusals: { 202: 'it waits for people', 409: 'it is revoked, replaced already, or it is not time yet' },
      handle: async ({ params, body, scope, actor, requireMatch }) => {
        await requireVisible(params.id, scope, services);
        requireMatch(await describeCertificate(params.id, services));
        const { csr: pem, generateKey } = body;
        const key = generateKey
          ? ({ kind: 'gateway', ...keyWish(generateKey) } as const)
          : pem === undefined
            ? ({ kind: 'same' } as const)
            : ({ kind: 'csr', csr: pem } as const);
        return await delivering(generateKey, services, () =>
          renewCertificate({ certificateId: params.id, key, scope, actor, methods }, services),
        );
      },
    }),
  ];
}

function keyWish(delivery: KeyDelivery | undefined) {
  return { type: delivery?.type, ...(delivery ? { form: delivery.format } : {}) };
}

async function delivering(
  delivery: KeyDelivery | undefined,
  services: ApiServices,
  ask: () => Promise<OperatorResult>,
): Promise<Answer<Outcome>> {
  const leave = takePlace(delivery);
  try {
    return await answerOf(await ask(), delivery, services);
  } finally {
    leave();
  }
}

async function answerOf(
  result: OperatorResult,
  delivery: KeyDelivery | undefined,
  services: ApiServices,
): Promise<Answer<Outcome>> {
  if (result.outcome === 'pending') {
    const { requestId } = result;
    return { status: 202, location: `/requests/${requestId}`, value: { status: 'pending', request: requestId } };
  }
  const { record, certificate, chain, modified } = result;
  return {
    location: `/certificates/${record.id}`,
    value: {
      status: 'issued',
      certificate: await describeCertificate(record.id, services),
      pem: toPem('CERTIFICATE', certificate),
      chain: chain.map((der) => toPem('CERTIFICATE', der)),
      modified: [...modified],
      ...(delivery ? await deliverKey(result, delivery) : {}),
    },
  };
}
