/** The attribute types of names (RFC 5280 A.1, RFC 2985, RFC 4519, X.520), with their upper bounds and string types. */

export interface AttributeType {
  readonly name: string;
  /** What RFC 4514 text uses. */
  readonly short: string;
  /** Dotted. */
  readonly oid: string;
  /** In characters; undefined where no RFC bounds it. */
  readonly maximumLength: number | undefined;
  /**
   * directory: PrintableString where the text allows, else UTF8String. printable, ia5: that type and no other.
   * ia5OrDirectory: IA5String where the text allows, else UTF8String.
   */
  readonly stringType: 'directory' | 'printable' | 'ia5' | 'ia5OrDirectory';
}

/** All known attribute types by their long name. */
export const attributeTypes: ReadonlyMap<string, AttributeType> = new Map(
  [
    attribute('commonName', 'CN', '2.5.4.3', 64),
    attribute('surname', 'SN', '2.5.4.4', 32768),
    attribute('serialNumber', 'serialNumber', '2.5.4.5', 64, 'printable'),
    attribute('countryName', 'C', '2.5.4.6', 2, 'printable'),
    attribute('localityName', 'L', '2.5.4.7', 128),
    attribute('stateOrProvinceName', 'ST', '2.5.4.8', 128),
    attribute('streetAddress', 'street', '2.5.4.9', 128),
    attribute('organizationName', 'O', '2.5.4.10', 64),
    attribute('organizationalUnitName', 'OU', '2.5.4.11', 64),
    attribute('title', 'title', '2.5.4.12', 64),
    attribute('businessCategory', 'businessCategory', '2.5.4.15', 128),
    attribute('postalCode', 'postalCode', '2.5.4.17', 40),
    attribute('givenName', 'GN', '2.5.4.42', 32768),
    attribute('initials', 'initials', '2.5.4.43', 32768),
    attribute('generationQualifier', 'generationQualifier', '2.5.4.44', 32768),
    attribute('dnQualifier', 'dnQualifier', '2.5.4.46', undefined, 'printable'),
    attribute('pseudonym', 'pseudonym', '2.5.4.65', 128),
    attribute('organizationIdentifier', 'organizationIdentifier', '2.5.4.97', undefined),
    attribute('userId', 'UID', '0.9.2342.19200300.100.1.1', 256),
    attribute('domainComponent', 'DC', '0.9.2342.19200300.100.1.25', undefined, 'ia5'),
    attribute('emailAddress', 'emailAddress', '1.2.840.113549.1.9.1', 255, 'ia5'),
    attribute('unstructuredName', 'unstructuredName', '1.2.840.113549.1.9.2', 255, 'ia5OrDirectory'),
    attribute('unstructuredAddress', 'unstructuredAddress', '1.2.840.113549.1.9.8', 255),
  ].map((type) => [type.name, type]),
);

/** Finds an attribute type by its dotted OID. */
export function attributeByOid(oid: string): AttributeType | undefined {
  return byOid.get(oid);
}

/** Finds an attribute type by its long or short name, in any case. */
export function attributeByName(name: string): AttributeType | undefined {
  return byName.get(name.toLowerCase());
}

const byOid = new Map([...attributeTypes.values()].map((type) => [type.oid, type]));
const byName = new Map(
  [...attributeTypes.values()].flatMap((type) => [
    [type.name.toLowerCase(), type] as const,
    [type.short.toLowerCase(), type] as const,
  ]),
);

function attribute(
  name: string,
  short: string,
  oid: string,
  maximumLength: number | undefined,
  stringType: AttributeType['stringType'] = 'directory',
): AttributeType {
  return { name, short, oid, maximumLength, stringType };
}
