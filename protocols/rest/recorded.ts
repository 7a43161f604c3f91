/** What is refused before the core sees it goes into the audit log. What the core refuses it has recorded. */
import { isGatewayError, messageReader } from '../../src/refused-message.js';

export const readMessage = messageReader('rest', isGatewayError);
