/** A rollover that no device notices: root and issuing CA, by the clients of every protocol that were there before. */
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { certificateAuthorityCommand } from '../../src/cli/certificate-authority.js';
import { toPem } from '../../src/x509/pem.js';
import { readRenewalInfo } from '../support/acme/objects.js';
import { renewalName } from '../support/acme/renewal-name.js';
import { readSignedMessage } from '../support/cms-answer.js';
import { createEstClient } from '../support/est-client.js';
import { openShell, type Shell } from '../support/interop.js';
import { postOcsp } from '../support/ocsp-client.js';
import { makeCertId, makeOcspRequest } from '../support/ocsp-message.js';
import { eventsOf } from '../support/records.js';
import { runCommand } from '../support/run-command.js';
import { createScepClient } from '../support/scep-client.js';
import { createTestClock, daySeconds } from '../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { matrixConfiguration } from './matrix-drivers.js';
import { credentialOf, type Device, type LastingClients, openLastingClients } from './roll-over-clients.js';

const clock = createTestClock();
let test: TestGateway;
let shell: Shell;
let lasting: LastingClients;
/** By protocol: of the time before, and the latest. */
const first = new Map<string, Device>();
const latest = new Map<string, Device>();

beforeAll(async () => {
  test = await startTestGateway({ configuration: matrixConfiguration, clock });
  shell = openShell();
  shell.write('first-root.pem', toPem('CERTIFICATE', der('root-1')));
  lasting = await openLastingClients(test, der('root-1'));
  for (const [protocol, client] of lasting.clients) {
    first.set(protocol, await client.enroll(`${protocol}.first.example`));
    latest.set(protocol, await client.enroll(`${protocol}.plant.example`));
  }
});
afterAll(async () => {
  lasting.close();
  shell.remove();
  await test.close();
});

const der = (generation: string) =>
  Buffer.from(test.gateway.core.authority.generation(generation)?.certificate.der ?? []);
const seconds = () => Math.floor(clock.now().getTime() / 1000);
const isBy = (certificate: X509Certificate | undefined, generation: string): boolean | undefined =>
  certificate?.verify(new X509Certificate(der(generation)).publicKey);
const run = (...words: string[]) => runCommand(certificateAuthorityCommand, test, words);

/** Each client renews its latest certificate. */
async function renewAll(): Promise<readonly X509Certificate[]> {
  const renewed: X509Certificate[] = [];
  for (const [protocol, client] of lasting.clients) {
    const device = await client.renew(`${protocol}.plant.example`, latestOf(protocol));
    latest.set(protocol, device);
    renewed.push(device.certificate);
  }
  return renewed;
}

function latestOf(protocol: string): Device {
  const device = latest.get(protocol);
  if (device === undefined) throw new Error(`no device of ${protocol}`);
  return device;
}

/** Who opens a TLS connection and trusts the first root alone; returns the server's certificate. */
async function connect(): Promise<X509Certificate> {
  const { deviceTlsPort } = test.gateway.listeners;
  const trust = '-CAfile first-root.pem -no-CApath -no-CAstore -verify_return_error -verify_hostname localhost';
  const printed = await shell.succeed(
    `openssl s_client -connect 127.0.0.1:${deviceTlsPort} ${trust} -attime ${seconds()} </dev/null 2>&1`,
  );
  return new X509Certificate(printed.slice(printed.indexOf('-----BEGIN')));
}

async function download(path: string): Promise<Buffer> {
  const answer = await fetch(`http://127.0.0.1:${test.gateway.listeners.deviceHttpPort}${path}`);
  expect(answer.status).toBe(200);
  return Buffer.from(await answer.arrayBuffer());
}

/** Whether `openssl verify` accepts a certificate and those above it, each by its CRL; a root's has none while there are several. */
async function verify(leaf: X509Certificate, root: string, above: readonly Uint8Array[]): Promise<boolean> {
  const crls: string[] = [];
  for (const { id } of test.gateway.core.authority.generations()) {
    crls.push(toPem('X509 CRL', await download(`/crl/${id}/0.crl`)));
  }
  shell.write('crls.pem', crls.join(''));
  shell.write('root.pem', toPem('CERTIFICATE', der(root)));
  shell.write('above.pem', above.map((each) => toPem('CERTIFICATE', each)).join(''));
  const files = [leaf.raw, ...above].map((each, index) => {
    shell.write(`${index}.pem`, toPem('CERTIFICATE', each));
    return `${index}.pem`;
  });
  const trust = '-no-CApath -no-CAstore -CAfile root.pem -untrusted above.pem -CRLfile crls.pem';
  const at = `-attime ${seconds() + 2}`;
  const printed = await shell.succeed(`openssl verify -x509_strict -crl_check ${trust} ${at} ${files.join(' ')} 2>&1`);
  return printed === files.map((file) => `${file}: OK\n`).join('');
}

async function trusted(): Promise<readonly Buffer[]> {
  const est = createEstClient(test, { label: 'fleet' });
  const { text } = await est.get('cacerts');
  est.close();
  return readSignedMessage(Buffer.from(text, 'base64')).certificates.map(({ raw }) => raw);
}

