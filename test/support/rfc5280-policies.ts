/** The extensions of certificates that are about policies (RFC 5280 4.2.1.4, 4.2.1.5, 4.2.1.11, 4.2.1.14). */
import { type Report, certificateRules as rules } from './rfc5280-rules.js';
import { type Asn1, createCursor, dottedOf, integerOf } from './strict-asn1.js';

/** certificatePolicies (4.2.1.4). @throws MalformedError */
export function checkPolicies({ parts }: Asn1, report: Report): undefined {
  if (parts.length === 0) report(rules.emptyPolicies);
  const ids = parts.map((part) => {
    const cursor = createCursor(part);
    const id = dottedOf(cursor.need('policyIdentifier', 0x06).content);
    const qualifiers = cursor.take(0x30);
    cursor.end();
    if (qualifiers !== undefined && !(qualifiers.parts.length > 0 && qualifiers.parts.every(isQualifier))) {
      report(rules.policyQualifier, id);
    }
    return id;
  });
  if (new Set(ids).size < ids.length) report(rules.policyTwice);
}

/** policyMappings (4.2.1.5). @throws MalformedError */
export function checkPolicyMappings({ parts }: Asn1, report: Report): undefined {
  const isMapped = parts.every(({ parts: pair }) =>
    pair.every(({ content }) => pair.length === 2 && dottedOf(content) !== '2.5.29.32.0'),
  );
  if (parts.length === 0 || !isMapped) report(rules.policyMappings);
}

/** policyConstraints (4.2.1.11). @throws MalformedError */
export function checkPolicyConstraints(value: Asn1, report: Report): undefined {
  const cursor = createCursor(value);
  const limits = [cursor.take(0x80), cursor.take(0x81)].filter((limit) => limit !== undefined);
  cursor.end();
  if (limits.length === 0) report(rules.policyConstraints);
}

/** inhibitAnyPolicy (4.2.1.14). */
export function checkInhibitAnyPolicy(value: Asn1, report: Report): undefined {
  if (value.tag !== 0x02 || integerOf(value) < 0n) report(rules.inhibitAnyPolicy);
}

function isQualifier({ parts: [type, value, ...more] }: Asn1): boolean {
  if (type?.tag !== 0x06 || value === undefined || more.length > 0) return false;
  const id = dottedOf(type.content);
  if (id === '1.3.6.1.5.5.7.2.1')
    return value.tag === 0x16 && /^https?:\/\/[!-~]+$/.test(value.content.toString('latin1'));
  if (id !== '1.3.6.1.5.5.7.2.2' || value.tag !== 0x30) return false;
  const text = value.parts.find(({ tag }) => tag !== 0x30);
  return text?.tag === 0x0c && [...text.content.toString('utf8')].length <= 200;
}
