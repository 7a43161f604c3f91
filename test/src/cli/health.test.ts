import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { healthCommand } from '../../../src/cli/health.js';
import type { Settings } from '../../../src/settings.js';
import { fleet } from '../../support/fleet.js';
import { freePorts, startTestGateway } from '../../support/test-gateway.js';

const printed = jest.spyOn(console, 'log');
beforeEach(() => {
  printed.mockImplementation(() => undefined);
});
afterEach(() => {
  printed.mockReset();
});

function health(settings: Settings): Promise<unknown> {
  return healthCommand(() => settings).parseAsync([], { from: 'user' });
}

describe('gatehouse health', () => {
  it('asks the gateway at the address that it listens on', async () => {
    const test = await startTestGateway({ configuration: fleet, settings: { host: '127.0.0.2' } });
    try {
      await health(test.settings);
      expect(printed).toHaveBeenCalledWith('ready');
      await healthCommand(() => test.settings).parseAsync(['--json'], { from: 'user' });
      expect(printed).toHaveBeenCalledWith('{"ready":true}');
      await expect(health({ ...test.settings, host: '127.0.0.3' })).rejects.toThrow(
        'not ready: nothing answers at 127.0.0.3',
      );
    } finally {
      await test.close();
    }
  });

  it('finds a gateway that listens on every address over loopback', async () => {
    const test = await startTestGateway({ configuration: fleet, settings: { host: '0.0.0.0' } });
    try {
      await health(test.settings);
      const [adminPort = 0] = await freePorts(1);
      await expect(health({ ...test.settings, adminPort })).rejects.toThrow(
        `not ready: nothing answers at 127.0.0.1:${adminPort}`,
      );
    } finally {
      await test.close();
    }
  });
});
