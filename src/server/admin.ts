/** The admin listener: whether the gateway lives and is ready. */
import type { Express } from 'express';

/** `/livez`: the process answers. `/readyz`: it can do its work (200) or not (503). */
export function mountAdmin(app: Express, isReady: () => Promise<boolean>): void {
  app.get('/livez', (_request, response) => {
    response.status(200).type('text/plain').send('live\n');
  });
  app.get('/readyz', async (_request, response) => {
    const ready = await isReady();
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : 'not ready\n');
  });
}
