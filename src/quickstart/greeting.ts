/** What the start prints: for each protocol, what to type next. */
import { relative } from 'node:path';

/** Lines that work when they are copied into a shell in the folder of the start. */
export function greet(environmentFile: string): string[] {
  const local = relative('.', environmentFile);
  const file = local.startsWith('..') ? environmentFile : `./${local}`;
  return [
    'Get a first certificate over EST; copy these lines:',
    '',
    `  . ${file}`,
    "  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout device.key -subj /CN=device-1 -outform DER | openssl base64 -A > device.b64",
    '  curl --fail-with-body --cacert "$GATEHOUSE_CA_FILE" -u "$GATEHOUSE_USERNAME:$GATEHOUSE_PASSCODE" -H "Content-Type: application/pkcs10" --data @device.b64 "$GATEHOUSE_EST_URL/simpleenroll" | openssl base64 -d -A | openssl pkcs7 -inform DER -print_certs -out device.pem',
    '  openssl x509 -in device.pem -noout -subject -issuer -dates',
    '',
    'or, with the certificate that the device has from its factory:',
    '',
    '  curl --fail-with-body --cacert "$GATEHOUSE_CA_FILE" --cert "$GATEHOUSE_FACTORY_CERT" --key "$GATEHOUSE_FACTORY_KEY" -H "Content-Type: application/pkcs10" --data @device.b64 "$GATEHOUSE_EST_URL/simpleenroll"',
    '',
    'README.md goes on from here.',
  ];
}
