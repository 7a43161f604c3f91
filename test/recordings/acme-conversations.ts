/** What real ACME clients are told to do for fixtures/acme/clients. */
import { Agent } from 'node:https';
import { axios, Client, crypto } from 'acme-client';
import { deviceAddress, hostAddress } from '../support/acme/server.js';
import type { AcmeFleet } from '../support/acme-fleet.js';

/** Lines for a shell; `$DIRECTORY` and its like are set, `ca.pem` is what to trust. */
interface ShellConversation {
  readonly lines: readonly string[];
  /** By their names. */
  readonly files?: Readonly<Record<string, string>>;
}

type Conversation = ShellConversation | ((fleet: AcmeFleet, roots: string) => Promise<void>);

export const names = {
  [deviceAddress]: ['pump-1.plant.example', 'pump-2.plant.example'],
  [hostAddress]: ['valve-1.plant.example', 'valve-2.plant.example'],
};

const certbotFolders = '--config-dir certbot --work-dir certbot/work --logs-dir certbot/logs';
const certbot = (command: string, options: string) => `certbot ${command} -n ${certbotFolders} ${options}`;
const lego = (command: string, own = '') =>
  `lego --path lego --server "$BOTH_DIRECTORY" --accept-tos -m admin@plant.example --eab --kid "$EAB_KID" --hmac "$EAB_HMAC_KEY" --tls --tls.port "127.0.0.1:$TLS_PORT" -d pump-2.plant.example ${command} ${own}`;
const uacme = (command: string) =>
  `unshare --user --map-root-user --mount sh trusting uacme -v -y -a "$DIRECTORY" -c uacme -h "$PWD/hook" ${command}`;

const serveFile = (token: string, content: string) =>
  `curl -sSf -d "{\\"token\\":\\"${token}\\",\\"content\\":\\"${content}\\"}" "$HOOKS/http-01"`;
const addText = (name: string, value: string) =>
  `curl -sSf -d "{\\"fqdn\\":\\"${name}\\",\\"value\\":\\"${value}\\"}" "$HOOKS/present"`;

/** By the names of their files. */
export const conversations: Readonly<Record<string, Conversation>> = {
  certbot: {
    lines: [
      certbot('register', '--server "$DIRECTORY" --agree-tos --no-eff-email -m admin@plant.example'),
      certbot(
        'certonly',
        '--server "$DIRECTORY" --standalone --http-01-address 127.0.0.1 --http-01-port "$HTTP_PORT" -d pump-1.plant.example',
      ),
      certbot('renew', '--cert-name pump-1.plant.example --force-renewal --no-random-sleep-on-renew'),
      certbot(
        'revoke',
        '--server "$DIRECTORY" --cert-path certbot/live/pump-1.plant.example/cert.pem --no-delete-after-revoke --reason superseded',
      ),
      certbot('update_account', '--server "$DIRECTORY" --no-eff-email -m other@plant.example'),
      certbot('unregister', '--server "$DIRECTORY"'),
    ],
  },
  lego: { lines: [lego('run'), lego('renew', '--days 10000 --no-random-sleep'), lego('revoke', '--reason 4')] },
  uacme: {
    files: {
      hook: `#!/bin/sh
case "$1 $2" in
  'begin http-01') ${serveFile('$4', '$5')} ;;
  begin*) exit 1 ;;
esac
`,
      trusting: 'mount --bind "$PWD/ca.pem" /etc/ssl/certs/ca-certificates.crt\nexec "$@"\n',
    },
    lines: [
      uacme('-t EC new admin@plant.example'),
      uacme(`-t EC issue ${hostAddress}`),
      uacme('-t EC newkey'),
      uacme(`-r 4 revoke uacme/${hostAddress}/cert.pem`),
      uacme('deactivate'),
    ],
  },
  dehydrated: {
    files: {
      hook: `#!/bin/sh
case "$1" in deploy_challenge) ${addText('_acme-challenge.$2', '$4')} ;; esac
`,
    },
    lines: [
      `printf 'CA=%s\\nBASEDIR=%s\\nHOOK=%s/hook\\nCURL_OPTS="--cacert %s/ca.pem"\\nCONTACT_EMAIL=admin@plant.example\\nCHALLENGETYPE=dns-01\\nKEYSIZE=2048\\n' "$DIRECTORY" "$PWD" "$PWD" "$PWD" > config`,
      'dehydrated -f config --register --accept-terms',
      'dehydrated -f config --cron -d "valve-1.plant.example *.valve-1.plant.example" --alias both -t dns-01 -a prime256v1',
      'dehydrated -f config --revoke certs/both/cert.pem',
    ],
  },
  'acme-client': talkByAcmeClient,
};

async function talkByAcmeClient({ directory, challenges }: AcmeFleet, roots: string): Promise<void> {
  const agent = new Agent({ ca: roots });
  axios.defaults.httpsAgent = agent;
  const client = new Client({
    directoryUrl: directory,
    accountKey: await crypto.createPrivateEcdsaKey('P-384'),
    backoffMin: 100,
  });
  const [, csr] = await crypto.createCsr({ altNames: ['valve-2.plant.example'] });
  const chain = await client.auto({
    csr,
    email: 'admin@plant.example',
    termsOfServiceAgreed: true,
    skipChallengeVerification: true,
    challengePriority: ['http-01'],
    challengeCreateFn: async (_, { token }, answer) => await challenges.serveFile(token, answer),
    challengeRemoveFn: async () => undefined,
  });
  await client.updateAccountKey(await crypto.createPrivateRsaKey(2048));
  await client.revokeCertificate(chain, { reason: 1 });
  agent.destroy();
}
