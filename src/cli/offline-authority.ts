/** `gatehouse ca take-offline` and `gatehouse ca sign`: CAs whose keys are kept in a safe. */
import { Command, Option } from 'commander';
import { signOffline } from '../authorities/sign-offline.js';
import { takeOffline } from '../authorities/take-offline.js';
import { countOf } from './amount.js';
import {
  keepPrivateKey,
  type PassphraseOptions,
  passphraseOption,
  readPassphrase,
  readSmallFile,
} from './authority-files.js';
import { CommandLineError } from './command-line-error.js';
import { person } from './person.js';
import type { RunWithCore } from './run-with-core.js';
import { jsonLines, jsonOption } from './table.js';

interface TakingOfflineOptions extends PassphraseOptions {
  readonly json?: true;
  readonly keyOut: string;
}

export function takeOfflineCommand(run: RunWithCore): Command {
  return new Command('take-offline')
    .argument('<name>', 'of a CA, for the generation that issues, or of a generation such as plant-root-1')
    .description('write the key of a CA to a file, encrypted under a passphrase, and destroy it in the gateway')
    .requiredOption('--key-out <file>', 'where nothing is yet; PKCS #8, PEM')
    .addOption(passphraseOption().makeOptionMandatory())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nBackups of before still have the key. What the CA is to sign from now on, gatehouse ca sign does.\n\nExample:\n  gatehouse ca take-offline plant-root --key-out /media/safe/plant-root.key --passphrase-file /dev/stdin',
    )
    .action((name: string, options: TakingOfflineOptions) =>
      run(async (core) => {
        const passphrase = (await readPassphrase(options)) ?? '';
        const keep = (encrypted: Uint8Array) => keepPrivateKey(options.keyOut, encrypted);
        const id = await takeOffline({ generation: name, passphrase, keep, actor: person() }, core);
        if (options.json) return jsonLines([{ generation: id, key: options.keyOut }]);
        return `${id} is offline: its key is in ${options.keyOut} alone, and in backups of before`;
      }),
    );
}

interface SigningOptions extends PassphraseOptions {
  readonly json?: true;
  readonly key: string;
  readonly pending?: true;
  readonly crl?: true;
}

export function signCommand(run: RunWithCore): Command {
  return new Command('sign')
    .argument('<name>', 'of a CA that is offline')
    .description('sign what waits for an offline CA, with its key at hand: certificates of CAs below it, and its CRLs')
    .requiredOption('--key <file>', 'PEM, PKCS #8 or PKCS #12')
    .addOption(passphraseOption())
    .addOption(new Option('--pending', 'the certificates alone').conflicts('crl'))
    .addOption(new Option('--crl', 'the CRLs alone'))
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nThe key is used by this command alone; nothing of it is kept.\n\nExample:\n  gatehouse ca sign plant-root --key /media/safe/plant-root.key --passphrase-file /dev/stdin',
    )
    .action((name: string, options: SigningOptions) =>
      run(async (core) => {
        const key = { content: await readSmallFile(options.key), passphrase: await readPassphrase(options) };
        const only = options.pending ? 'pending' : options.crl ? 'crl' : undefined;
        const signed = await signOffline({ ca: name, key, only, actor: person() }, core);
        if (options.json) return jsonLines([signed]);
        const { generation, certified, crls } = signed;
        const [first] = crls;
        const lines = [
          ...certified.map((id) => `${generation} has certified ${id}`),
          ...(first
            ? [`${countOf(crls.length, 'CRL')} of ${generation}, the next before ${first.nextUpdate.toISOString()}`]
            : []),
        ];
        if (lines.length === 0) throw new CommandLineError(`nothing waits for CA ${name}`);
        return lines.join('\n');
      }),
    );
}
