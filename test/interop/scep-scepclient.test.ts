import type { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { applyYaml } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell, readCertified } from '../support/interop.js';
import { recordOf } from '../support/records.js';

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
  await applyYaml(shell.test, legacyPolicy('ec'));
  await applyYaml(shell.test, legacyPolicy('rsa'));
});
afterAll(() => shell.close());

/** This client knows no cipher but single DES. */
function legacyPolicy(ca: string): string {
  const profiles = '[{ usage: operational, profile: quickstart-operational }]';
  const rest = 'authenticationPolicy: quickstart, methods: [scep], defaultGroup: devices, scep: { legacy: true }';
  return `policies: [{ name: legacy-${ca}, division: quickstart, issuingCa: quickstart-${ca}, profiles: ${profiles}, ${rest} }]`;
}

interface Enrollment {
  readonly policy?: string;
  readonly challenge?: string;
}

/** `<name>/client.pem`; a new key unless there is one, and a renewal if there is a certificate. Sends to the RA only. */
function enroll(name: string, { policy = 'legacy-rsa', challenge = '"$GATEHOUSE_PASSCODE"' }: Enrollment = {}) {
  return [
    `url="\${GATEHOUSE_SCEP_URL%/*}/${policy}"`,
    'curl -sS --fail "$url?operation=GetCACert" | openssl pkcs7 -inform DER -print_certs -out cas.pem',
    'ra=$(openssl x509 -in cas.pem -outform DER | openssl dgst -sha256 -r | cut -d " " -f 1)',
    `mkdir -p ${name}`,
    `scepclient -server-url "$url" -ca-fingerprint "$ra" -private-key ${name}/client.key -certificate ${name}/client.pem -challenge ${challenge} -cn ${name} -organization acme -ou lab -country DE 2>&1`,
  ];
}

function certificate(name: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}/client.pem`, key: `${name}/client.key` });
}

describeWith(['scepclient', 'curl', 'openssl'], "SCEP with micromdm's scepclient", () => {
  it.each(['ec', 'rsa'])('enrolls with the challenge and single DES, with an %s issuing CA', async (ca) => {
    const name = `first-${ca}`;
    await shell.succeed(...enroll(name, { policy: `legacy-${ca}` }));
    expect(certificate(name).subject).toBe(`C=DE\nO=acme\nOU=lab\nCN=${name}`);
  });

  it('renews with the certificate that it has', async () => {
    await shell.succeed(...enroll('again'));
    const first = certificate('again');
    await shell.succeed(...enroll('again'));
    const [old, renewed] = await Promise.all([first, certificate('again')].map((one) => recordOf(shell.test, one)));
    expect(renewed?.replaces).toBe(old?.id);
  });

  it('is refused with a wrong challenge (badRequest)', async () => {
    const { output } = await shell.run(...enroll('wrong', { challenge: 'wrong-challenge' }));
    expect(output).toMatch(/BadRequest|failinfo.*2/i);
    expect(() => shell.read('wrong/client.pem')).toThrow('ENOENT');
  });

  it('is refused with single DES where the policy is not for such (badAlg)', async () => {
    const { output } = await shell.run(...enroll('des', { policy: 'quickstart' }));
    expect(output).toMatch(/BadAlg|failinfo.*0/i);
    expect(() => shell.read('des/client.pem')).toThrow('ENOENT');
  });
});
