/**
 * Where each code point of a text begins, in UTF-16 units: `offsets[i]` for code point `i`, and the text's length at the end.
 * Null where the two counts are the same, which is so for any text without surrogates. A lone surrogate is one code point.
 */
export function codePointOffsets(text: string): Int32Array | null {
  if (!/[\ud800-\udbff][\udc00-\udfff]/.test(text)) return null;
  const offsets = new Int32Array(text.length + 1);
  let codePoints = 0;
  for (let at = 0; at < text.length; codePoints++) {
    offsets[codePoints] = at;
    at += (text.codePointAt(at) as number) > 0xffff ? 2 : 1;
  }
  offsets[codePoints] = text.length;
  return offsets.subarray(0, codePoints + 1);
}
