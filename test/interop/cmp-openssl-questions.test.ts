import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { approveRequest, rejectRequest } from '../../src/enrollment/approve.js';
import { readMessage } from '../support/cmp/read-message.js';
import { applyYaml } from '../support/fleet.js';
import { describeWith, type GatewayShell, openGatewayShell } from '../support/interop.js';
import { by } from '../support/operator.js';
import { firstPendingRequest, recordOf } from '../support/records.js';
import { cmp, enroll, messagesIn, policyUrl, readCertificate, refusal, runRefused, signedBy } from './cmp-client.js';
import { makeKey, rsaKey } from './curl-client.js';

/** As quickstart-approval, for clients in more of a hurry. */
const hurried = `
policies:
  - name: hurried
    division: quickstart
    authenticationPolicy: quickstart
    profiles: [{ usage: operational, profile: quickstart-operational }]
    issuingCa: quickstart-ec
    methods: [cmp]
    approval: manual
    pollInterval: 1s
    defaultGroup: devices
`;

let shell: GatewayShell;
beforeAll(async () => {
  shell = await openGatewayShell();
  await applyYaml(shell.test, hurried);
});
afterAll(() => shell.close());

describeWith(['openssl'], 'openssl cmp asking (genm)', () => {
  const question = (infoType: string, options = '') =>
    cmp({ command: 'genm', options: `-infotype ${infoType} -rspout ${infoType}.der ${options}` });

  /** The value of the answer's only InfoTypeAndValue; undefined if it has none. */
  async function ask(infoType: string): Promise<Buffer | undefined> {
    expect(await shell.succeed(question(infoType))).toContain(`genp contains ITAV of type: id-it-${infoType}`);
    const { body } = readMessage(shell.read(`${infoType}.der`));
    if (body.type !== 'genp') throw new Error(`not a genp but ${body.type}`);
    expect(body.infos).toHaveLength(1);
    return body.infos[0]?.value;
  }

  const print = (file: string) => `openssl asn1parse -inform DER -in ${file}`;

  it.each([
    ['signKeyPairTypes', ['prime256v1', 'secp384r1', 'ED25519', 'rsaEncryption']],
    ['encKeyPairTypes', ['prime256v1', 'rsaEncryption']],
    ['preferredSymmAlg', ['aes-256-cbc']],
    ['certReqTemplate', ['commonName']],
    ['caCerts', ['Gatehouse Quickstart EC CA', 'Gatehouse Quickstart Root CA']],
  ])('%s is answered with a value', async (infoType, content) => {
    shell.write('value.der', (await ask(infoType)) ?? '');
    const printed = await shell.succeed(print('value.der'));
    for (const text of content) expect(printed).toContain(text);
  });

  it('currentCRL is answered with the CRL of the CA', async () => {
    shell.write('current.crl', (await ask('currentCRL')) ?? '');
    await shell.succeed(makeKey('asks'), enroll('asks'));
    const verify = 'openssl crl -inform DER -in current.crl -CAfile asks-chain.pem -noout -issuer 2>&1';
    expect(await shell.succeed(verify)).toContain('verify OK');
  });

  it('caProtEncCert is answered with a certificate to encrypt to', async () => {
    shell.write('encryption.der', (await ask('caProtEncCert')) ?? '');
    const options = '-CAfile "$GATEHOUSE_CA_FILE" -untrusted asks-chain.pem';
    await shell.succeed(
      'openssl x509 -inform DER -in encryption.der -out encryption.pem',
      `openssl verify ${options} encryption.pem`,
    );
    const text = await shell.succeed('openssl x509 -in encryption.pem -noout -ext keyUsage');
    expect(text).toMatch(/Key Encipherment|Key Agreement/);
  });

  it.each(['subscriptionRequest', 'keyPairParamReq', 'confirmWaitTime'])('%s is none of ours', async (infoType) => {
    expect(await shell.succeed(question(infoType))).toContain('ITAV of type: id-it-unsupportedOIDs');
    shell.write('value.der', Buffer.from(shell.read(`${infoType}.der`)));
    expect(await shell.succeed(print('value.der'))).toContain(`id-it-${infoType}`);
  });

  it('suppLangTags without any is refused (badRequest)', async () => {
    expect(await runRefused(shell, question('suppLangTags'))).toMatch(refusal('badRequest', 'suppLangTags'));
  });

  it('asks with its certificate, too', async () => {
    const request = { command: 'genm', protection: signedBy('asker'), options: '-infotype caCerts' } as const;
    const output = await shell.succeed(makeKey('asker'), enroll('asker'), cmp(request));
    expect(output).toContain('ITAV of type: id-it-caCerts');
  });

  it.each(['sha224', 'sha256', 'sha384', 'sha512', 'sha3-256'])(
    'derives the key of the MAC with %s',
    async (digest) => {
      expect(await shell.succeed(question('caCerts', `-digest ${digest}`))).toContain('received GENP');
    },
  );
});

describeWith(['openssl'], 'openssl cmp under a policy with manual approval', () => {
  const url = policyUrl('hurried');

  describe.each([
    ['ir', 'ec', undefined, '', /^IR IP (POLLREQ POLLREP )+POLLREQ IP CERTCONF PKICONF$/],
    ['cr', 'rsa', rsaKey, '-implicit_confirm', /^CR CP (POLLREQ POLLREP )+POLLREQ CP$/],
  ] as const)('%s for an %s key', (command, kind, key, options, conversation) => {
    it('polls, and takes the certificate once the request is approved', async () => {
      const name = `waiting-${kind}`;
      await shell.succeed(makeKey(name, key));
      const client = shell.succeed(enroll(name, { command, url, options }));
      const requestId = await firstPendingRequest(shell.test);
      // So that the first poll comes too early.
      await new Promise((resolve) => setTimeout(resolve, 300));
      await approveRequest(requestId, by('test'), shell.test.gateway.core);
      expect(messagesIn(await client)).toMatch(conversation);
      const record = await recordOf(shell.test, await readCertificate(name, shell));
      expect(record).toMatchObject({ protocol: 'cmp', policy: 'hurried', status: 'valid', confirmBy: null });
    });
  });

  it('polls, and is told once the request is rejected, with the reason', async () => {
    await shell.succeed(makeKey('unwanted'));
    const client = runRefused(shell, enroll('unwanted', { url }));
    await rejectRequest(await firstPendingRequest(shell.test), by('test', 'not ours'), shell.test.gateway.core);
    expect(await client).toMatch(refusal('\\w+', 'not ours'));
  });

  it('updates its certificate once that is approved', async () => {
    const update = { command: 'kur', protection: signedBy('waiting-ec'), url } as const;
    await shell.succeed(makeKey('waiting-next'));
    const client = shell.succeed(enroll('waiting-next', update));
    await approveRequest(await firstPendingRequest(shell.test), by('test'), shell.test.gateway.core);
    expect(await client).toContain('received KUP');
    const { replaces } = await recordOf(shell.test, await readCertificate('waiting-next', shell));
    expect(replaces).toBe((await recordOf(shell.test, await readCertificate('waiting-ec', shell))).id);
  });
});
