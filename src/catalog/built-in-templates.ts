/** The templates that come with the gateway: always there, read-only, used by name (`template: basic-device`). */
import { type CertificateTemplate, certificateTemplateSchema } from '../model/certificate-template.js';
import { attributeTypes } from '../x509/attribute-types.js';
import type { CatalogObject, JsonObject } from './objects.js';

/** The built-in templates as objects of the catalog. */
export function builtInTemplates(): readonly CatalogObject<'template'>[] {
  return objects;
}

/** Whether a template comes with the gateway, so that no document may define it. */
export function isBuiltInTemplate(name: string): boolean {
  return objects.some((template) => template.name === name);
}

const modernKeys = {
  rsa: { minimumBits: 2048 },
  ec: { curves: ['P-256', 'P-384', 'P-521'] },
  ed25519: true,
  ed448: true,
};
const deviceKeyUsages = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'keyAgreement'];
// Which attributes devices have is for profiles to say; routers even put unstructuredName into theirs.
const deviceSubject = [...attributeTypes.keys()];

const written: readonly JsonObject[] = [
  {
    name: 'tls-server',
    description: 'Servers that devices and browsers reach over TLS',
    keys: modernKeys,
    keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extendedKeyUsages: ['serverAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'uri'],
    maximumValidity: '398d',
  },
  {
    name: 'tls-client',
    description: 'Devices, services and people that prove who they are over TLS',
    keys: modernKeys,
    keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extendedKeyUsages: ['clientAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'email', 'uri', 'directoryName', 'registeredId', 'otherName'],
    maximumValidity: '3y',
  },
  {
    name: 'basic-device',
    description: 'Operational certificates of devices that are TLS clients and servers',
    keys: modernKeys,
    keyUsages: deviceKeyUsages,
    extendedKeyUsages: ['clientAuth', 'serverAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'email', 'uri', 'directoryName', 'registeredId', 'otherName'],
    maximumValidity: '3y',
  },
  {
    name: 'bootstrap-device',
    description: 'Short-lived certificates with which a new device asks for its operational one',
    keys: modernKeys,
    keyUsages: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
    extendedKeyUsages: ['clientAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'uri', 'otherName'],
    maximumValidity: '90d',
  },
  {
    name: 'ipsec-device',
    description: 'Routers, base stations and VPN gateways that speak IKE (RFC 4945)',
    keys: modernKeys,
    keyUsages: deviceKeyUsages,
    extendedKeyUsages: ['ipsecIKE', 'ipsecEndSystem', 'ipsecTunnel', 'ipsecUser', 'clientAuth', 'serverAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'email', 'uri', 'directoryName'],
    maximumValidity: '3y',
  },
  {
    name: 'code-signing',
    description: 'Keys that sign firmware and software',
    keys: { rsa: { minimumBits: 3072 }, ec: { curves: ['P-256', 'P-384', 'P-521'] }, ed25519: true },
    keyUsages: ['digitalSignature', 'nonRepudiation'],
    extendedKeyUsages: ['codeSigning'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['email', 'uri'],
    maximumValidity: '3y',
  },
  {
    name: 'basic-intermediate-ca',
    description: 'Gateways that issue to their own devices and keep their own key',
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: ['P-256', 'P-384', 'P-521'] }, ed25519: true },
    basicConstraints: { ca: true, maximumPathLength: 1 },
    nameConstraints: true,
    keyUsages: ['digitalSignature', 'keyCertSign', 'cRLSign'],
    extendedKeyUsages: ['clientAuth', 'serverAuth'],
    subjectAttributes: deviceSubject,
    subjectAltNames: ['dns', 'ip', 'email', 'uri', 'directoryName'],
    maximumValidity: '10y',
  },
];

const objects: readonly CatalogObject<'template'>[] = written.map((template) => {
  const value: CertificateTemplate = certificateTemplateSchema.parse(template);
  return { kind: 'template', name: value.name, written: template, value };
});
