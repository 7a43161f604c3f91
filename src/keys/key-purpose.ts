/** Begins the purpose of a key that signs certificates; the id of the CA's generation follows. */
export const caKeyPurpose = 'ca:';
