/** Identifiers of orders (RFC 8555 7.1.4, RFC 8738, draft-ietf-acme-device-attest): their syntax and usual form. */
import { domainToASCII, domainToUnicode } from 'node:url';
import { z } from 'zod';
import { type AcmeIdentifier, type AcmeIdentifierType, acmeIdentifierTypes } from '../../src/model/acme.js';
import { formatIpAddress, parseIpAddress } from '../../src/x509/ip-address.js';
import { AcmeError, type ProblemType, type Subproblem } from './problem.js';

/** As clients send one. */
export const identifierSchema = z.object({ type: z.string().max(100), value: z.string().max(2048) });
type SentIdentifier = z.output<typeof identifierSchema>;

/** How many an order may have. */
export const maximumIdentifiers = 100;

/**
 * The identifiers in their usual form, each once.
 * @throws AcmeError `unsupportedIdentifier`, `rejectedIdentifier`, `malformed` or `compound`, with a subproblem for each wrong one
 */
export function readIdentifiers(sent: readonly SentIdentifier[]): AcmeIdentifier[] {
  const found = new Map<string, AcmeIdentifier>();
  const problems: Subproblem[] = [];
  if (sent.length > maximumIdentifiers) {
    throw new AcmeError('malformed', `an order is for at most ${maximumIdentifiers} identifiers; make several orders`);
  }
  for (const each of sent) {
    const identifier = normalize(each);
    const verdict = identifier === undefined ? unsupported : syntax[identifier.type](identifier.value);
    if (verdict !== undefined) {
      const [type, reason] = verdict;
      problems.push({ type, detail: `${shown(each.value)} ${reason}`, identifier: each });
    } else if (identifier !== undefined) {
      found.set(identifierKey(identifier), identifier);
    }
  }
  refuseIdentifiers(problems);
  return [...found.values()];
}

/** Refuses for one or several identifiers at once (RFC 8555 6.7.1); for none nothing happens. @throws AcmeError */
export function refuseIdentifiers(problems: readonly Subproblem[]): void {
  const [first, ...others] = problems;
  if (first === undefined) return;
  const type = others.every((other) => other.type === first.type) ? first.type : 'compound';
  const detail = others.length === 0 ? first.detail : `${problems.length} identifiers are refused; see the subproblems`;
  throw new AcmeError(type, detail, { subproblems: problems });
}

/** Text that two identifiers share only if they are the same. */
export function identifierKey({ type, value }: AcmeIdentifier): string {
  return `${type}:${value}`;
}

/** The name of which an authorization is: that of a wildcard is of the domain below it (RFC 8555 7.1.3). */
export function baseOf({ type, value }: AcmeIdentifier): { identifier: AcmeIdentifier; isWildcard: boolean } {
  const isWildcard = type === 'dns' && value.startsWith('*.');
  return { identifier: { type, value: isWildcard ? value.slice(2) : value }, isWildcard };
}

function normalize({ type, value }: SentIdentifier): AcmeIdentifier | undefined {
  if (!isSupported(type)) return undefined;
  return { type, value: type === 'dns' || type === 'hardware-module' ? value.toLowerCase() : value };
}

function isSupported(type: string): type is AcmeIdentifierType {
  return (acmeIdentifierTypes as readonly string[]).includes(type);
}

type Verdict = readonly [ProblemType, string] | undefined;

const unsupported: Verdict = [
  'unsupportedIdentifier',
  `is of a type that is not supported; the types are ${acmeIdentifierTypes.join(', ')}`,
];

const syntax: Readonly<Record<AcmeIdentifierType, (value: string) => Verdict>> = {
  dns: dnsProblem,
  ip: ipProblem,
  'permanent-identifier': (value) =>
    permanentIdentifier.test(value) && value.trim() === value
      ? undefined
      : ['rejectedIdentifier', 'is no permanent identifier: 1 to 255 printable characters'],
  'hardware-module': (value) =>
    value.length <= 255 && hardwareModule.test(value)
      ? undefined
      : ['rejectedIdentifier', 'is no hardware module: give its type as dotted OID, a colon, and its number in hex'],
};

function dnsProblem(value: string): Verdict {
  const host = value.startsWith('*.') ? value.slice(2) : value;
  if (value.length > 253 || !hostName.test(host)) return ['rejectedIdentifier', 'is no DNS name'];
  // A last label of digits makes it an IP address to those who verify it.
  if (finalDigits.test(host)) {
    return ['rejectedIdentifier', 'is no DNS name but looks like an IP address; use an identifier of type ip'];
  }
  // RFC 8555 7.1.4: what begins like an internationalized label has to be one.
  if (punycode.test(host) && domainToASCII(domainToUnicode(host)) !== host) {
    return ['rejectedIdentifier', 'has a label that is no proper IDNA encoding'];
  }
  return undefined;
}

/** RFC 8738 3: there is one text for each address. */
function ipProblem(value: string): Verdict {
  const octets = parseIpAddress(value);
  if (octets === undefined) return ['malformed', 'is no IP address'];
  const usual = formatIpAddress(octets);
  return usual === value ? undefined : ['malformed', `is not the usual form of the address, which is ${usual}`];
}

function shown(text: string): string {
  return JSON.stringify(text.length > 100 ? `${text.slice(0, 100)}…` : text);
}

const hostName = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const finalDigits = /(?:^|\.)[0-9]+$/;
const punycode = /(?:^|\.)xn--/;
const permanentIdentifier = /^[^\p{C}]{1,255}$/u;
const hardwareModule = /^[0-2](?:\.(?:0|[1-9][0-9]{0,14})){1,31}:(?:[0-9a-f]{2})+$/;
