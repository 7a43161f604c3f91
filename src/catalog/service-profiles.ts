/** The built-in profiles of certificates that the gateway uses in its own name. They are not configured. */
import { certificateProfileSchema } from '../model/certificate-profile.js';
import { certificateTemplateSchema } from '../model/certificate-template.js';
import { type CompiledProfile, compileProfile } from '../policy/compile-profile.js';

export type ServicePurpose = 'tls-server' | 'est-key-generation' | 'cmc';

/** The profile of the gateway's certificate for a purpose. */
export function serviceProfile(purpose: ServicePurpose): CompiledProfile {
  return profiles[purpose];
}

/** The TLS server certificate: what devices and administrators check the gateway by. */
const tlsServer = compile({
  purpose: 'tls-server',
  extendedKeyUsages: ['serverAuth'],
  subjectAltNames: [
    { type: 'dns', source: 'request', maximum: 20 },
    { type: 'ip', source: 'request', maximum: 20 },
  ],
});

/** Signs keys made over EST (RFC 7030 4.4.2): id-kp-cmKGA says that it may. */
const estKeyGeneration = compile({ purpose: 'est-key-generation', extendedKeyUsages: ['cmKGA'], subjectAltNames: [] });

/** Signs Full CMC responses (RFC 6402 2.10). */
const cmc = compile({ purpose: 'cmc', extendedKeyUsages: ['cmcRA'], subjectAltNames: [] });

const profiles: Readonly<Record<ServicePurpose, CompiledProfile>> = {
  'tls-server': tlsServer,
  'est-key-generation': estKeyGeneration,
  cmc,
};

interface ServiceCertificate {
  readonly purpose: ServicePurpose;
  readonly extendedKeyUsages: readonly string[];
  readonly subjectAltNames: readonly {
    readonly type: 'dns' | 'ip';
    readonly source: 'request';
    readonly maximum: number;
  }[];
}

function compile({ purpose, extendedKeyUsages, subjectAltNames }: ServiceCertificate): CompiledProfile {
  const name = `service-${purpose}`;
  const template = certificateTemplateSchema.parse({
    name,
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: ['P-256', 'P-384', 'P-521'] }, ed25519: true },
    keyUsages: ['digitalSignature'],
    extendedKeyUsages,
    subjectAttributes: ['commonName', 'organizationName'],
    subjectAltNames: subjectAltNames.map(({ type }) => type),
    maximumValidity: '90d',
  });
  const profile = certificateProfileSchema.parse({
    name,
    template: name,
    subject: [
      { attribute: 'commonName', source: 'request', required: true },
      { attribute: 'organizationName', source: 'request' },
    ],
    subjectAltNames,
    keyUsages: ['digitalSignature'],
    extendedKeyUsages,
    // Renewed by itself after two thirds, which leaves ten days for whatever is in the way.
    validity: '30d',
    renewal: { window: '10d', key: 'any' },
  });
  return compileProfile(profile, template);
}
