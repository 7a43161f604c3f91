/** A fleet whose gateways have CAs of their own, and what those sign: with none of our encoders, CRLs apart. */
import { createPublicKey, sign, type X509Certificate } from 'node:crypto';
import type { Clock } from '../../src/clock.js';
import {
  encodeCertificateList,
  encodeRevokedCertificate,
  encodeTbsCertList,
  type RevokedCertificate,
} from '../../src/x509/crl.js';
import { smallInteger } from '../../src/x509/der-writer.js';
import type { Extension } from '../../src/x509/extensions.js';
import { encodeName } from '../../src/x509/names.js';
import { idCeCrlNumber } from '../../src/x509/oids.js';
import { parseName } from '../../src/x509/parse-name.js';
import { signatureAlgorithmFor } from '../../src/x509/signature-algorithms.js';
import { certificateOf, createEstClient, type TlsIdentity } from './est-client.js';
import { applyYaml, fleet, fleetPasscode } from './fleet.js';
import { makeCertificate, privateKeyOf, subjectAltName } from './make-chain.js';
import { type KeyPair, makeCsr } from './make-csr.js';
import { recordOf } from './records.js';
import { startTestGateway, type TestGateway } from './test-gateway.js';

/** Policy `gateways`: CA certificates with path length 0, for names below plant.example and TLS, over all methods but acme. */
export const gateways = `
deviceGroups:
  - { name: gateways, division: plant, policies: [gateways] }
certificateAuthorities:
  - { name: gateways, parent: root, subject: "CN=Gateways,O=Plant", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
profiles:
  - name: gateway
    template: basic-intermediate-ca
    subject:
      - { attribute: organizationName, source: request }
      - { attribute: commonName, source: request, required: true }
    keyUsages: [digitalSignature, keyCertSign, cRLSign]
    extendedKeyUsages: [clientAuth, serverAuth]
    nameConstraints: { permitted: [{ dns: plant.example }] }
    pathLength: 0
    validity: 1y
policies:
  - name: gateways
    division: plant
    authenticationPolicy: fleet
    profiles: [{ usage: intermediate, profile: gateway }]
    issuingCa: gateways
    methods: [est, scep, cmp, rest, batch, portal]
    keyGeneration: [device]
    defaultGroup: gateways
`;

export async function startGatewayFleet(clock?: Clock): Promise<TestGateway> {
  const test = await startTestGateway({ configuration: fleet, ...(clock ? { clock } : {}) });
  await applyYaml(test, gateways);
  return test;
}

export interface TestGatewayCa {
  /** Of its key, and its common name. */
  readonly name: string;
  readonly certificate: X509Certificate;
  readonly identity: TlsIdentity;
  /** Of the unmanaged CA. */
  readonly id: string;
}

/** The key of a name, as makeCertificate has it. */
export function keyOf(name: string): KeyPair {
  const privateKey = privateKeyOf(name);
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

/** Gets a CA certificate by EST; a renewal where there is an earlier one. */
export async function enrollGateway(test: TestGateway, name: string, earlier?: TestGatewayCa, key = name) {
  const credential = earlier ? { identity: earlier.identity } : { passcode: fleetPasscode };
  const est = createEstClient(test, { label: 'gateways', ...credential });
  const csr = makeCsr({ subject: `CN=${name}`, key: keyOf(key) });
  const certificate = certificateOf(await est.post(earlier ? 'simplereenroll' : 'simpleenroll', csr));
  est.close();
  const { store } = test.gateway.core;
  const record = await recordOf(test, certificate);
  const known = await store.unmanagedCas.findByCertificate({ certificateId: record.id });
  const identity = { chain: [certificate.raw], privateKey: privateKeyOf(key) };
  const gateway: TestGatewayCa = { name, certificate, identity, id: known?.id ?? '' };
  return gateway;
}

/** DER certificate that the key of a gateway's CA signs. */
export function issuedBelow(issuer: string, name: string, signer = issuer): Uint8Array {
  return makeCertificate({
    subject: `CN=${name}`,
    issuer: `CN=${issuer}`,
    signer,
    key: `${name} below`,
    extensions: [subjectAltName(`dns:${name}.plant.example`)],
  });
}

interface CrlOptions {
  readonly number?: number;
  readonly thisUpdate?: Date;
  readonly nextUpdate?: Date;
  readonly entries?: readonly RevokedCertificate[];
  readonly extensions?: readonly Extension[];
  readonly signer?: string;
}

/** DER CRL of a gateway's CA. */
export function crlBy(issuer: string, options: CrlOptions = {}): Uint8Array {
  const { number = 1, thisUpdate = new Date(), entries = [], extensions = [], signer = issuer } = options;
  const algorithm = signatureAlgorithmFor('ec', 'sha256');
  const tbs = encodeTbsCertList({
    signatureAlgorithm: algorithm.identifier,
    issuer: encodeName(parseName(`CN=${issuer}`)),
    thisUpdate,
    nextUpdate: options.nextUpdate ?? new Date(thisUpdate.getTime() + 86_400_000),
    entries: Buffer.concat(entries.map(encodeRevokedCertificate)),
    extensions: [{ id: idCeCrlNumber, critical: false, value: smallInteger(number) }, ...extensions],
  });
  return encodeCertificateList(tbs, algorithm.identifier, sign('sha256', tbs, privateKeyOf(signer)));
}
