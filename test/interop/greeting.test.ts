import type { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { applyYaml } from '../support/fleet.js';
import { describeWith, openShell, readCertified, type Shell } from '../support/interop.js';
import { freePorts, startTestGateway, type TestGateway } from '../support/test-gateway.js';

// ACME clients are slow to start.
const patience = 60_000;
jest.setTimeout(2 * patience);

let gateway: TestGateway;
let shell: Shell;
beforeAll(async () => {
  gateway = await startTestGateway();
  await applyYaml(gateway, await withAnotherPort());
  gateway = await gateway.restart();
  // Without any variables: the first line that is printed reads them.
  shell = openShell({}, patience);
});
afterAll(async () => {
  shell.remove();
  await gateway.close();
});

/** The policy `quickstart` for ACME clients that are asked back at another port than 80, which is for root or taken. */
async function withAnotherPort(): Promise<string> {
  const schema = z.object({
    policies: z.array(z.looseObject({ name: z.string(), acme: z.looseObject({}).optional() })),
  });
  const { policies } = schema.parse(parse(readFileSync('config/quickstart.yaml', 'utf8')));
  const [httpPort] = await freePorts(1);
  const own = policies.filter(({ name }) => name === 'quickstart');
  return JSON.stringify({ policies: own.map((policy) => ({ ...policy, acme: { ...policy.acme, httpPort } })) });
}

/** The lines that a person copies, below the line that begins so; they are indented. */
function linesBelow(beginning: string): string[] {
  const { greeting } = gateway.gateway;
  const title = greeting.findIndex((line) => line.includes(beginning));
  const block = greeting.slice(title + 2);
  return block.slice(0, block.indexOf('')).map((line) => line.replace(/^ {2}/, ''));
}

/** Twice, because people try again. */
async function copy(beginning: string): Promise<void> {
  const lines = [...linesBelow('read the variables'), ...linesBelow(beginning)];
  await shell.succeed(...lines);
  await shell.succeed(...lines);
}

/** The certificate, which is one for the key beside it. */
function firstCertificate(name: string): X509Certificate {
  return readCertified(shell, { certificate: `${name}.pem`, key: `${name}.key` });
}

const issuer = 'O=Gatehouse Quickstart\nCN=Gatehouse Quickstart EC CA';

describe('The lines that the start prints', () => {
  it('begin with the variables and end with where to go on', () => {
    expect(linesBelow('read the variables')).toEqual([expect.stringMatching(/^\. .*quickstart\.env$/)]);
    expect(gateway.gateway.greeting.at(-1)).toBe('README.md goes on from here.');
  });
});

describeWith(['curl', 'openssl'], 'The lines that the start prints for curl', () => {
  it('show a refusal as the gateway says it', async () => {
    const lines = linesBelow('curl and openssl').slice(0, 2);
    const { output } = await shell.run(...linesBelow('read the variables'), 'GATEHOUSE_PASSCODE=wrong', ...lines);
    expect(output).toMatch(/passcode is wrong/);
  });

  it('get a first certificate with the passcode', async () => {
    await copy('curl and openssl');
    expect(firstCertificate('device-1')).toMatchObject({ subject: 'CN=device-1', issuer });
  });

  it('get a first certificate with the factory certificate', async () => {
    await copy('certificate that a device has from its factory');
    expect(firstCertificate('device-4')).toMatchObject({ subject: 'CN=device-4', issuer });
  });
});

describeWith(['curl', 'openssl', 'awk'], 'The lines that the start prints for REST', () => {
  it('get a first certificate', async () => {
    await copy('Over REST');
    expect(firstCertificate('sensor-1')).toMatchObject({ subject: 'CN=sensor-1', issuer });
  });
});

describeWith(['openssl', 'pki'], 'The lines that the start prints for strongSwan', () => {
  it('get a first certificate', async () => {
    await copy('strongSwan');
    expect(firstCertificate('device-2')).toMatchObject({ subject: 'CN=device-2', issuer });
  });
});

describeWith(['pki'], 'The lines that the start prints for SCEP', () => {
  it('get a first certificate', async () => {
    await copy('Over SCEP');
    expect(firstCertificate('router-1')).toMatchObject({ subject: 'CN=router-1', issuer });
  });
});

describeWith(['openssl'], 'The lines that the start prints for CMP', () => {
  it('get a first certificate with the shared secret, and update it', async () => {
    await copy('Over CMP, with openssl');
    const named = { subject: 'CN=station-1', issuer };
    const first = firstCertificate('station-1');
    const updated = firstCertificate('station-1-next');
    expect([first, updated]).toMatchObject([named, named]);
    expect(updated.serialNumber).not.toBe(first.serialNumber);
  });

  it('get a first certificate and the root with the certificate of a vendor', async () => {
    await copy('as a base station does');
    expect(firstCertificate('station-2')).toMatchObject({ subject: 'CN=station-2', issuer });
    await shell.succeed('openssl verify -CAfile station-2-root.pem -untrusted station-2-chain.pem station-2.pem');
  });
});

describeWith(['openssl', 'estclient'], 'The lines that the start prints for estclient', () => {
  it('get a first certificate', async () => {
    await copy('estclient');
    expect(firstCertificate('device-3')).toMatchObject({ subject: 'CN=device-3', issuer });
  });
});

describeWith(['certbot', 'lego', 'openssl'], 'The lines that the start prints for ACME', () => {
  it('get a certificate with certbot and one with lego, for a client at the port of the policy', async () => {
    await copy('Over ACME, with certbot or lego');
    const verify = (chain: string) => `openssl verify -CAfile "$GATEHOUSE_CA_FILE" -untrusted ${chain} ${chain}`;
    const files = {
      certbot: { chain: 'certbot/live/localhost/fullchain.pem', key: 'certbot/live/localhost/privkey.pem' },
      lego: { chain: 'lego/certificates/localhost.crt', key: 'lego/certificates/localhost.key' },
    };
    for (const { chain, key } of Object.values(files)) {
      await shell.succeed(...linesBelow('read the variables'), verify(chain));
      const certificate = readCertified(shell, { certificate: chain, key });
      expect(certificate.subjectAltName).toBe('DNS:localhost');
      expect(certificate.issuer).toBe(issuer);
    }
  });
});
