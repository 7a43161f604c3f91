/** Makes a value when it is first asked for, and keeps it: a start that makes only what it needs is a fast one. */
export function atFirstUse<Value extends object>(make: () => Value): () => Value {
  let made: Value | undefined;
  return () => {
    made ??= make();
    return made;
  };
}
