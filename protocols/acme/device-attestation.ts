/** Responses to device-attest-01 (draft-ietf-acme-device-attest): which device it is, and which key it keeps. */
import { z } from 'zod';
import { type GatewayError, isRefusal } from '../../src/errors.js';
import { originOf } from '../../src/protocol.js';
import { DerError } from '../../src/x509/der.js';
import { keyFingerprint, UnsupportedKeyError } from '../../src/x509/public-key.js';
import { type Attestation, verifyAttestation } from './attestation/attestation.js';
import { type Attested, commitFailed, commitValidated } from './authorization-outcome.js';
import type { ChallengeResponse, Responded } from './challenge.js';
import type { AccountRequest, AcmeContext } from './context.js';
import { readOctets, readPayload } from './payload.js';
import { AcmeError } from './problem.js';

/**
 * Verifies what was sent and commits what comes of it; a statement that is not accepted ends the authorization.
 * @throws AcmeError `malformed` for what cannot be read: the challenge stays as it is
 */
export async function attest(
  responded: Responded,
  { keyAuthorization }: ChallengeResponse,
  request: AccountRequest,
  context: AcmeContext,
  verify = verifyAttestation,
): Promise<void> {
  const { attObj } = readPayload(attestationSchema, request.payload);
  const object = readOctets(attObj, 'attObj');
  try {
    const attestation = verify(object, keyAuthorization);
    requireIdentifier(attestation, responded);
    const attestedKey = readKey(attestation);
    const attestedBy = await findAuthority(attestation, request, context);
    const attested: Attested = { attestedKey, attestedBy };
    await commitValidated(responded, request.policy.acme, context, attested);
  } catch (error) {
    if (!(error instanceof AcmeError) || error.type === 'malformed') throw error;
    await commitFailed(responded, error, context);
  }
}

const attestationSchema = z.object({ attObj: z.string() });

function requireIdentifier(attestation: Attestation, { record }: Responded): void {
  const { identifierType, identifierValue } = record;
  const { permanentIdentifiers, hardwareModules } = attestation;
  const attested = identifierType === 'hardware-module' ? hardwareModules : permanentIdentifiers;
  if (attested.includes(identifierValue)) return;
  throw badStatement(`the attestation does not say that the device is ${identifierValue}`);
}

function readKey({ attestedKey }: Attestation): string {
  try {
    return keyFingerprint(attestedKey);
  } catch (error) {
    if (!(error instanceof DerError) && !(error instanceof UnsupportedKeyError)) throw error;
    throw badStatement(`the attested key cannot be certified: ${error.message}`);
  }
}

/** The name of the authentication CA that the attestation chains to. */
async function findAuthority(
  { chain }: Attestation,
  { exchange }: AccountRequest,
  { services }: AcmeContext,
): Promise<string> {
  const requester = await authenticating(() =>
    services.authenticate({
      ...originOf(exchange),
      protocol: 'acme',
      operation: 'attestation',
      credentials: [{ kind: 'certificate', chain, proof: 'message' }],
    }),
  );
  const [authority] = requester.credentials;
  // What was issued here says who a device is, and nothing of where its keys are.
  if (requester.certificateUsage === undefined && authority !== undefined) return authority;
  throw badStatement('the attestation is by no authentication CA of the policy');
}

async function authenticating<Requester>(ask: () => Promise<Requester>): Promise<Requester> {
  try {
    return await ask();
  } catch (error) {
    if (!isRefusal(error) || error.code === 'rate-limited') throw error;
    throw badStatement(`the certificate of the attestation is not accepted: ${error.message}`, error);
  }
}

function badStatement(detail: string, cause?: GatewayError): AcmeError {
  return new AcmeError('badAttestationStatement', detail, { cause });
}
