/** What the start prints: for each client, what to type for a first certificate. */
import { relative } from 'node:path';

interface QuickstartAddress {
  /** `host:port` of device TLS. */
  readonly server: string;
  /** Where ACME clients are asked for their proof. */
  readonly acmeHttpPort: number;
}

/** Lines that work when they are copied into a shell in the folder of the start. */
export function greet(environmentFile: string, { server, acmeHttpPort }: QuickstartAddress): string[] {
  const local = relative('.', environmentFile);
  const file = local.startsWith('..') ? environmentFile : `./${local}`;
  return [
    'To get a first certificate over EST, read the variables in:',
    ...indented([`. ${file}`]),
    'and copy the lines for your client. With curl and openssl:',
    ...indented([opensslRequest('device-1'), curlEnrollment('device-1', passcode), showCurlAnswer('device-1')]),
    'With strongSwan (it knows no labels: this is the default policy):',
    ...indented([
      `pki --estca --url https://${server} --cacert "$GATEHOUSE_CA_FILE" --caout ca.pem --outform pem --force`,
      'pki --gen --type ecdsa --size 256 --outform pem > device-2.key',
      'pki --req --type priv --in device-2.key --dn CN=device-2 > device-2.req',
      `pki --est --url https://${server} --cacert ca.pem --cacert ca-1.pem --userpass "$GATEHOUSE_USERNAME:$GATEHOUSE_PASSCODE" --in device-2.req --outform pem > device-2.pem`,
    ]),
    'With estclient:',
    ...indented([
      newKey('device-3'),
      `estclient enroll -server ${server} -aps quickstart -explicit "$GATEHOUSE_CA_FILE" -user "$GATEHOUSE_USERNAME" -pass "$GATEHOUSE_PASSCODE" -key device-3.key -cn device-3 -out device-3.pem`,
    ]),
    'With the certificate that a device has from its factory, for a new key:',
    ...indented([opensslRequest('device-4'), curlEnrollment('device-4', factory), showCurlAnswer('device-4')]),
    'Over SCEP, with strongSwan; the passcode is the challenge:',
    ...indented([
      'pki --scepca --url "$GATEHOUSE_SCEP_URL" --caout scep-ca.pem --outform pem --force',
      'pki --gen --type rsa --size 2048 --outform pem > router-1.key',
      'pki --scep --url "$GATEHOUSE_SCEP_URL" --in router-1.key --dn CN=router-1 --password "$GATEHOUSE_PASSCODE" --cacert scep-ca.pem --cacert scep-ca-1.pem --cacert-enc scep-ca-ra.pem --cacert-sig scep-ca-ra.pem --outform pem > router-1.pem',
    ]),
    'Over CMP, with openssl: with the shared secret, then for a new key with the first certificate and its chain:',
    ...indented([
      newKey('station-1'),
      `${cmpRequest('ir')} -ref "$GATEHOUSE_CMP_REFERENCE" -secret "pass:$GATEHOUSE_CMP_SECRET" -newkey station-1.key -subject /CN=station-1 -recipient / -out_trusted "$GATEHOUSE_CA_FILE" -certout station-1.pem -chainout station-1-chain.pem`,
      newKey('station-1-next'),
      `${cmpRequest('kur')} -cert station-1.pem -key station-1.key -untrusted station-1-chain.pem -trusted "$GATEHOUSE_CA_FILE" -newkey station-1-next.key -certout station-1-next.pem`,
    ]),
    'Over CMP, as a base station does with the certificate of its vendor; the root comes with the answer:',
    ...indented([
      newKey('station-2'),
      `${cmpRequest('ir')} -cert "$GATEHOUSE_FACTORY_CERT" -key "$GATEHOUSE_FACTORY_KEY" -trusted "$GATEHOUSE_CA_FILE" -newkey station-2.key -subject /CN=station-2 -certout station-2.pem -chainout station-2-chain.pem -cacertsout station-2-root.pem`,
    ]),
    'Over REST, with curl; a refusal is a problem document that names the rule:',
    ...indented([restRequest('sensor-1'), restEnrollment('sensor-1'), showRestAnswer('sensor-1')]),
    `Over ACME, with certbot or lego; they answer the gateway on port ${acmeHttpPort} of this machine${acmeHttpPort < 1024 ? ', and have to be root for that' : ''}:`,
    ...indented([
      `REQUESTS_CA_BUNDLE="$GATEHOUSE_CA_FILE" certbot certonly --standalone --http-01-port ${acmeHttpPort} --server "$GATEHOUSE_ACME_DIRECTORY" --domain localhost --non-interactive --agree-tos --register-unsafely-without-email --config-dir certbot --work-dir certbot --logs-dir certbot`,
      `LEGO_CA_CERTIFICATES="$GATEHOUSE_CA_FILE" lego --server "$GATEHOUSE_ACME_DIRECTORY" --accept-tos --email you@example.com --path lego --http --http.port :${acmeHttpPort} --domains localhost run`,
    ]),
    'README.md goes on from here.',
  ];
}

