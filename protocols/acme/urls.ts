/** Where the resources of a directory are (RFC 8555 7.1). */

export interface Urls {
  readonly directory: string;
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly newAuthorization: string;
  readonly revokeCertificate: string;
  readonly keyChange: string;
  readonly renewalInfo: string;
  readonly account: (id: string) => string;
  /** `after`: the order that the page before ended with. */
  readonly orders: (account: string, after?: string) => string;
  readonly order: (id: string) => string;
  readonly finalize: (order: string) => string;
  readonly authorization: (id: string) => string;
  readonly challenge: (authorization: string, type: string) => string;
  /** `chain`: 0 is the usual one, the others are its alternates. */
  readonly certificate: (order: string, chain?: number) => string;
}

/** @param base of the gateway, without a slash at its end */
export function createUrls(base: string, label: string): Urls {
  const directory = `${base}/acme/${label}`;
  return {
    directory: `${directory}/directory`,
    newNonce: `${directory}/new-nonce`,
    newAccount: `${directory}/new-account`,
    newOrder: `${directory}/new-order`,
    newAuthorization: `${directory}/new-authz`,
    revokeCertificate: `${directory}/revoke-cert`,
    keyChange: `${directory}/key-change`,
    renewalInfo: `${directory}/renewal-info`,
    account: (id) => `${directory}/account/${id}`,
    orders: (account, after) => `${directory}/account/${account}/orders${after === undefined ? '' : `?after=${after}`}`,
    order: (id) => `${directory}/order/${id}`,
    finalize: (order) => `${directory}/order/${order}/finalize`,
    authorization: (id) => `${directory}/authorization/${id}`,
    challenge: (authorization, type) => `${directory}/challenge/${authorization}/${type}`,
    certificate: (order, chain = 0) => `${directory}/certificate/${order}${chain === 0 ? '' : `/${chain}`}`,
  };
}
