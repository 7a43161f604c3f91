/** The way to a certificate: read the request, hand it to the core, put the result into JSON. */
import { deliverKey, takePlace } from '../../src/cms/key-delivery.js';
import type { EnrollmentRequest } from '../../src/enrollment/request.js';
import type { EnrollmentResult } from '../../src/enrollment/result.js';
import { GatewayError } from '../../src/errors.js';
import type { JsonObject } from '../../src/http/json.js';
import type { KeyDelivery } from '../../src/model/key-delivery.js';
import type { RequestedCertificate } from '../../src/model/requested-certificate.js';
import { type Exchange, originOf, type ProtocolServices, type Reply } from '../../src/protocol.js';
import { decodeCertificate } from '../../src/x509/certificate.js';
import { toPem } from '../../src/x509/pem.js';
import { readCsrPem, readProvenCsr } from '../../src/x509/written-request.js';
import { checkMembers, readJsonBody } from './body.js';
import { readCredentials } from './credentials.js';
import { type Place, readProvenKey } from './possession-proof.js';
import { readMessage } from './recorded.js';
import { jsonReply, pendingReply } from './reply.js';
import { readRequestedNames } from './requested-names.js';
import { csrRequestSchema, generateKeyRequestSchema, publicKeyRequestSchema, type Wishes } from './requests.js';
import { transactionId } from './transaction-id.js';

/** `POST …/enroll/<label>` and `…/renew`. @throws GatewayError */
export async function enroll(place: Place, exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const { request, delivery, leave } = await readMessage(place.operation, exchange, services, () => {
    const enrollment = readEnrollment(place, exchange);
    return { ...enrollment, leave: takePlace(enrollment.delivery) };
  });
  try {
    const result = await services.enroll(request);
    if (result.outcome === 'issued') return await issuedReply(result, delivery);
    // A key is made when its owner asks again, in a request that says how it is to be delivered.
    const location = delivery === undefined ? `/api/v1/enroll/${place.label}/requests/${result.requestId}` : undefined;
    return pendingReply(result.requestId, result.retryAfterSeconds, location);
  } finally {
    leave();
  }
}

/** `GET …/requests/<id>`: what has become of a request that waits. @throws GatewayError */
export async function poll(pendingId: string, exchange: Exchange, services: ProtocolServices): Promise<Reply> {
  const credentials = await readMessage('poll', exchange, services, () => readCredentials(exchange));
  const pending = { requestId: pendingId, credentials };
  const result = await services.poll({ ...originOf(exchange), protocol: 'rest', pending });
  if (result.outcome === 'issued') return await issuedReply(result, undefined);
  return pendingReply(result.requestId, result.retryAfterSeconds, undefined);
}

interface Enrollment {
  readonly request: EnrollmentRequest;
  /** Present where the gateway makes the key. */
  readonly delivery?: KeyDelivery;
}

/** What the three forms of requests have in common, once each is read. */
interface Wanted extends Pick<Enrollment, 'delivery'> {
  readonly wishes: Wishes;
  readonly requested: RequestedCertificate;
}

function readEnrollment(place: Place, exchange: Exchange): Enrollment {
  const credentials = readCredentials(exchange);
  const members = readJsonBody(exchange);
  const { wishes, requested, delivery } = formOf(members)(members, place, exchange);
  const { profile, notAfter } = wishes;
  const operation = place.operation === 'renew' ? 'reenroll' : 'enroll';
  // A key that was approved to be delivered encrypted does not leave in the clear.
  const named = delivery === undefined ? operation : `${operation} ${delivery.format}`;
  const request = {
    ...originOf(exchange),
    protocol: 'rest' as const,
    operation,
    transactionId: transactionId(named, wishes, requested),
    requested: { ...requested, ...(notAfter === undefined ? {} : { notAfter: new Date(notAfter) }) },
    credentials,
    ...(profile === undefined ? {} : { profileHint: profile }),
  } as const;
  if (delivery === undefined) return { request };
  const { type } = delivery;
  return { request: { ...request, generateKey: type === undefined ? {} : { type } }, delivery };
}

type ReadForm = (members: JsonObject, place: Place, exchange: Exchange) => Wanted;

function formOf(members: JsonObject): ReadForm {
  const [form, second] = [...forms].filter(([name]) => Object.hasOwn(members, name));
  if (form === undefined || second !== undefined) {
    throw new GatewayError('malformed-request', 'a request has one of the fields "csr", "publicKey" and "generateKey"');
  }
  return form[1];
}

const forms: ReadonlyMap<string, ReadForm> = new Map<string, ReadForm>([
  ['csr', readCsrForm],
  ['publicKey', readPublicKeyForm],
  ['generateKey', readGenerateKeyForm],
]);

function readCsrForm(members: JsonObject): Wanted {
  const wishes = checkMembers(csrRequestSchema, members);
  return { wishes, requested: readProvenCsr(readCsrPem('csr', wishes.csr)) };
}

function readPublicKeyForm(members: JsonObject, place: Place, exchange: Exchange): Wanted {
  const wishes = checkMembers(publicKeyRequestSchema, members);
  const names = readRequestedNames(wishes, renewedIn(place, exchange));
  return { wishes, requested: { ...names, ...readProvenKey(wishes, place) } };
}

function readGenerateKeyForm(members: JsonObject, place: Place, exchange: Exchange): Wanted {
  const wishes = checkMembers(generateKeyRequestSchema, members);
  return { wishes, requested: readRequestedNames(wishes, renewedIn(place, exchange)), delivery: wishes.generateKey };
}

function renewedIn({ operation }: Place, { tls }: Exchange): Uint8Array | undefined {
  return operation === 'renew' ? tls?.clientChain[0] : undefined;
}

type Issued = Extract<EnrollmentResult, { outcome: 'issued' }>;

async function issuedReply(issued: Issued, delivery: KeyDelivery | undefined): Promise<Reply> {
  const { certificate, chain, serialNumber, modified } = issued;
  return jsonReply(201, {
    certificate: toPem('CERTIFICATE', certificate),
    chain: chain.map((der) => toPem('CERTIFICATE', der)),
    serialNumber,
    notAfter: decodeCertificate(certificate)
      .notAfter.toISOString()
      .replace(/\.\d+Z$/, 'Z'),
    modified,
    ...(delivery === undefined ? {} : await deliverKey(issued, delivery)),
  });
}
