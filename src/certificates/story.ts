/** Stories from the audit log: what has happened to a certificate, or to a request, and why. */
import { z } from 'zod';
import type { EnrollmentServices } from '../enrollment/services.js';
import { decodeMessage } from '../enrollment/stored-message.js';
import type { AuditEventRecord } from '../store/audit-repository.js';
import { type CertificateRecord, certificateId } from '../store/certificate-record.js';
import type { EnrollmentTransactionRecord } from '../store/enrollment-transaction-repository.js';

type Services = Pick<EnrollmentServices, 'store'>;
type Event = Pick<AuditEventRecord, 'sequence' | 'content'>;

/** There are few of one thing; of something with more, the latest. */
const maximumEvents = 200;

/** From the request that it answers, with what people said to that, to its end. Oldest first. */
export async function certificateStory(
  { id, requestId }: Pick<CertificateRecord, 'id' | 'requestId'>,
  services: Services,
): Promise<readonly Event[]> {
  const { audit } = services.store;
  const [own, request] = await Promise.all([
    audit.list({ subject: id, limit: maximumEvents }),
    eventsOfRequest(requestId, services),
  ]);
  return inOrder([...own, ...request]);
}

/**
 * What is on record for a request: how it was decided, what people said to it, and what has become of the certificate that it got
 * or was about. Oldest first; nothing where nothing is.
 */
export async function requestStory(
  requestId: string,
  transaction: EnrollmentTransactionRecord | undefined,
  services: Services,
): Promise<readonly Event[]> {
  const { audit } = services.store;
  const about = await eventsOfRequest(requestId, services);
  const issued = certificateOf(transaction, about);
  const ofIssued = issued === undefined ? [] : await audit.list({ subject: issued, limit: maximumEvents });
  return inOrder([...about, ...ofIssued, ...(await eventsOfRevocation(transaction, services))]);
}

async function eventsOfRequest(requestId: string, { store }: Services): Promise<readonly AuditEventRecord[]> {
  const [own, about] = await Promise.all([
    store.audit.findById({ id: requestId }),
    store.audit.list({ subject: requestId, limit: maximumEvents }),
  ]);
  return [...(own ? [own] : []), ...about];
}

/** As the answer that is kept says, or, when it is not any more, the events. */
function certificateOf(
  transaction: EnrollmentTransactionRecord | undefined,
  about: readonly AuditEventRecord[],
): string | undefined {
  const { certificateIssuer, certificateSerial } = transaction ?? {};
  if (certificateIssuer != null && certificateSerial != null)
    return certificateId(certificateIssuer, certificateSerial);
  for (const { action, subject, content } of about) {
    if (action === 'certificate.issued') return subject;
    const { certificate } = approvalSchema.parse(JSON.parse(content));
    if (action === 'request.approved' && certificate !== undefined) return certificate;
  }
  return undefined;
}

const approvalSchema = z.looseObject({ certificate: z.string().optional() });

/** What was done to the certificate by this request, among all that happened to it. */
async function eventsOfRevocation(
  transaction: EnrollmentTransactionRecord | undefined,
  { store }: Services,
): Promise<readonly AuditEventRecord[]> {
  const message = transaction && decodeMessage(transaction.request);
  if (message?.kind !== 'revocation') return [];
  const subject = certificateId(message.issuerId, message.serialNumber);
  const events = await store.audit.list({ subject, limit: maximumEvents });
  return events.filter(({ content }) => JSON.parse(content).requestId === transaction?.requestId);
}

function inOrder(events: readonly Event[]): readonly Event[] {
  const bySequence = new Map(events.map((event) => [event.sequence, event]));
  return [...bySequence.values()].sort((a, b) => a.sequence - b.sequence);
}

export const storyEventSchema = z
  .looseObject({
    sequence: z.number().int().describe('its place in the audit log'),
    id: z.string(),
    at: z.iso.datetime(),
    action: z.string(),
    outcome: z.string(),
    subject: z.string().describe('the id of what it is about'),
  })
  .describe('with whatever else is on record: who and from where, under which policy, and the trace of the decision')
  .meta({ id: 'StoryEvent' });

/** An event for programs: with its place in the log, its time as text. */
export function storyEventJson({ content, sequence }: Event): z.input<typeof storyEventSchema> {
  const event = contentSchema.parse(JSON.parse(content));
  return { sequence, ...event, at: new Date(event.at).toISOString() };
}

const contentSchema = z.looseObject({
  id: z.string(),
  at: z.number(),
  action: z.string(),
  outcome: z.string(),
  subject: z.string(),
});
