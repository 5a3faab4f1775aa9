/**
 * Whether two strings name the same mention, give or take its edges: in lower case, without accents and without a leading the, a or
 * an, the words of one are all among the other's, or at least 0.8 of all their words are shared (Jaccard). Words are runs of letters
 * and digits; a string without any matches nothing.
 */
export function fuzzyMatch(one: string, other: string): boolean {
  const ones = words(one);
  const others = words(other);
  const smaller = Math.min(ones.size, others.size);
  if (smaller === 0) return false;
  const shared = [...ones].filter((word) => others.has(word)).length;
  return shared === smaller || shared / (ones.size + others.size - shared) >= leastJaccard;
}

const leastJaccard = 0.8;

function words(text: string): Set<string> {
  const plain = text
    .toLowerCase()
    .normalize('NFD')
    .replace(/\p{Mn}/gu, '')
    .trim();
  return new Set(plain.replace(/^(?:the|an?)\s+/, '').match(/[\p{L}\p{N}\p{M}]+/gu));
}
