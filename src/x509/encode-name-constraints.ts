/** Writes name constraints (RFC 5280 4.2.1.10), from what operators write for their subtrees. */

import { constrainedForms, type FixedNameConstraints } from '../model/name-constraints.js';
import { Tag } from './der.js';
import { sequence, tlv } from './der-writer.js';
import { encodeGeneralName, type GeneralName } from './general-names.js';
import { parseIpAddress } from './ip-address.js';
import { encodeName } from './names.js';
import { parseName } from './parse-name.js';

/** The base of a GeneralSubtree; that of `ip` is a CIDR network in place of an address. */
export type NameSubtree = Extract<
  GeneralName,
  { readonly type: 'dns' | 'email' | 'uri' } | { readonly type: 'ip' } | { readonly type: 'directoryName' }
>;

/** Encodes the value of the extension, which is critical always. @throws RangeError without any subtree, or for one that is malformed */
export function encodeNameConstraints(subtrees: {
  readonly permitted: readonly NameSubtree[];
  readonly excluded: readonly NameSubtree[];
}): Uint8Array {
  const { permitted, excluded } = subtrees;
  // RFC 5280 4.2.1.10: never an empty sequence.
  if (permitted.length + excluded.length === 0) throw new RangeError('name constraints without subtrees');
  return sequence(encodeSubtrees(0, permitted), encodeSubtrees(1, excluded));
}

type Report = (path: readonly (string | number)[], message: string) => void;

/** Reads a CA's as they are configured: those subtrees that can be read; the others are reported. */
export function readNameConstraints(nameConstraints: FixedNameConstraints, report: Report) {
  const read = (list: 'permitted' | 'excluded'): readonly NameSubtree[] =>
    nameConstraints[list].flatMap((rule, i) => readSubtree(rule, ['nameConstraints', list, i], report) ?? []);
  return { permitted: read('permitted'), excluded: read('excluded') };
}

/** One of them, which stands at `path`. */
export function readSubtree(
  rule: FixedNameConstraints['permitted'][number],
  path: readonly (string | number)[],
  report: Report,
): NameSubtree | undefined {
  const form = constrainedForms.find((each) => rule[each] !== undefined);
  if (form === undefined) return undefined;
  const text = rule[form] ?? '';
  try {
    return parseNameSubtree(form, text);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    report([...path, form], `${JSON.stringify(text)} ${error.message}`);
    return undefined;
  }
}

/**
 * Reads a subtree as people write it, in its usual form.
 * @param text a domain, a network, a mailbox or host, RFC 4514 text
 * @throws SyntaxError with what is wrong, to stand after the text
 */
export function parseNameSubtree(form: NameSubtree['type'], text: string): NameSubtree {
  switch (form) {
    case 'dns':
      return { type: form, value: requireHost(text, 'is no domain such as plant.example, without a dot before it') };
    case 'ip':
      return { type: form, value: requireNetwork(text) };
    case 'email':
      return { type: form, value: requireMailboxOrHost(text) };
    case 'uri':
      return { type: form, value: requireHostOrDomain(text, 'is no host such as plant.example or .plant.example') };
    case 'directoryName':
      return { type: form, value: requireName(text) };
  }
}

/** `[0]` and `[1]` are IMPLICIT; minimum is at its DEFAULT of zero, and maximum absent. */
function encodeSubtrees(number: 0 | 1, subtrees: readonly NameSubtree[]): Uint8Array | undefined {
  if (subtrees.length === 0) return undefined;
  return tlv(Tag.context(number), ...subtrees.map((subtree) => sequence(encodeBase(subtree))));
}

function encodeBase(subtree: NameSubtree): Uint8Array {
  if (subtree.type !== 'ip') return encodeGeneralName(subtree);
  const network = readNetwork(subtree.value);
  if (network === undefined) throw new RangeError(`no network: ${subtree.value}`);
  return tlv(Tag.contextPrimitive(7), network.address, network.mask);
}

/** The RFC knows no leading dot for DNS names, and those who verify disagree on what it means. */
function requireHost(text: string, problem: string): string {
  const host = text.toLowerCase();
  if (host.length > 253 || !hostPattern.test(host)) throw new SyntaxError(problem);
  return host;
}

function requireHostOrDomain(text: string, problem: string): string {
  return text.startsWith('.') ? `.${requireHost(text.slice(1), problem)}` : requireHost(text, problem);
}

function requireMailboxOrHost(text: string): string {
  const problem = 'is no mailbox, and no host such as plant.example or .plant.example';
  const at = text.lastIndexOf('@');
  if (at < 0) return requireHostOrDomain(text, problem);
  const local = text.slice(0, at);
  if (!localPart.test(local)) throw new SyntaxError(problem);
  return `${local}@${requireHost(text.slice(at + 1), problem)}`;
}

function requireNetwork(text: string): string {
  const network = readNetwork(text);
  if (network === undefined) throw new SyntaxError('is no network such as 10.0.0.0/8');
  const { address, mask } = network;
  if (address.some((octet, i) => (octet & ~(mask[i] ?? 0)) !== 0)) {
    throw new SyntaxError('has bits beyond its prefix; write the first address of the network');
  }
  return text;
}

function readNetwork(text: string): { readonly address: Uint8Array; readonly mask: Uint8Array } | undefined {
  const [host = '', prefix = '', ...rest] = text.split('/');
  const address = parseIpAddress(host);
  if (address === undefined || rest.length > 0 || !/^(0|[1-9]\d{0,2})$/.test(prefix)) return undefined;
  const length = Number(prefix);
  if (length > address.length * 8) return undefined;
  const mask = Uint8Array.from(address, (_, i) => (0xff00 >> Math.min(8, Math.max(0, length - 8 * i))) & 0xff);
  return { address, mask };
}

function requireName(text: string): Uint8Array {
  let name: ReturnType<typeof parseName>;
  try {
    name = parseName(text);
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof RangeError)
      throw new SyntaxError(`is no name: ${error.message}`);
    throw error;
  }
  // Everything begins with an empty name: it would permit, or exclude, all subjects.
  if (name.length === 0) throw new SyntaxError('is an empty name');
  return encodeName(name);
}

const hostPattern = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const localPart = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}$/;
