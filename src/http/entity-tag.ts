/** Entity tags (RFC 9110 8.8.3) for bodies that are served unchanged many times. */

import { createHash } from 'node:crypto';

/** A strong entity tag, quotes included: the SHA-256 of the body. The same array is hashed once. */
export function entityTag(body: Uint8Array): string {
  const known = tags.get(body);
  if (known !== undefined) return known;
  const tag = `"${createHash('sha256').update(body).digest('base64url')}"`;
  tags.set(body, tag);
  return tag;
}

/** Whether an `If-None-Match` header (RFC 9110 13.1.2) says that the client has this body already. */
export function matchesEntityTag(ifNoneMatch: string | undefined, tag: string): boolean {
  if (ifNoneMatch === undefined) return false;
  return isAny(ifNoneMatch) || tagsIn(ifNoneMatch).some((each) => each === tag || each === `W/${tag}`);
}

/** Whether an `If-Match` header (RFC 9110 13.1.1) has this tag. The comparison is strong: weak tags never match. */
export function matchesStrongly(ifMatch: string, tag: string): boolean {
  return isAny(ifMatch) || tagsIn(ifMatch).includes(tag);
}

function isAny(field: string): boolean {
  return field.trim() === '*';
}

/** What stands between the quotes of a tag may be a comma, or an asterisk. None where the list is malformed. */
function tagsIn(field: string): readonly string[] {
  return tagList.test(field) ? (field.match(/(?:W\/)?"[^"]*"/g) ?? []) : [];
}

const tagList = /^[ \t,]*(?:(?:W\/)?"[^"]*"[ \t]*(?:,[ \t,]*|$))*$/;

const tags = new WeakMap<Uint8Array, string>();
