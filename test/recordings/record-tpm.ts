/** Writes fixtures/acme/attestation anew, in the project's folder: see the README there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { keyAuthorization } from '../support/acme/attestation.js';
import { hardwareModuleName, permanentIdentifier } from '../support/acme/device-names.js';
import { createSoftwareTpm, type SoftwareTpmOptions } from '../support/acme/software-tpm.js';

const folder = 'fixtures/acme/attestation';

const statements: Readonly<Record<string, Omit<SoftwareTpmOptions, 'names'>>> = {
  'tpm-ecdsa': {},
  'tpm-rsassa': { attestationKey: 'rsassa', key: 'rsa2048' },
  'tpm-rsapss': { attestationKey: 'rsapss', key: 'ecc384' },
  'tpm-exportable': { attributes: 'sensitivedataorigin|userwithauth|sign' },
};

async function record(name: string, options: Omit<SoftwareTpmOptions, 'names'>): Promise<void> {
  const names = [
    [3, permanentIdentifier('SN-4711')],
    [4, hardwareModuleName('a1b2')],
  ] as const;
  const tpm = await createSoftwareTpm({ names, ...options });
  try {
    await mkdir(`${folder}/${name}`, { recursive: true });
    await writeFile(`${folder}/${name}/key-authorization.txt`, `${keyAuthorization}\n`);
    await writeFile(`${folder}/${name}/att-obj.cbor`, await tpm.attest(keyAuthorization));
    await writeFile(`${folder}/${name}/request.der`, await tpm.csr({ subject: 'CN=SN-4711' }));
    await writeFile(`${folder}/${name}/authority.der`, tpm.authority);
  } finally {
    await tpm.close();
  }
}

for (const [name, options] of Object.entries(statements)) await record(name, options);
