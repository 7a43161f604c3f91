import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../src/enrollment/approve.js';
import { deviceAddress, placeNames } from '../support/acme/server.js';
import { type AcmeFleet, startAcmeFleet } from '../support/acme-fleet.js';
import { describeWith } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest } from '../support/records.js';
import { type AcmeShell, clientTimeout, openShellFor, readCertificate } from './acme-shell.js';

jest.setTimeout(clientTimeout);

describeWith(['certbot', 'lego', 'openssl'], 'ACME with clients that wait for approval (RFC 8555 7.4)', () => {
  let fleet: AcmeFleet;
  let shell: AcmeShell;
  beforeAll(async () => {
    fleet = await startAcmeFleet();
    const trust = { REQUESTS_CA_BUNDLE: 'ca.pem', LEGO_CA_CERTIFICATES: 'ca.pem' };
    shell = await openShellFor(fleet, { ...trust, APPROVAL: fleet.directoryOf('approval') });
    await placeNames(fleet, deviceAddress, ['pump-1.plant.example', 'pump-2.plant.example', 'pump-3.plant.example']);
  });
  afterAll(() => shell.close());

  it('certbot waits, and takes the certificate once the request is approved', async () => {
    const name = 'pump-1.plant.example';
    const account = '--server "$APPROVAL" --agree-tos --register-unsafely-without-email';
    const challenge = '--standalone --http-01-address 127.0.0.1 --http-01-port "$HTTP_PORT"';
    const folders = '--config-dir certbot --work-dir certbot/work --logs-dir certbot/logs';
    const client = shell.succeed(
      `certbot certonly -n ${folders} ${account} ${challenge} --cert-name ${name} -d ${name}`,
    );
    await approve();
    await client;
    const live = `certbot/live/${name}`;
    const issued = await readCertificate(shell, { chain: `${live}/fullchain.pem`, key: `${live}/privkey.pem` });
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('lego waits, and takes the certificate once the request is approved', async () => {
    const name = 'pump-2.plant.example';
    const client = shell.succeed(lego(name, 60));
    await approve();
    await client;
    const file = `lego/certificates/${name}`;
    const issued = await readCertificate(shell, { chain: `${file}.crt`, key: `${file}.key` });
    expect(issued.subjectAltName).toBe(`DNS:${name}`);
  });

  it('lego says why the request was rejected', async () => {
    // It looks again and again until its time is over, although the order is invalid.
    const client = shell.run(lego('pump-3.plant.example', 10));
    await rejectRequest(await firstPendingRequest(fleet.test), by('test', 'not ours'), fleet.test.gateway.core);
    const { status, output } = await client;
    expect({ status, output }).toEqual({ status: 1, output: expect.stringContaining('not ours') });
  });

  async function approve(): Promise<void> {
    await approveRequest(await firstPendingRequest(fleet.test), by('test'), fleet.test.gateway.core);
  }

  /** @param patience seconds that it waits for the certificate */
  function lego(name: string, patience: number): string {
    const challenge = '--http --http.port "127.0.0.1:$HTTP_PORT"';
    return `lego --path lego --server "$APPROVAL" --accept-tos -m admin@plant.example ${challenge} --cert.timeout ${patience} -d ${name} run 2>&1`;
  }
});
