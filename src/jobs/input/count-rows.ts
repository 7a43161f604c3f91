/** To be called for each row: throws what `tooMany` makes at the first one after so many. */
export function countRows(most: number, tooMany: () => Error): () => void {
  let count = 0;
  return () => {
    count++;
    if (count > most) throw tooMany();
  };
}
