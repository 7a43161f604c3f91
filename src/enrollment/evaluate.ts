/** The dry run: what would become of a request, and why, by the code that decides on real ones. */
import { GatewayError } from '../errors.js';
import type { Trace, TraceEntry } from '../policy/decision.js';
import type { Identity } from '../policy/identity.js';
import { selectProfile } from '../policy/select-profile.js';
import { certificateId } from '../store/certificate-record.js';
import { decodeTbsCertificate } from '../x509/certificate.js';
import { describeCertificate } from '../x509/describe-certificate.js';
import { authenticateRequest } from './authenticate-request.js';
import { requestedBy } from './certificate-wish.js';
import { decideOperation } from './enroll.js';
import type { Evaluation, EvaluationQuestion } from './evaluation.js';
import { type Approval, type Case, type Judgement, judge } from './judge.js';
import { identityFor } from './on-behalf.js';
import type { EnrollmentRequest } from './request.js';
import type { EnrollmentServices } from './services.js';
import { type EnrollmentTarget, findTarget, requireMethod } from './target.js';
import { throwAwayKey } from './throw-away-key.js';
import { checkSupplanted } from './updates.js';
import { withinDivisions } from './within-divisions.js';
import { type Presentation, presentCaller } from './would-be-caller.js';

/** What has come to be known on the way. */
interface Progress extends Partial<Pick<Evaluation, 'requester' | 'operation' | 'profile' | 'usage'>> {
  readonly steps: TraceEntry[];
  rules: Trace;
  isJudged: boolean;
}
type Known = { -readonly [Key in keyof Progress]: Progress[Key] };

/**
 * Evaluates a would-be request. It issues, consumes, counts and records nothing. A challenge webhook is not asked.
 * @throws GatewayError `internal` for a fault of ours; every refusal is an answer
 */
export async function evaluate(question: EvaluationQuestion, services: EnrollmentServices): Promise<Evaluation> {
  const known: Known = { steps: [], rules: [], isJudged: false };
  const { at = services.clock.now(), divisions } = question;
  const store = divisions ? withinDivisions(services.store, divisions, services.catalog) : services.store;
  const then = { ...services, store, clock: { now: () => at } };
  try {
    return await attempt(question, known, then);
  } catch (error) {
    if (!(error instanceof GatewayError) || error.code === 'internal') throw error;
    const { code, message: reason } = error;
    return { ...outline(known), outcome: known.isJudged ? 'denied' : 'refused-before', code, reason };
  }
}

async function attempt(question: EvaluationQuestion, known: Known, services: EnrollmentServices): Promise<Evaluation> {
  const { label, protocol, wish, caller } = question;
  const now = services.clock.now();
  const target = await step('label', known, () => findTarget(services.catalog(), label), describeTarget);
  const { resolved } = target;
  const { policy } = resolved;
  await step(
    'method',
    known,
    () => requireMethod(resolved, protocol),
    () => `policy ${policy.name} is open to ${protocol}`,
  );
  const requested = await step(
    'message',
    known,
    () => requestedBy(wish),
    () => ('csr' in wish ? 'the PKCS #10 request is signed with its own key' : 'names without a PKCS #10 request'),
  );
  const presented = await step(
    'caller',
    known,
    () => presentCaller(caller, { protocol, target, requested }, services),
    ({ remoteAddress }) => `from ${remoteAddress}`,
  );
  const request = requestOf(question, requested, presented);
  const identity = await step(
    'authentication',
    known,
    () => authenticateCaller(request, presented, target, services),
    describeRequester,
  );
  known.requester = identity.requester;
  const judgedAs = await step(
    'requester',
    known,
    () => requesterOf(request, identity, target, services),
    ({ issuedCertificate }) =>
      issuedCertificate
        ? `speaks for certificate ${certificateId(issuedCertificate.issuerId, issuedCertificate.serialNumber)}`
        : 'has no certificate from here',
  );
  checkRate(target, known, services);
  const { usage, profile } = await step(
    'profile',
    known,
    () => selectProfile(judgedAs, resolved, request),
    (selected) => `profile ${selected.profile.name} for ${selected.usage} use`,
  );
  known.profile = profile.name;
  known.usage = usage;
  const operation = await step(
    'operation',
    known,
    () => decideOperation(request.operation, judgedAs, usage, now),
    (decided) => (decided === 'enroll' ? 'a first enrollment' : 're-enrollment'),
  );
  known.operation = operation;
  const matter: Case = {
    ...target,
    policy,
    usage,
    profile,
    identity: judgedAs,
    request: { ...request, operation },
    approved: false,
    now,
  };
  return conclude(await judgeTwice(matter, known, services), known, services);
}

