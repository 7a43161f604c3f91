/** Policies of a started gateway that ACME is measured with. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { AcmeServer } from './acme-bench.js';
import { read } from './command-line.js';
import type { GatewayProcess } from './gateway-process.js';
import type { ExternalAccount } from './load-job.js';
import { createContext } from './secure-context.js';
import { describeRefusal, send } from './send.js';

export const acmeAuthorizations = ['challenges', 'externalAccount'] as const;
export type AcmeAuthorization = (typeof acmeAuthorizations)[number];

interface ValidationPorts {
  readonly httpPort: number;
  readonly dnsPort: number;
}

/** Configures it as `gatehouse apply` does, and waits until it serves the directory. */
export async function prepareGateway(
  { pid, directory, environment }: GatewayProcess,
  authorization: AcmeAuthorization,
  ports: ValidationPorts,
): Promise<AcmeServer> {
  const { GATEHOUSE_EST_URL = '', GATEHOUSE_CA_FILE = '' } = environment;
  const file = join(directory, 'acme.yaml');
  await writeFile(file, describePolicy(authorization, ports));
  await apply(file, directory);
  const target = { url: new URL('/acme/bench/directory', GATEHOUSE_EST_URL).href, caPem: read(GATEHOUSE_CA_FILE) };
  await untilServed(target);
  const challenges = authorization === 'challenges';
  return {
    work: { target, domain, ...ports, ...(challenges ? {} : { externalAccount }) },
    challenges,
    pid,
  };
}

const domain = 'bench.test';
const externalAccount: ExternalAccount = {
  keyId: 'bench',
  hmacKey: Buffer.from('a secret that all clients of the bench know').toString('base64url'),
};

function describePolicy(authorization: AcmeAuthorization, { httpPort, dnsPort }: ValidationPorts): string {
  return `
profiles:
  - name: bench
    template: tls-server
    subject: [{ attribute: commonName, source: request }]
    subjectAltNames: [{ type: dns, source: request, required: true }]
    keyUsages: [digitalSignature]
    extendedKeyUsages: [serverAuth]
    validity: 90d
authenticationPolicies:
  - name: bench
    division: quickstart
    credentials:
      - { kind: acme-account-key, name: bench, keyId: ${externalAccount.keyId}, hmacKey: ${externalAccount.hmacKey} }
deviceGroups: [{ name: bench, division: quickstart, policies: [bench] }]
policies:
  - name: bench
    division: quickstart
    authenticationPolicy: bench
    profiles: [{ usage: operational, profile: bench }]
    issuingCa: quickstart-ec
    methods: [acme]
    defaultGroup: bench
    acme:
      authorization: ${authorization}
      challenges: [http-01]
      httpPort: ${httpPort}
      resolvers: ["127.0.0.1:${dnsPort}"]
      allowedNetworks: [127.0.0.0/8]
      limits: { accountsPerAddress: 1000000 }
`;
}

async function apply(file: string, data: string): Promise<void> {
  const main = fileURLToPath(new URL('../../src/main.js', import.meta.url));
  const child = spawn(process.execPath, [main, 'apply', '--data', data, '-f', file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code] = await once(child, 'exit');
  if (code !== 0) throw new Error('the policy for ACME could not be applied');
}

const looks = 50;

/** A gateway looks for changes once a second. */
async function untilServed({ url, caPem }: { readonly url: string; readonly caPem: string }): Promise<void> {
  const secureContext = createContext({ url, caPem });
  for (let look = 1; ; look++) {
    const answer = await send(new URL(url), { agent: false, secureContext });
    if (answer.status === 200) return;
    if (look === looks) throw new Error(`the directory is not served: ${describeRefusal(answer)}`);
    await wait(100);
  }
}
