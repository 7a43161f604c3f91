/** Where what a CA issues says that its CRLs, its certificate, its OCSP responder and its CPS are: as it is configured now. */
import { type CertificateAuthorityConfig, ocspOf } from '../model/certificate-authority.js';
import { encodeExtension } from '../x509/extensions.js';
import { encodeAuthorityInfoAccess, encodeCrlDistributionPoints } from '../x509/location-extensions.js';
import { idCeCrlDistributionPoints, idPeAuthorityInfoAccess } from '../x509/oids.js';

/** What a generation knows of where it is. */
interface Located {
  readonly id: string;
  /** The base where the CA has none of its own. */
  readonly publicHttpUrl: string;
  /** Whether the gateway answers OCSP requests about it at all. */
  readonly answersOcsp: boolean;
}

export interface Locations {
  /** What URLs begin with, without a slash at the end: its own, then those of copies. */
  readonly baseUrls: readonly string[];
  /** DER Extension. */
  readonly authorityInfoAccess: Uint8Array;
  /** DER Extension. */
  crlDistributionPoints(partition: number): Uint8Array;
  /** Where the CRL of a partition is. */
  crlUrls(partition: number): readonly string[];
  /** Where its delta is. */
  deltaCrlUrls(partition: number): readonly string[];
}

/** Those of a CA that is not configured any more are the usual ones. */
export function locationsOf(generation: Located, config: CertificateAuthorityConfig | undefined): Locations {
  const last = known.get(generation);
  if (last !== undefined && last.config === config) return last.locations;
  const locations = createLocations(generation, config);
  known.set(generation, { config, locations });
  return locations;
}

// Encoded once for each configuration: they stand in every certificate.
const known = new WeakMap<Located, { config: CertificateAuthorityConfig | undefined; locations: Locations }>();

function createLocations(
  { id, publicHttpUrl, answersOcsp }: Located,
  config: CertificateAuthorityConfig | undefined,
): Locations {
  const baseUrls = baseUrlsOf(config, publicHttpUrl);
  const under = (path: string) => baseUrls.map((baseUrl) => `${baseUrl}/${path}`);
  const ownResponder = answersOcsp && ocspOf(config).enabled ? under(`ocsp/${id}`).slice(0, 1) : [];
  const crlUrls = (partition: number) => under(crlPath(id, partition));
  const points: Uint8Array[] = [];
  return {
    baseUrls,
    authorityInfoAccess: encodeExtension({
      id: idPeAuthorityInfoAccess,
      critical: false,
      value: encodeAuthorityInfoAccess({
        caIssuers: under(`aia/${id}.cer`),
        ocsp: config?.locations?.ocsp ?? ownResponder,
      }),
    }),
    crlDistributionPoints(partition) {
      points[partition] ??= encodeExtension({
        id: idCeCrlDistributionPoints,
        critical: false,
        value: encodeCrlDistributionPoints(crlUrls(partition)),
      });
      return points[partition];
    },
    crlUrls,
    deltaCrlUrls: (partition) => under(`crl/${id}/${partition}-delta.crl`),
  };
}

function baseUrlsOf(config: CertificateAuthorityConfig | undefined, publicHttpUrl: string): readonly string[] {
  const { base = publicHttpUrl, mirrors = [] } = config?.locations ?? {};
  return [base, ...mirrors];
}

function crlPath(id: string, partition: number): string {
  return `crl/${id}/${partition}.crl`;
}

/** All URLs that certificates may have for the CRL of a partition: those of before, which are written down, and those of now. */
export function crlUrlsOf(
  generation: Located & { readonly baseUrls: readonly string[] },
  partition: number,
  config: CertificateAuthorityConfig | undefined,
): readonly string[] {
  const baseUrls = new Set([...generation.baseUrls, ...locationsOf(generation, config).baseUrls]);
  return [...baseUrls].map((baseUrl) => `${baseUrl}/${crlPath(generation.id, partition)}`);
}

/** Where the certification practice statement of a CA is; undefined if it has none. */
export function cpsUrlOf(config: CertificateAuthorityConfig | undefined, publicHttpUrl: string): string | undefined {
  if (config?.cps === undefined) return undefined;
  if ('url' in config.cps) return config.cps.url;
  return `${config.locations?.base ?? publicHttpUrl}/cps/${config.name}`;
}
