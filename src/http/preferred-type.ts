/** The `Accept` header (RFC 9110 12.5.1). */
import { parseMediaType } from './media-type.js';

/** The type that the client likes best of those that there are, the first ones before others; undefined if it takes none. */
export function preferredType<Type extends string>(
  header: string | undefined,
  types: readonly Type[],
): Type | undefined {
  if (header === undefined || header.length > maximumLength) return types[0];
  const ranges = header.split(',').flatMap((range) => readRange(range));
  const rated = types.map((type) => ({ type, quality: qualityOf(type, ranges) }));
  const best = Math.max(...rated.map(({ quality }) => quality));
  return best > 0 ? rated.find(({ quality }) => quality === best)?.type : undefined;
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

const maximumLength = 1000;

function readRange(text: string): Range[] {
  const range = parseMediaType(text);
  const quality = Number(range?.parameters.get('q') ?? '1');
  return range === undefined || Number.isNaN(quality) ? [] : [{ type: range.type, quality }];
}

/** By the most specific range that fits. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const wider = [type, `${type.slice(0, type.indexOf('/'))}/*`, '*/*'];
  for (const each of wider) {
    const range = ranges.find((candidate) => candidate.type === each);
    if (range !== undefined) return range.quality;
  }
  return 0;
}