/** Where the API key of the first administrator is; the key itself is for no terminal's scrollback. */
export function greetAdministrator(keyFile: string): string[] {
  return [
    `The API key of the first administrator is in ${keyFile}.`,
    'Put it where you keep secrets, and delete the file. If it is lost, this makes another one:',
    ...indented(['npx gatehouse api-key create --role solution-administrator']),
  ];
}

function indented(commands: readonly string[]): string[] {
  return ['', ...commands.map((command) => `  ${command}`), ''];
}

const passcode = '-u "$GATEHOUSE_USERNAME:$GATEHOUSE_PASSCODE"';
const factory = '--cert "$GATEHOUSE_FACTORY_CERT" --key "$GATEHOUSE_FACTORY_KEY"';

function opensslRequest(name: string): string {
  return `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -subj /CN=${name} -outform DER | openssl base64 -A > ${name}.b64`;
}

function newKey(name: string): string {
  return `openssl ecparam -name prime256v1 -genkey -noout -out ${name}.key`;
}

function cmpRequest(command: string): string {
  return `openssl cmp -cmd ${command} -server "$GATEHOUSE_CMP_URL"`;
}

/** PEM in JSON: its line ends are escaped. */
function restRequest(name: string): string {
  return `openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ${name}.key -subj /CN=${name} | awk 'BEGIN { printf "{\\"csr\\":\\"" } { printf "%s\\\\n", $0 } END { print "\\"}" }' > ${name}.json`;
}

function restEnrollment(name: string): string {
  return `curl -sS --fail-with-body --cacert "$GATEHOUSE_CA_FILE" -H "X-Username: $GATEHOUSE_USERNAME" -H "X-Passcode: $GATEHOUSE_PASSCODE" -H "Content-Type: application/json" --data @${name}.json -o ${name}-answer.json "$GATEHOUSE_REST_URL" || cat ${name}-answer.json`;
}

function showRestAnswer(name: string): string {
  return `node -p 'JSON.parse(require("fs").readFileSync("${name}-answer.json")).certificate' > ${name}.pem && openssl x509 -in ${name}.pem -noout -subject -issuer -dates`;
}

/** A refusal is one sentence of text in place of the certificate: it is shown. */
function curlEnrollment(name: string, credential: string): string {
  return `curl -sS --fail-with-body --cacert "$GATEHOUSE_CA_FILE" ${credential} -H "Content-Type: application/pkcs10" --data @${name}.b64 -o ${name}.p7 "$GATEHOUSE_EST_URL/simpleenroll" || cat ${name}.p7`;
}

function showCurlAnswer(name: string): string {
  return `openssl base64 -d -A -in ${name}.p7 | openssl pkcs7 -inform DER -print_certs -out ${name}.pem && openssl x509 -in ${name}.pem -noout -subject -issuer -dates`;
}
