/** `gatehouse acme-key`: create, list and revoke the keys of external accounts (RFC 8555 7.3.4). */
import { Command } from 'commander';
import { createAcmeKeys } from '../catalog/acme-keys.js';
import type { Core } from '../open-core.js';
import { type CreateOptions, createCommand, listCommand, readWanted, revokeCommand } from './credential-commands.js';
import { person } from './person.js';
import { jsonLines } from './table.js';

type AcmeKeyCore = Pick<Core, 'store' | 'sealing' | 'passcodeLookup' | 'clock' | 'catalog'>;
/** Runs a command against the opened data directory, and prints what it returns. */
type Run = (act: (core: AcmeKeyCore) => Promise<string>) => Promise<void>;

export function acmeKeyCommand(run: Run): Command {
  return new Command('acme-key')
    .description('keys that ACME clients open accounts with (external account binding)')
    .addCommand(
      createCommand(wording)
        .addHelpText('after', createHelp)
        .action((options: CreateOptions) => run((core) => create(options, core))),
    )
    .addCommand(listCommand(wording, run))
    .addCommand(revokeCommand(wording, run));
}

const wording = {
  command: 'acme-key',
  kind: 'acme-account-key',
  noun: 'ACME key',
  plural: 'ACME keys',
  kept: 'the keys themselves are not shown again',
  opens: 'accounts',
  afterRevocation: 'the accounts that were opened with it get no more certificates',
} as const;

const createHelp = `
Each line has the name, the key id (certbot --eab-kid, lego --kid) and the key (--eab-hmac-key, --hmac).

Examples:
  gatehouse acme-key create --authentication-policy quickstart --device gate-17 --uses 1 --expires 7d
  gatehouse acme-key create --authentication-policy quickstart --name batch-7 --count 100 --uses 1 > acme-keys.txt`;

async function create(options: CreateOptions, core: AcmeKeyCore): Promise<string> {
  const keys = await createAcmeKeys(readWanted(options, 'acme-key', core), { ...core, actor: person() });
  if (options.json) return jsonLines(keys);
  return keys.map(({ name, keyId, hmacKey }) => `${name} ${keyId} ${hmacKey}`).join('\n');
}
