/** The key-encryption key cannot be used; the message tells the operator what to do. */
export class KeyEncryptionKeyError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'KeyEncryptionKeyError';
  }
}