/** What is said of a step that has passed is for operators, as is the true reason of a refusal. */
async function step<T>(rule: string, known: Known, act: () => T | Promise<T>, say: (value: T) => string): Promise<T> {
  try {
    const value = await act();
    known.steps.push({ rule, outcome: 'ok', said: say(value) });
    return value;
  } catch (error) {
    if (error instanceof GatewayError) known.steps.push({ rule, outcome: 'denied', said: describeRefusal(error) });
    throw error;
  }
}

function describeRefusal({ message, cause }: GatewayError): string {
  const inside = cause instanceof Error ? cause.message : cause;
  return typeof inside === 'string' && inside !== '' ? `${message} (${inside})` : message;
}

function describeTarget({ resolved, group, isGroupNamed }: EnrollmentTarget): string {
  const { name, division } = resolved.policy;
  const which = isGroupNamed ? `devices of group ${group.name} only` : `new devices join group ${group.name}`;
  return `policy ${name} of division ${division}; ${which}`;
}

function requestOf(
  { label, protocol, operation, wish, notAfter, profileHint }: EvaluationQuestion,
  requested: EnrollmentRequest['requested'],
  { credentials, remoteAddress }: Presentation,
): EnrollmentRequest {
  const generateKey = 'csr' in wish ? undefined : wish.generateKey;
  return {
    protocol,
    label,
    operation,
    requested: { ...requested, ...(notAfter ? { notAfter } : {}) },
    credentials,
    remoteAddress,
    requestId: 'dry-run',
    ...(generateKey ? { generateKey } : {}),
    ...(profileHint === undefined ? {} : { profileHint }),
  };
}

async function authenticateCaller(
  request: EnrollmentRequest,
  { assumed }: Presentation,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Identity> {
  const { identity, isUsedUp } = await authenticateRequest(request, target, services.clock.now(), services, assumed);
  if (isUsedUp) throw new GatewayError('bad-secret', 'the credential is used up');
  return identity;
}

function describeRequester({ requester, credentials }: Identity): string {
  const used = credentials.map(({ kind, name }) => `${kind} "${name}"`);
  return [requester, ...(used.length === 0 ? [] : [`by ${used.join(' and ')}`])].join(', ');
}

async function requesterOf(
  request: EnrollmentRequest,
  authenticated: Identity,
  target: EnrollmentTarget,
  services: EnrollmentServices,
): Promise<Identity> {
  const identity = await identityFor(request, authenticated, target, services);
  if (request.protocol === 'cmp') await checkSupplanted(identity.issuedCertificate, services);
  return identity;
}

/** Looks at the limit, but does not count. */
function checkRate({ resolved }: EnrollmentTarget, { steps }: Known, { enrollments }: EnrollmentServices): void {
  const { name, limits } = resolved.policy;
  if (limits.perMinute === undefined) return;
  const count = enrollments.count(name);
  const said = `${count} of ${limits.perMinute} enrollments in this minute`;
  if (count < limits.perMinute) {
    steps.push({ rule: 'rate', outcome: 'ok', said });
    return;
  }
  steps.push({ rule: 'rate', outcome: 'denied', said });
  throw new GatewayError('rate-limited', `policy ${name} takes ${limits.perMinute} enrollments a minute; try again`);
}

interface Judged {
  readonly first: Judgement;
  readonly approval: Approval;
}

/** Where people have to approve, a second time as if they had: to show what they would approve. */
async function judgeTwice(matter: Case, known: Known, services: EnrollmentServices): Promise<Judged> {
  known.isJudged = true;
  const first = await judge(matter, services, (rules) => (known.rules = rules), throwAwayKey);
  if (first.decision.outcome === 'approved') return { first, approval: first.decision };
  const { decision } = await judge({ ...matter, approved: true }, services, () => undefined, throwAwayKey);
  if (decision.outcome === 'approved') return { first, approval: decision };
  throw new GatewayError('internal', 'an approved request waits for approval');
}

function conclude({ first, approval }: Judged, known: Known, { authority }: EnrollmentServices): Evaluation {
  const { device, deviceName, usage } = first.facts;
  const name = device?.name ?? deviceName;
  return {
    ...outline(known),
    outcome: first.decision.outcome,
    ...(name === undefined ? {} : { device: name }),
    ...(usage === 'service' ? {} : { isNewDevice: device === undefined }),
    certificate: describeCertificate(decodeTbsCertificate(authority.preview(approval.issuance))),
    modified: approval.modified,
    revokes: approval.revokes.map(({ issuerId, serialNumber }) => certificateId(issuerId, serialNumber)),
  };
}

function outline({ steps, rules, requester, operation, profile, usage }: Known): Omit<Evaluation, 'outcome'> {
  return {
    trace: [...steps, ...rules],
    ...(requester === undefined ? {} : { requester }),
    ...(operation === undefined ? {} : { operation }),
    ...(profile === undefined ? {} : { profile }),
    ...(usage === undefined ? {} : { usage }),
    modified: [],
    revokes: [],
  };
}
