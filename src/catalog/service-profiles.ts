/** The built-in profiles of certificates that the gateway uses in its own name. They are not configured. */
import { certificateProfileSchema } from '../model/certificate-profile.js';
import { certificateTemplateSchema } from '../model/certificate-template.js';
import { type CompiledProfile, compileProfile } from '../policy/compile-profile.js';
import { attributeByName } from '../x509/attribute-types.js';
import { encodeName, type NamedValue } from '../x509/names.js';
import { idAtCommonName, idPkixOcspNocheck } from '../x509/oids.js';

export type ServicePurpose = 'tls-server' | 'key-generation' | 'cmc' | 'cmp' | 'cmp-encryption' | 'scep-ra' | 'ocsp';

/** The profile of the gateway's certificate for a purpose. */
export function serviceProfile(purpose: ServicePurpose): CompiledProfile {
  return profiles[purpose];
}

/**
 * The subject of such a certificate by a CA that must not issue to a common name alone: what the CA's own subject has besides its
 * common name comes first. The profiles put it into their order whatever is asked for.
 */
export function serviceSubject(commonName: string, ofCa: readonly (readonly NamedValue[])[]): Uint8Array {
  const own = ofCa.flat();
  const leading = leadingAttributes.flatMap((name) => {
    const type = attributeByName(name)?.oid;
    return own.filter((attribute) => attribute.type === type);
  });
  return encodeName([...leading, { type: idAtCommonName, value: commonName }].map((attribute) => [attribute]));
}

/** As most CAs order them (RFC 4519). */
const leadingAttributes = [
  'domainComponent',
  'countryName',
  'stateOrProvinceName',
  'localityName',
  'organizationName',
  'organizationalUnitName',
];

/** The TLS server certificate: what devices and administrators check the gateway by. */
const tlsServer = compile({
  purpose: 'tls-server',
  extendedKeyUsages: ['serverAuth'],
  subjectAltNames: [
    { type: 'dns', source: 'request', maximum: 20 },
    { type: 'ip', source: 'request', maximum: 20 },
  ],
});

/** Signs keys that the gateway makes (RFC 7030 4.4.2, RFC 9483 4.1.6): id-kp-cmKGA says that it may. */
const keyGeneration = compile({ purpose: 'key-generation', extendedKeyUsages: ['cmKGA'], subjectAltNames: [] });

/** Signs Full CMC responses (RFC 6402 2.10). */
const cmc = compile({ purpose: 'cmc', extendedKeyUsages: ['cmcRA'], subjectAltNames: [] });

/**
 * Protects CMP messages (RFC 9483 1.3: as the CA, and as the RA that adds protection to others'). With an EC key it can agree
 * on keys as well, for what clients encrypt to the gateway.
 */
const cmp = compile({
  purpose: 'cmp',
  keyUsages: ['digitalSignature', 'keyAgreement'],
  extendedKeyUsages: ['cmcCA', 'cmcRA'],
  subjectAltNames: [],
});

/**
 * Signs SCEP answers and opens SCEP requests: one certificate for both, without extended key usage, is what every client
 * understands. Clients keep it, some until their next renewal, so it lasts.
 */
const scepRa = compile({
  purpose: 'scep-ra',
  keyUsages: ['digitalSignature', 'keyEncipherment'],
  extendedKeyUsages: [],
  subjectAltNames: [],
  validity: '1y',
});

/** What CMP clients encrypt to the gateway with (RFC 9810 5.3.19.1): RSA, because every client can. */
const cmpEncryption = compile({
  purpose: 'cmp-encryption',
  keyUsages: ['keyEncipherment'],
  extendedKeyUsages: [],
  subjectAltNames: [],
});

/**
 * Signs OCSP answers (RFC 6960 4.2.2.2). Clients do not ask whether it is revoked itself (id-pkix-ocsp-nocheck), so that it is
 * good for a short time only, and need not know where they could (RFC 5019 2.2.2).
 */
const ocsp: CompiledProfile = {
  ...compile({
    purpose: 'ocsp',
    extendedKeyUsages: ['OCSPSigning'],
    subjectAltNames: [],
    extensions: [{ id: idPkixOcspNocheck, encoding: 'der', source: 'fixed', value: '0500' }],
    validity: '14d',
  }),
  locations: 'none',
};

const profiles: Readonly<Record<ServicePurpose, CompiledProfile>> = {
  'tls-server': tlsServer,
  'key-generation': keyGeneration,
  cmc,
  cmp,
  'cmp-encryption': cmpEncryption,
  'scep-ra': scepRa,
  ocsp,
};

interface ServiceCertificate {
  readonly purpose: ServicePurpose;
  readonly keyUsages?: readonly string[];
  readonly extendedKeyUsages: readonly string[];
  readonly subjectAltNames: readonly {
    readonly type: 'dns' | 'ip';
    readonly source: 'request';
    readonly maximum: number;
  }[];
  readonly extensions?: readonly {
    readonly id: string;
    readonly encoding: 'der';
    readonly source: 'fixed';
    /** Hex. */
    readonly value: string;
  }[];
  readonly validity?: string;
}

function compile(certificate: ServiceCertificate): CompiledProfile {
  const { purpose, extendedKeyUsages, subjectAltNames, extensions = [] } = certificate;
  const { keyUsages = ['digitalSignature'], validity = '30d' } = certificate;
  const name = `service-${purpose}`;
  const template = certificateTemplateSchema.parse({
    name,
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: ['P-256', 'P-384', 'P-521'] }, ed25519: true },
    keyUsages,
    extendedKeyUsages,
    subjectAttributes: [...leadingAttributes, 'commonName'],
    subjectAltNames: subjectAltNames.map(({ type }) => type),
    extensions: extensions.map(({ id }) => id),
    maximumValidity: validity,
  });
  const profile = certificateProfileSchema.parse({
    name,
    template: name,
    subject: [
      ...leadingAttributes.map((attribute) => ({ attribute, source: 'request', maximum: 20 })),
      { attribute: 'commonName', source: 'request', required: true },
    ],
    subjectAltNames,
    extensions,
    keyUsages,
    extendedKeyUsages,
    // Renewed by itself after two thirds: even of 30 days that leaves ten for whatever is in the way.
    validity,
    renewal: { window: '10d', key: 'any' },
  });
  return compileProfile(profile, template);
}
