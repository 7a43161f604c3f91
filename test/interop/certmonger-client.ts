/** certmonger without a message bus: lines that run beside a daemon of their own, which keeps its files in one folder. */
import { join } from 'node:path';
import type { Shell } from '../support/interop.js';

/**
 * Runs lines beside a new daemon and returns what they print. `wait_for STATUS` waits until the request has that status,
 * and `status` prints it.
 * @param name of the folder and of the request
 * @throws Error with what they said when one fails
 */
export async function besideCertmonger(shell: Shell, name: string, lines: readonly string[]): Promise<string> {
  const folder = join(shell.directory, name);
  shell.write(
    `${name}.sh`,
    [`cd ${shell.directory}`, 'set -eu', functions(name), ...lines, 'touch done', ''].join('\n'),
  );
  const output = await shell.succeed(
    'rm -f done',
    ...['cas', 'config', 'local', 'requests', 'tmp'].map((part) => `mkdir -p ${name}/${part}`),
    ...Object.entries(variables).map(([variable, part]) => `export ${variable}=${join(folder, part)}`),
    // The lines have an empty environment, but for the address of the daemon, and their exit status is lost.
    `certmonger -n -L -P ${folder}/socket -c "sh ${folder}.sh" 2> ${name}.log`,
    `[ -e done ] || { cat ${name}.log; exit 1; }`,
  );
  return output;
}

const variables = {
  CERTMONGER_REQUESTS_DIR: 'requests',
  CERTMONGER_CAS_DIR: 'cas',
  CERTMONGER_TMPDIR: 'tmp',
  CERTMONGER_LOCAL_CA_DIR: 'local',
  CERTMONGER_CONFIG_DIR: 'config',
  CERTMONGER_SYSTEM_LOCK_FILE: 'lock',
};

function functions(name: string): string {
  return `
status() { getcert list -i ${name} | sed -n 's/^.*status: //p'; }
wait_for() {
  for _ in $(seq 150); do
    if [ "$(status)" = "$1" ]; then return; fi
    sleep 0.1
  done
  getcert list -i ${name}
  return 1
}`;
}

/** Options may follow. */
export function addCa(url: string, options = ''): string {
  return `getcert add-scep-ca -c gatehouse -u ${url} ${options}`;
}

/** Makes `<name>.key` and asks for `<name>.pem`. */
export function request(name: string, challenge: string): string {
  return `getcert request -c gatehouse -f "$PWD/${name}.pem" -k "$PWD/${name}.key" -N CN=${name} -D ${name}.example.com -L ${challenge} -I ${name}`;
}
