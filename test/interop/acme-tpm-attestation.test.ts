import { afterAll, expect, it } from '@jest/globals';
import { verifyAttestation } from '../../protocols/acme/attestation/attestation.js';
import { refusal } from '../protocols/acme/attestation/refusal.js';
import { keyAuthorization } from '../support/acme/attestation.js';
import { hardwareModuleName, permanentIdentifier } from '../support/acme/device-names.js';
import {
  createSoftwareTpm,
  type SoftwareTpm,
  type SoftwareTpmOptions,
  softwareTpmTools,
} from '../support/acme/software-tpm.js';
import { describeWith, openShell } from '../support/interop.js';

const names = [
  [3, permanentIdentifier('SN-4711')],
  [4, hardwareModuleName('a1b2')],
] as const;

const opened: SoftwareTpm[] = [];
async function open(options: Omit<SoftwareTpmOptions, 'names'>): Promise<SoftwareTpm> {
  const tpm = await createSoftwareTpm({ names, ...options });
  opened.push(tpm);
  return tpm;
}
afterAll(async () => {
  await Promise.all(opened.map((tpm) => tpm.close()));
});

describeWith([...softwareTpmTools, 'openssl'], 'a TPM (swtpm)', () => {
  it.each([
    ['ecdsa', 'ecc256'],
    ['ecdsa', 'rsa2048'],
    ['rsassa', 'ecc384'],
    ['rsapss', 'ecc256'],
  ] as const)('attests with %s a key of %s, which signs a request', async (attestationKey, key) => {
    const tpm = await open({ attestationKey, key });
    const attestation = verifyAttestation(await tpm.attest(keyAuthorization), keyAuthorization);
    expect(Buffer.from(attestation.attestedKey)).toEqual(Buffer.from(tpm.publicKey));
    expect(attestation.permanentIdentifiers).toEqual(['SN-4711']);
    expect(attestation.hardwareModules).toEqual(['1.3.6.1.4.1.55555.1:a1b2']);
    expect(await verifiedKey(await tpm.csr({ subject: 'CN=SN-4711' }))).toEqual(Buffer.from(tpm.publicKey));
  });

  it.each([
    ['may leave the TPM', 'sensitivedataorigin|userwithauth|sign', /may leave its TPM/],
    ['does not sign', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|decrypt', /does not sign/],
    ['is restricted', 'fixedtpm|fixedparent|sensitivedataorigin|userwithauth|sign|restricted', /restricted/],
  ])('certifies a key that %s, and the attestation is refused', async (_, attributes, words) => {
    const key = attributes.endsWith('restricted') ? ({ key: 'ecc256:ecdsa-sha256:null' } as const) : {};
    const tpm = await open({ attributes, ...key });
    expect(refusal(await tpm.attest(keyAuthorization))).toMatch(words);
  });

  it('attests anew for each key authorization', async () => {
    const tpm = await open({});
    const attestation = await tpm.attest('one.thumbprint');
    expect(refusal(attestation, 'one.thumbprint')).toBeUndefined();
    expect(refusal(attestation, 'other.thumbprint')).toMatch(/extraData/);
  });
});

/** The public key, DER, of a request whose signature openssl has verified. */
async function verifiedKey(csr: Uint8Array): Promise<Buffer> {
  const shell = openShell();
  try {
    shell.write('csr.der', csr);
    await shell.succeed(
      'openssl req -inform DER -in csr.der -verify -noout -pubkey -out key.pem',
      'openssl pkey -pubin -in key.pem -outform DER -out key.der',
    );
    return shell.read('key.der');
  } finally {
    shell.remove();
  }
}
