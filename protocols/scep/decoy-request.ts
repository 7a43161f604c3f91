/** A PKCS #10 request that nobody sent, to be verified where a real one cannot be: see message-data.ts. */

import { decodeCertificationRequest } from '../../src/x509/pkcs10.js';

// RSA with 2048 bits, as nearly all clients have.
const base64 = [
  'MIICVTCCAT0CAQAwEDEOMAwGA1UEAwwFZGVjb3kwggEiMA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQDTtd0i1dE7CeA5k5dlkIpogl9qfl',
  'oo4QW0f99h0UQAIYlvRzM4PpMmBj+raz/ZdgvUJachWnnFQzWFPWVGu36j2XSsDqZ9lqTjbb1btxKf6WIdr30FOVGsGaIdw0Ad6c0lUzpUzj/p',
  'Fj3mB+zgG8o01Ni46RrYwL3qwsd8ki2M6ouejPQmddbIQuX26eFFyGHC67jm7wJlnFQnNZTef2x1Yl8uxAgrG3FZwpFEo628bAgWXxHq5o2J56',
  'zhVdHN4Dl5o44fpd2qGoJzI33sSxu8+JR8Fs8ULJAyqqZS8b3vhwqn8b+OQ14jWA1YLU/Mpd7ogBGSjGCztwaqMY01mGXdAgMBAAGgADANBgkq',
  'hkiG9w0BAQsFAAOCAQEAYIfcxBprs95XXXGPzL9vEr3xHQ110vBYHH4Kczc/ZqLO2xRl+k4TpGyBb7azQDJ27YfU4TfQkJrWdcZ7PqCmQhqzWY',
  'HtUjcSdh04phsH4cwpagK6pOyQQn8aWxIikOz98DQXGLMNAXNV0JPGbmsuOk39cO2sHVTA3Zs5E156nREYzdPs7+FoC+nSx7gFZY06f8nH20TT',
  'w48ewmQe4uOgOJiNutbsNWLKDA1SYlc9qP64VjBh6gumquarCf40IKRxDfQeRSX2p392Hh1O9T0WmdhGZN5KWLBp5lalDX98WsvwfH+e4vki2Z',
  'NUbA17b+yDcZjRPlTauE+W0/rcD2NTOw==',
].join('');

export const decoyRequest = decodeCertificationRequest(Buffer.from(base64, 'base64'));
