/** Checks of what `gatehouse doctor` hears from the listeners. */
import { checkServerIdentity } from 'node:tls';
import type { Catalog } from '../catalog/catalog.js';
import { serverNames } from '../catalog/server-names.js';
import type { Settings } from '../settings.js';
import { messageOf } from './check-store.js';
import { type Finding, ok, problem, warning } from './finding.js';
import { presentedCertificate, probeListeners } from './listeners.js';

/** A gateway that does not run at all may be meant not to; one that runs in part is not. */
export async function checkListeners(settings: Settings): Promise<readonly Finding[]> {
  const check = 'listeners';
  const listeners = await probeListeners(settings);
  if (listeners.every(({ answers }) => !answers)) {
    return [
      warning(
        check,
        `no gateway answers at ${listeners.map(({ address }) => address).join(', ')}`,
        'start it: gatehouse serve',
      ),
    ];
  }
  return listeners.map(({ listener, address, answers, said }) =>
    answers
      ? ok(check, `${listener} at ${address}: ${said}`)
      : problem(
          check,
          `${listener} does not answer at ${address}: ${said}`,
          "look at the gateway's log, at the settings it runs with, and at what else has the port",
        ),
  );
}

/** Whether devices that look for the gateway under its names find them in the certificate of its TLS listener. */
export async function checkTlsNames(settings: Settings, catalog: Catalog, now: number): Promise<Finding> {
  const check = 'TLS certificate';
  try {
    const certificate = await presentedCertificate(settings, settings.deviceTlsPort);
    const names = serverNames(catalog, settings.publicName);
    const absent = names.filter((name) => checkServerIdentity(name, certificate) !== undefined);
    if (absent.length > 0) {
      return problem(
        check,
        `it does not have ${absent.join(', ')}`,
        'give this command the settings of the gateway, or restart the gateway with these',
      );
    }
    if (Date.parse(certificate.valid_to) < now) {
      return problem(
        check,
        `it has ended at ${certificate.valid_to}`,
        "look at the gateway's log: it should have renewed it",
      );
    }
    return ok(check, `${names.join(', ')}, until ${new Date(certificate.valid_to).toISOString()}`);
  } catch (error) {
    return warning(check, `it cannot be looked at: ${messageOf(error)}`, 'start the gateway, and run this again');
  }
}
