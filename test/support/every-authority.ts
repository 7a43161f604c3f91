/** CAs with keys of every kind under others of every kind, and in every state: imported, certified elsewhere, offline, rolled over. */
import { activateNext } from '../../src/authorities/activate.js';
import { importAuthority } from '../../src/authorities/import-authority.js';
import { importCertificate } from '../../src/authorities/import-certificate.js';
import { requestCertificate } from '../../src/authorities/request.js';
import { signOffline } from '../../src/authorities/sign-offline.js';
import { stageNext } from '../../src/authorities/stage.js';
import { takeOffline } from '../../src/authorities/take-offline.js';
import { parseDocument } from '../../src/catalog/document.js';
import { applyDocument } from '../../src/declaration/apply.js';
import { planDocument } from '../../src/declaration/plan.js';
import type { Core } from '../../src/open-core.js';
import { fromPem, toPem } from '../../src/x509/pem.js';
import type { Shell } from './interop.js';
import { testActor as actor } from './operator.js';

const policies = `certificatePolicies: [{ id: 1.3.6.1.4.1.99999.1, cps: "http://ca.example/cps", notice: "Für Anlagen" }, { id: 1.3.6.1.4.1.99999.2 }]`;

/** The first five are a chain; its third one, and the root of P-256 with what is below it, roll over. */
const configuration = `
certificateAuthorities:
  - { name: root-pss, subject: "CN=Root PSS,O=Gerätewerk,C=DE", key: rsa-3072, rsaPadding: pss, signatureHash: sha384, validity: 30y }
  - { name: p521, parent: root-pss, subject: "CN=P-521,O=Gerätewerk", key: ec-p521, validity: 28y, ocsp: { enabled: false }, ${policies} }
  - { name: edwards, parent: p521, subject: "CN=Edwards,OU=Gateways,DC=example", key: ed25519, validity: 25y, pathLength: 2, issueIntermediates: true, stageNextGeneration: true, ${policies} }
  - { name: p384, parent: edwards, subject: "CN=P-384,O=Gerätewerk", key: ec-p384, validity: 20y, pathLength: 1, crl: { maximumCertificates: 12, delta: {} }, ${policies} }
  - { name: pss, parent: p384, subject: "CN=PSS,O=Gerätewerk", key: rsa-2048, rsaPadding: pss, validity: 10y, pathLength: 0, crl: { scope: always, delta: {} }, ${policies} }
  - { name: root-edwards, subject: "CN=Root Edwards,O=Example", key: ed25519, validity: 20y }
  - { name: rsa-4096, parent: root-edwards, subject: "CN=RSA 4096,O=Example", key: rsa-4096, signatureHash: sha512, validity: 10y, issueIntermediates: true, nameConstraints: { excluded: [{ dns: secret.example }, { ip: 192.168.0.0/16 }] }, locations: { mirrors: ["http://mirror.example"] } }
  - { name: root-p256, subject: "CN=Root P-256,O=Example", key: ec-p256, validity: 20y, stageNextGeneration: true }
  - { name: p256, parent: root-p256, subject: "CN=P-256,O=Example", key: ec-p256, validity: 10y, pathLength: 1, issueIntermediates: true }
  - { name: imported, subject: "CN=Imported,O=Example", key: external }
  - { name: corporate, subject: "CN=Corporate,O=Example", key: external }
  - { name: plant, parent: corporate, subject: "CN=Plant,O=Example", key: ec-p384, pathLength: 0 }
  - { name: vault, subject: "CN=Vault,O=Example", key: ec-p384, validity: 20y, crl: { interval: 180d, validity: 200d }, ocsp: { enabled: false } }
  - { name: sealed, parent: vault, subject: "CN=Sealed,O=Example", key: ec-p256, validity: 5y, pathLength: 0 }
`;

/** Which of them issue: to devices, and to CAs of gateways. */
export const issuers = {
  devices: ['pss', 'p384', 'p521', 'p256', 'edwards', 'rsa-4096', 'imported', 'plant', 'sealed'],
  gateways: ['edwards', 'rsa-4096', 'p256'],
};

/** What happens to them later on. */
export interface EveryAuthority {
  /** DER CRL of `corporate-1`, which openssl signs. */
  readonly corporateCrl: Uint8Array;
  /** `edwards-2`, `root-p256-2` and `p256-2` take over, in this order. */
  rollOver(): Promise<void>;
  /** A ceremony in which `vault` signs its CRLs. */
  signCrls(): Promise<void>;
}

