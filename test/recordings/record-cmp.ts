/** Writes fixtures/cmp/own-client anew, in the project's folder: see the README there. */

import { X509Certificate } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createTestClock } from '../support/test-clock.js';
import { startTestGateway, type TestGateway } from '../support/test-gateway.js';
import { type Conversation, configuration, conversations } from './cmp-conversations.js';

const folder = 'fixtures/cmp/own-client';

async function record(): Promise<void> {
  const clock = createTestClock();
  const yaml = configuration();
  const test = await startTestGateway({ configuration: yaml, clock });
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(`${folder}/gateway`, { recursive: true });
    await writeFile(`${folder}/gateway/configuration.yaml`, yaml);
    await writeFile(`${folder}/gateway/clock.txt`, `${clock.now().toISOString()}\n`);
    await writeFile(`${folder}/gateway/root.pem`, rootOf(test).toString());
    for (const [name, talk] of Object.entries(conversations)) await save(name, await talk(test));
  } finally {
    await test.close();
  }
}

async function save(name: string, { outcomes, key }: Conversation): Promise<void> {
  await mkdir(`${folder}/${name}`);
  const messages = outcomes.flatMap(({ sent, answer, body }) => [
    [sent.bodyType, sent.der] as const,
    [body?.type, answer.body] as const,
  ]);
  for (const [index, [bodyType, der]] of messages.entries())
    await writeFile(`${folder}/${name}/${String(index + 1).padStart(2, '0')}-${bodyType}.der`, der);
  if (key) await writeFile(`${folder}/${name}/key.pem`, key.export({ type: 'pkcs8', format: 'pem' }));
}

function rootOf({ gateway: { core } }: TestGateway): X509Certificate {
  const [, root] = core.authority.chain(core.authority.issuer('issuing').id);
  return new X509Certificate(root ?? new Uint8Array());
}

await record();
