/** A gateway with ACME for hosts and devices, the DNS server that it asks, and answers to its challenges. */
import type { X509Certificate } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import type { Log } from '../../src/log.js';
import { toPem } from '../../src/x509/pem.js';
import { type AcmeClient, createAcmeClient } from './acme/client.js';
import { type DnsServer, startDnsServer } from './acme/dns-server.js';
import { startHttpResponder } from './acme/http-responder.js';
import { readAccount } from './acme/objects.js';
import { type AcmeServer, type ChallengeAnswers, hostAddress } from './acme/server.js';
import type { SessionOptions } from './acme/session.js';
import { makeTlsAlpnCertificate, startTlsAlpnResponder, type TlsAlpnResponder } from './acme/tls-alpn-responder.js';
import { applyYaml, fleet, policyLike } from './fleet.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

/** Opens accounts of the policies `bound` and `both`, as often as one likes. */
export const externalAccount = {
  keyId: 'plant-17',
  hmacKey: Buffer.from('an external account of the plant').toString('base64url'),
};

interface AcmeFleetOptions {
  readonly clock?: Clock;
  readonly log?: Log;
  /** Settings of the gateway by name. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface AcmeFleet extends AcmeServer {
  /** Another one after a restart. */
  readonly test: TestGateway;
  readonly dns: DnsServer;
  /** How validation works here: fields of a policy's ACME settings, in YAML's flow style. */
  readonly validation: string;
  /** URL. */
  directoryOf(policy: string): string;
  /** Closed with the fleet. @param policy default: `web` */
  client(policy?: string, options?: Partial<SessionOptions>): AcmeClient;
  /** A client with an account, which is bound to {@link externalAccount} where the policy wants that. */
  clientWithAccount(policy?: string, options?: Partial<SessionOptions>): Promise<AcmeClient>;
  /** Of the gateway, on the same data. */
  restart(): Promise<void>;
}

/**
 * Policies `web` (identifiers are proved by challenges), `bound` (an external account is proof enough), `both`, and `approval`
 * (as `web`, but people approve). Close it, so that nothing is left behind.
 */
export async function startAcmeFleet(options: AcmeFleetOptions = {}): Promise<AcmeFleet> {
  const { clock, log, settings = {} } = options;
  const http = await startHttpResponder(hostAddress);
  const tls = await startTlsAlpnResponder({ host: hostAddress });
  const dns = await startDnsServer();
  const test = await startTestGateway({
    configuration: fleet,
    settings: { failedAuthenticationsPerMinute: '100000', ...settings },
    ...(clock && { clock }),
    ...(log && { log }),
  });
  const validation = `httpPort: ${http.port}, tlsPort: ${tls.port}, resolvers: ["${dns.resolver}"], allowedNetworks: [127.0.0.0/8]`;
  await applyYaml(test, hosts);
  for (const [name, acme, changes] of [
    ['web', '', ''],
    ['bound', 'authorization: externalAccount', ''],
    ['both', 'authorization: both', ''],
    ['approval', '', 'approval: manual, pollInterval: 1s'],
  ] as const) {
    await applyYaml(test, acmePolicy(name, [validation, acme], changes));
  }

  const { gateway } = test;
  const base = `https://localhost:${gateway.listeners.deviceTlsPort}/acme`;
  const directoryOf = (policy: string): string => `${base}/${policy}/directory`;
  const roots = rootsOf(test);
  const isRealTime = Math.abs(gateway.core.clock.now().getTime() - Date.now()) < 60_000;
  const clients: AcmeClient[] = [];
  let current = test;

  function client(policy = 'web', more: Partial<SessionOptions> = {}): AcmeClient {
    const made = createAcmeClient({ directory: directoryOf(policy), roots, isRealTime, ...more });
    clients.push(made);
    return made;
  }

  return {
    get test() {
      return current;
    },
    dns,
    validation,
    directoryOf,
    directory: directoryOf('web'),
    boundDirectory: directoryOf('bound'),
    externalAccount,
    tlsRoots: roots,
    httpPort: http.port,
    tlsPort: tls.port,
    resolver: dns.resolver,
    challenges: answersBy(dns, http, tls),
    client,
    async clientWithAccount(policy, more) {
      const made = client(policy, more);
      const { meta } = await made.directory();
      readAccount(await made.newAccount(meta?.externalAccountRequired ? { externalAccount } : {}));
      return made;
    },
    async restart() {
      current = await current.restart();
    },
    issuingRoot: async () => roots,
    isRevoked: async ({ serialNumber, fingerprint256 }: X509Certificate) => {
      const certificateFingerprint = fingerprint256.replaceAll(':', '').toLowerCase();
      const { certificates } = current.gateway.core.store;
      const record = await certificates.findByFingerprint({
        serialNumber: serialNumber.toLowerCase(),
        certificateFingerprint,
      });
      return record?.status === 'revoked';
    },
    async close() {
      for (const client of clients) client.close();
      await current.close();
      await Promise.all([http.close(), tls.close(), dns.close()]);
    },
  };
}

