/** renewalInfo (RFC 9773). */
import type { Answer } from './answer.js';
import { findRenewal } from './certificate-name.js';
import type { AcmeContext, AcmeRequest } from './context.js';
import { recorded } from './recorded.js';

export const renewalInfo = recorded(
  'renewalInfo',
  async (request: AcmeRequest, context: AcmeContext): Promise<Answer> => {
    const { window, explanationUrl } = await findRenewal(request.exchange.params.certificate ?? '', request, context);
    return {
      status: 200,
      json: {
        suggestedWindow: { start: window.start.toISOString(), end: window.end.toISOString() },
        ...(explanationUrl === undefined ? {} : { explanationURL: explanationUrl }),
      },
      retryAfter: checkAgainSeconds,
      maxAge: keepSeconds,
    };
  },
);

/** RFC 9773 4.3.1: how soon a plan to replace certificates is known everywhere. */
const checkAgainSeconds = 21_600;
const keepSeconds = 3_600;
