/** Where the hook scripts of clients on the command line say what is to be answered to challenges. */
import { createServer, type IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import type { ChallengeAnswers } from './server.js';

export interface HookServer {
  readonly url: string;
  close(): Promise<void>;
}

const recordSchema = z.object({ fqdn: z.string(), value: z.string() });
const fileSchema = z.object({ token: z.string(), content: z.string() });

/** POST /present and /cleanup are what lego's provider `httpreq` sends; /http-01 is for hooks that serve files. */
export async function startHookServer(challenges: ChallengeAnswers): Promise<HookServer> {
  const server = createServer((request, response) => {
    act(request, challenges).then(
      () => response.end(),
      (error) => response.writeHead(400).end(String(error)),
    );
  });
  const port = await new Promise<number>((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
  return {
    url: `http://127.0.0.1:${port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

async function act(request: IncomingMessage, challenges: ChallengeAnswers): Promise<void> {
  const body: unknown = JSON.parse(await text(request));
  if (request.url === '/http-01') {
    const { token, content } = fileSchema.parse(body);
    return await challenges.serveFile(token, content);
  }
  const { fqdn, value } = recordSchema.parse(body);
  const name = fqdn.replace(/\.$/, '');
  if (request.url === '/present') return await challenges.addText(name, value);
  return await challenges.removeTexts(name);
}
