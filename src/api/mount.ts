/** What the management API serves on the admin listener: its operations, its description and the pages for people. */
import express, { type Express, type Request, type Response } from 'express';
import { atFirstUse } from '../at-first-use.js';
import { entityTag, matchesEntityTag } from '../http/entity-tag.js';
import { describeOperations } from './openapi.js';
import { referencePolicy, renderIndex, renderReference } from './reference-page.js';
import { basePath } from './reply.js';
import { type ApiRouterOptions, createApiRouter } from './router.js';

interface ApiOptions extends ApiRouterOptions {
  /** Of the package. */
  readonly version: string;
}

export function mountApi(app: Pick<Express, 'use'>, { version, ...options }: ApiOptions): void {
  // Describing all operations takes longer than all else that a start does, and nobody may ever ask for it.
  const document = atFirstUse(() => describeOperations(options.operations, version));
  const pages = express.Router({ strict: true, caseSensitive: true });
  pages.get('/', serve('text/html; charset=utf-8', renderIndex));
  pages.get('/api', (_request: Request, response: Response) => response.redirect(308, '/api/'));
  pages.get(
    '/api/',
    serve('text/html; charset=utf-8', () => renderReference(document())),
  );
  pages.get(
    '/api/openapi.json',
    serve('application/json', () => JSON.stringify(document())),
  );
  app.use(pages);
  app.use(basePath, createApiRouter(options));
}

/** What everybody may read, and stays as it is as long as the gateway runs. */
function serve(type: string, write: () => string): (request: Request, response: Response) => void {
  const page = atFirstUse(() => {
    const body = Buffer.from(write());
    return { body, tag: entityTag(body) };
  });
  return (request, response) => {
    const { body, tag } = page();
    response.set({ ETag: tag, 'Cache-Control': 'no-cache' });
    if (type.startsWith('text/html')) response.set('Content-Security-Policy', referencePolicy);
    if (matchesEntityTag(request.headers['if-none-match'], tag)) {
      response.status(304).end();
      return;
    }
    response.writeHead(200, { 'Content-Type': type, 'Content-Length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}
