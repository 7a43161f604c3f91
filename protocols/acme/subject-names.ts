/** The identifiers that requests and certificates have in them (RFC 8555 7.4, RFC 8738, draft-ietf-acme-device-attest). */
import type { AcmeIdentifier } from '../../src/model/acme.js';
import type { Certificate } from '../../src/x509/certificate.js';
import { readHardwareModule, readPermanentIdentifier } from '../../src/x509/device-names.js';
import { type Extension, findExtension } from '../../src/x509/extensions.js';
import { decodeGeneralNames, encodeGeneralNames, type GeneralName } from '../../src/x509/general-names.js';
import { decodeName } from '../../src/x509/names.js';
import {
  idAtCommonName,
  idCeSubjectAltName,
  idOnHardwareModuleName,
  idOnPermanentIdentifier,
} from '../../src/x509/oids.js';

interface SubjectNames {
  /** Of the subject alternative names. */
  readonly identifiers: readonly AcmeIdentifier[];
  readonly commonNames: readonly string[];
  /** Alternative names that are no identifiers of ACME. */
  readonly others: readonly GeneralName[];
}

/** @throws DerError */
export function readSubjectNames({ subject, extensions }: Pick<Certificate, 'subject' | 'extensions'>): SubjectNames {
  const identifiers: AcmeIdentifier[] = [];
  const others: GeneralName[] = [];
  for (const name of readAlternativeNames(extensions)) {
    const identifier = identifierOf(name);
    if (identifier === undefined) others.push(name);
    else identifiers.push(identifier);
  }
  const commonNames = decodeName(subject)
    .flat()
    .filter(({ type }) => type === idAtCommonName)
    .map(({ value }) => value);
  return { identifiers, commonNames, others };
}

/** @throws DerError */
export function readAlternativeNames(extensions: readonly Extension[]): readonly GeneralName[] {
  const found = findExtension(extensions, idCeSubjectAltName);
  return found === undefined ? [] : decodeGeneralNames(found.value);
}

/** DER GeneralNames of those that stand in certificates in any case. Of a device's, an attestation speaks instead. */
export function encodeAlternativeNames(identifiers: readonly AcmeIdentifier[], more: readonly GeneralName[] = []) {
  return encodeGeneralNames([
    ...identifiers.flatMap(({ type, value }) => (isNetworkName(type) ? [{ type, value }] : [])),
    ...more,
  ]);
}

/** Whether such an identifier has to be in the request for the certificate. */
export function isNetworkName(type: AcmeIdentifier['type']): type is 'dns' | 'ip' {
  return type === 'dns' || type === 'ip';
}

function identifierOf(name: GeneralName): AcmeIdentifier | undefined {
  switch (name.type) {
    case 'dns':
      return { type: 'dns', value: name.value.toLowerCase() };
    case 'ip':
      return { type: 'ip', value: name.value };
    case 'otherName':
      return deviceName(name.typeId, name.value);
    default:
      return undefined;
  }
}

function deviceName(typeId: string, der: Uint8Array): AcmeIdentifier | undefined {
  if (typeId === idOnHardwareModuleName) return { type: 'hardware-module', value: readHardwareModule(der) };
  if (typeId !== idOnPermanentIdentifier) return undefined;
  const { value } = readPermanentIdentifier(der);
  // Without a value it means the serialNumber of the subject, which no order is about.
  return value === undefined ? undefined : { type: 'permanent-identifier', value };
}