/** Makes them; openssl works in the shell's folder. `sealed-2` is certified in a ceremony, and issues. */
export async function makeEveryAuthority(core: Core, shell: Shell): Promise<EveryAuthority> {
  const readFile = () => '';
  const document = parseDocument({ file: 'every.yaml', text: configuration, environment: {}, readFile });
  await applyDocument(await planDocument(document, core), { ...core, actor });
  await core.holder.refresh();
  await core.ensureCas();
  await importOne(core, shell);
  const corporateCrl = await certifyElsewhere(core, shell);
  const key = await takeVaultOffline(core);
  await requestCertificate('sealed', actor, core);
  await signOffline({ ca: 'vault', key, actor }, core);
  await activateNext({ ca: 'sealed', actor }, core);
  return {
    corporateCrl,
    async rollOver() {
      await activateNext({ ca: 'edwards', actor }, core);
      await activateNext({ ca: 'root-p256', actor }, core);
      await stageNext('p256', actor, core);
      await activateNext({ ca: 'p256', actor }, core);
    },
    async signCrls() {
      await signOffline({ ca: 'vault', key, only: 'crl', actor }, core);
    },
  };
}

const opensslConfiguration = `
[req]
distinguished_name = name
x509_extensions = root
[name]
[root]
basicConstraints = critical,CA:true
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[below]
basicConstraints = critical,CA:true,pathlen:0
keyUsage = critical,digitalSignature,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[ca]
default_ca = crls
[crls]
database = index.txt
crlnumber = crlnumber
default_md = sha256
default_crl_days = 30
crl_extensions = crl
[crl]
authorityKeyIdentifier = keyid
`;

const makeRoot = (name: string, subject: string, key: string) =>
  `openssl req -x509 -newkey ${key} -nodes -config openssl.cnf -subj '${subject}' -days 3650 -keyout ${name}.key -out ${name}.pem 2>&1`;

/** A root with an RSA key that signs by PKCS #1 v1.5. */
async function importOne(core: Core, shell: Shell): Promise<void> {
  shell.write('openssl.cnf', opensslConfiguration);
  await shell.succeed(
    makeRoot('imported', '/O=Example/CN=Imported', 'rsa:2048'),
    'openssl pkcs12 -export -inkey imported.key -in imported.pem -passout pass:passphrase -out imported.p12',
  );
  const key = { content: shell.read('imported.p12'), passphrase: 'passphrase' };
  await importAuthority({ ca: 'imported', key, certificates: [], crls: [], actor }, core);
}

/** Returns the CRL of the root, DER. */
async function certifyElsewhere(core: Core, shell: Shell): Promise<Uint8Array> {
  shell.write('plant.csr', toPem('CERTIFICATE REQUEST', await requestCertificate('plant', actor, core)));
  shell.write('index.txt', '');
  shell.write('crlnumber', '01');
  await shell.succeed(
    makeRoot('corporate', '/O=Example/CN=Corporate', 'ec -pkeyopt ec_paramgen_curve:P-384'),
    'openssl x509 -req -in plant.csr -CA corporate.pem -CAkey corporate.key -days 1825 -extfile openssl.cnf -extensions below -out plant.pem 2>&1',
    'openssl ca -config openssl.cnf -gencrl -cert corporate.pem -keyfile corporate.key -out corporate.crl 2>&1',
  );
  const certificates = ['plant.pem', 'corporate.pem'].flatMap((file) => read(file, 'CERTIFICATE', shell));
  await importCertificate({ ca: 'plant', certificates, actor }, core);
  const [crl = new Uint8Array()] = read('corporate.crl', 'X509 CRL', shell);
  return crl;
}

function read(file: string, label: string, shell: Shell): readonly Uint8Array[] {
  return fromPem(shell.read(file).toString('latin1'), label);
}

async function takeVaultOffline(core: Core): Promise<{ readonly content: Uint8Array; readonly passphrase: string }> {
  const passphrase = 'for the ceremony';
  let content = new Uint8Array();
  const keep = async (encrypted: Uint8Array) => {
    content = Uint8Array.from(encrypted);
    return content;
  };
  await takeOffline({ generation: 'vault', passphrase, keep, actor }, core);
  return { content, passphrase };
}
