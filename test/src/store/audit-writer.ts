/** A second process for the tests: writes audit events one by one beside the first. Arguments: file, number of events. */
import { openStore } from '../../../src/store/sqlite-store.js';
import { auditRecord } from './temporary-store.js';

const [file = '', count = '0'] = process.argv.slice(2);
const store = await openStore({ file, synchronous: 'OFF' });
process.send?.('ready');
for (let index = 0; index < Number(count); index++) {
  await store.commit({ statements: [], audit: [auditRecord(`other ${index}`)] });
}
await store.close();
process.disconnect?.();