/** Until the gateway's own task has done it. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await holds()); attempt++) {
    if (attempt === 200) throw new Error('it does not come about');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const currentOf = (ca: string) => test.gateway.core.authority.issuer(ca).id;

describe('A rollover', () => {
  it('is announced from staging on, and changes nothing yet', async () => {
    const before = await trusted();
    await run('stage', 'root');
    const [newWithOld, oldWithNew] = [new X509Certificate(der('root-1')), new X509Certificate(der('root-2'))];
    const links = (await trusted()).slice(before.length).map((raw) => new X509Certificate(raw));
    expect(links.map((link) => [link.verify(newWithOld.publicKey), link.verify(oldWithNew.publicKey)])).toEqual(
      expect.arrayContaining([
        [true, false],
        [false, true],
      ]),
    );
    const update = await lasting.cmp.genm('rootCaCert', der('root-1'));
    expect(update.answer.body.includes(der('root-2'))).toBe(true);
    for (const certificate of await renewAll()) expect(isBy(certificate, 'devices-1')).toBe(true);
    await connect();
  });

  it('of the root is done by the gateway at its time; the CA below stays until it is rolled over itself', async () => {
    await run('activate', 'root', '--at', '10d');
    clock.advance(10 * daySeconds - 60);
    expect(currentOf('root')).toBe('root-1');
    clock.advance(60);
    await until(() => currentOf('root') === 'root-2');
    for (const certificate of await renewAll()) expect(isBy(certificate, 'devices-1')).toBe(true);
    await connect();
    await run('stage', 'devices');
    expect(test.gateway.core.authority.generation('devices-2')?.parent).toBe('root-2');
    const next = readSignedMessage((await lasting.scep.getNextCaCert()).body).content ?? Buffer.of();
    expect(readSignedMessage(next).certificates[0]?.raw).toEqual(der('devices-2'));
    expect(await trusted()).toContainEqual(der('devices-2'));
    for (const certificate of await renewAll()) expect(isBy(certificate, 'devices-1')).toBe(true);
  });

  it('fails nobody who asks while the issuing CA changes', async () => {
    const { crls } = test.gateway.core;
    await run('activate', 'devices', '--at', '10d', '--replace-by', '20d');
    clock.advance(10 * daySeconds - 60);
    await crls.publishDue();
    let rounds = 0;
    let isOver = false;
    const isDone = async () => rounds > 2 && currentOf('devices') === 'devices-2' && isBy(await connect(), 'devices-2');
    const asking = Promise.all([...lasting.clients.keys()].map(renewOnAndOn));
    async function renewOnAndOn(protocol: string): Promise<void> {
      const client = lasting.clients.get(protocol);
      while (!isOver) {
        const device = await client?.renew(`${protocol}.plant.example`, latestOf(protocol));
        if (device) latest.set(protocol, device);
        rounds++;
      }
    }
    clock.advance(60);
    try {
      await until(async () => (await isDone()) === true);
    } finally {
      isOver = true;
    }
    await asking;
    expect((await eventsOf(test, 'request.refused')).length).toBe(0);
    expect(await eventsOf(test, 'ca.activated')).toHaveLength(4);
  });

  it('lets old and new certificates authenticate, by clients that know the first root alone', async () => {
    for (const certificate of await renewAll()) expect(isBy(certificate, 'devices-2')).toBe(true);
    for (const certificate of await renewAll()) expect(isBy(certificate, 'devices-2')).toBe(true);
    for (const [protocol, client] of lasting.clients) {
      const device = first.get(protocol);
      expect(isBy(device?.certificate, 'devices-1')).toBe(true);
      if (device === undefined) continue;
      const renewed = await client.renew(`${protocol}.first.example`, device);
      expect(isBy(renewed.certificate, 'devices-2')).toBe(true);
    }
  });

  it('leaves chains that verify, with CRLs: the old one, the new one, and the new one for who has the first root', async () => {
    const old = first.get('est')?.certificate;
    const renewed = latest.get('est')?.certificate;
    if (!old || !renewed) throw new Error('no certificates');
    const [newWithOld = Buffer.of()] = (await trusted()).filter(
      (raw) => isBy(new X509Certificate(raw), 'root-1') && !raw.equals(der('root-1')) && !raw.equals(der('devices-1')),
    );
    expect(await verify(old, 'root-1', [der('devices-1')])).toBe(true);
    expect(await verify(renewed, 'root-2', [der('devices-2')])).toBe(true);
    expect(await verify(renewed, 'root-1', [der('devices-2'), newWithOld])).toBe(true);
  });

  it('has OCSP answers of both generations', async () => {
    for (const [device, generation] of [
      [first.get('est'), 'devices-1'],
      [latest.get('est'), 'devices-2'],
    ] as const) {
      const serialNumber = device?.certificate.serialNumber.toLowerCase() ?? '';
      const request = makeOcspRequest([makeCertId({ issuer: der(generation), serialNumber })]);
      const { response } = await postOcsp(test, request, { generation });
      expect(response?.statuses).toMatchObject([{ status: 'good' }]);
    }
  });

  it('takes the gateway’s own certificates along', async () => {
    const scep = createScepClient(test, { label: 'fleet' });
    const { ra, chain } = await scep.getCaCert();
    scep.close();
    expect([isBy(ra, 'devices-2'), chain[0]?.raw]).toEqual([true, der('devices-2')]);
    const credential = credentialOf(test, latestOf('cmp'));
    const { message } = await lasting.cmp.genm('caCerts', undefined, { credential });
    expect(isBy(message?.extraCerts[0], 'devices-2')).toBe(true);
    expect(isBy(await connect(), 'devices-2')).toBe(true);
  });

  it('moves the renewal window of what the earlier generation has issued, where the operator wants that', async () => {
    const certificate = first.get('acme')?.certificate;
    if (certificate === undefined) throw new Error('no certificate');
    const { suggestedWindow } = readRenewalInfo(await lasting.acme.renewalInfo(renewalName(certificate)));
    expect(Date.parse(suggestedWindow.end)).toBeLessThanOrEqual(clock.now().getTime() + 10 * daySeconds * 1000);
  });
});
