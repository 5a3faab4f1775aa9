/** What FTS5 makes words with: runs of letters and digits, without their case and accents, cut to their stems. */
export const textTokenizer = 'porter unicode61';