/** A policy for ACME, as a document of its own. @param acme its ACME settings, and what else there is, in YAML's flow style */
export function acmePolicy(name: string, acme: readonly string[], changes = ''): string {
  const own = [
    'authenticationPolicy: hosts',
    'profiles: [{ usage: operational, profile: host }]',
    'methods: [acme]',
    'keyGeneration: [device]',
    `acme: { ${acme.filter((setting) => setting !== '').join(', ')} }`,
  ];
  return policyLike(name, [...own, ...(changes === '' ? [] : [changes])].join(', '));
}

// Clients ask for key usages and the like by habit.
const hosts = `
templates:
  - name: host
    keys: { rsa: { minimumBits: 2048 }, ec: { curves: [P-256, P-384, P-521] }, ed25519: true }
    keyUsages: [digitalSignature, keyEncipherment]
    extendedKeyUsages: [clientAuth, serverAuth]
    subjectAttributes: [commonName]
    subjectAltNames: [dns, ip]
    maximumValidity: 1y
profiles:
  - name: host
    description: Hosts and devices that serve TLS
    template: host
    subject:
      - { attribute: commonName, source: request }
    subjectAltNames:
      - { type: dns, source: request, maximum: 100, wildcard: true }
      - { type: ip, source: request, maximum: 100 }
    otherExtensions: ignore
    keyUsages: [digitalSignature, keyEncipherment]
    extendedKeyUsages: [clientAuth, serverAuth]
    validity: 90d
    renewal: { grace: 7d }
authenticationPolicies:
  - name: hosts
    division: plant
    credentials:
      - { kind: acme-account-key, name: plant, keyId: ${externalAccount.keyId}, hmacKey: ${externalAccount.hmacKey} }
`;

/** PEM. */
function rootsOf({ gateway }: TestGateway): string {
  return gateway.core.authority
    .generations()
    .filter(({ certificate }) => Buffer.compare(certificate.issuer, certificate.subject) === 0)
    .map(({ certificate }) => toPem('CERTIFICATE', certificate.der))
    .join('');
}

interface FileServer {
  put(token: string, keyAuthorization: string): void;
}

function answersBy(dns: DnsServer, http: FileServer, tls: TlsAlpnResponder): ChallengeAnswers {
  const texts = new Map<string, string[]>();
  const addresses = new Map<string, string>();

  // All that there is of a name goes in one answer: the server tells no types apart when it is told of one again.
  function tell(name: string): void {
    const address = addresses.get(name);
    dns.set(name, [
      ...(address === undefined ? [] : [{ type: 'A' as const, address }]),
      ...(texts.get(name) ?? []).map((text) => ({ type: 'TXT' as const, strings: [text] })),
    ]);
  }

  return {
    async setAddress(name, address) {
      addresses.set(name, address);
      tell(name);
    },
    async addText(name, value) {
      texts.set(name, [...(texts.get(name) ?? []), value]);
      tell(name);
    },
    async removeTexts(name) {
      texts.delete(name);
      tell(name);
    },
    serveFile: async (token, content) => http.put(token, content),
    async serveCertificate(identifier, keyAuthorization) {
      const [subject, serverName] = namesOf(identifier);
      tls.put(serverName, makeTlsAlpnCertificate([subject], keyAuthorization));
    },
  };
}

/** What the certificate is for, and what the server asks for to see it (RFC 8738 6). */
function namesOf(identifier: string): [subject: string, serverName: string] {
  const octets = identifier.split('.');
  if (!/^[0-9.]+$/.test(identifier)) return [`dns:${identifier}`, identifier];
  const hex = Buffer.from(octets.map(Number)).toString('hex');
  return [`ip:${hex}`, `${octets.toReversed().join('.')}.in-addr.arpa`];
}
