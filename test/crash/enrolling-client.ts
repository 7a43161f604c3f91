/** A device maker's client: enrolls one device after the other, and repeats what a crash has left unanswered. */
import { Agent, request } from 'node:https';
import { makeCsr, newKey } from '../support/make-csr.js';

export interface Received {
  /** Base64 of the certs-only message. */
  readonly body: Buffer;
  readonly subject: string;
  readonly passcode: string;
}

interface Attempt {
  readonly subject: string;
  readonly passcode: string;
  readonly csr: string;
}

interface ClientOptions {
  readonly name: string;
  readonly port: number;
  /** PEM. */
  readonly root: string;
  /** Taken in turn, until one is refused. */
  readonly passcodes: readonly string[];
}

export interface EnrollingClient {
  /** All answers so far. */
  readonly received: readonly Received[];
  /** Statuses of answers without a certificate, by passcode. */
  readonly refused: ReadonlyMap<string, number>;
  /** How many repeats of unanswered requests were answered. */
  readonly repeated: () => number;
  /** Enrolls until the connection breaks. */
  work(): Promise<void>;
}

export function createEnrollingClient({ name, port, root, passcodes }: ClientOptions): EnrollingClient {
  const received: Received[] = [];
  const refused = new Map<string, number>();
  let made = 0;
  let repeated = 0;
  let unanswered: Attempt | undefined;

  function next(): Attempt {
    made++;
    const usable = passcodes.filter((passcode) => !refused.has(passcode));
    const passcode = usable[made % usable.length] ?? '';
    const subject = `CN=${name}-${made}`;
    return { subject, passcode, csr: Buffer.from(makeCsr({ subject, key: newKey() })).toString('base64') };
  }

  async function work(): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: root });
    try {
      for (;;) {
        const isRepeat = unanswered !== undefined;
        const attempt = unanswered ?? next();
        unanswered = attempt;
        const { status, body } = await post(attempt, agent);
        unanswered = undefined;
        if (isRepeat) repeated++;
        const { subject, passcode } = attempt;
        if (status === 200) received.push({ body, subject, passcode });
        else refused.set(passcode, status);
      }
    } catch {
      // The gateway is gone.
    } finally {
      agent.destroy();
    }
  }

  function post({ passcode, csr }: Attempt, agent: Agent): Promise<{ status: number; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const headers = {
        authorization: `Basic ${Buffer.from(`:${passcode}`).toString('base64')}`,
        'content-type': 'application/pkcs10',
      };
      const path = '/.well-known/est/simpleenroll';
      const outgoing = request({ host: 'localhost', family: 4, port, path, method: 'POST', agent, headers });
      outgoing.on('response', (incoming) => {
        const chunks: Buffer[] = [];
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body: Buffer.concat(chunks) }));
        incoming.on('error', reject);
      });
      outgoing.on('error', reject);
      outgoing.end(csr);
    });
  }

  return { received, refused, repeated: () => repeated, work };
}
