/** What a label says of its token: in which part of a mention it stands, and of which type the mention is. */
export interface LabelTag {
  readonly part: 'outside' | 'begin' | 'inside' | 'last' | 'single';
  /** Tells neighbours apart; a mention itself has no type. */
  readonly type: string;
}

const parts = { B: 'begin', I: 'inside', L: 'last', E: 'last', U: 'single', S: 'single' } as const;

/**
 * Reads labels as people write them: BIO and IOB1 (`B-PER`, `I-PER`), BILOU (`L-`, `U-`), BIOES (`E-`, `S-`), `B` and `I` alone, and
 * bare types (`PER`), whose neighbours of one type are one mention. L, E, U and S are parts of mentions only among labels that all
 * have such a letter, B among them.
 */
export function labelTags(labels: readonly string[]): LabelTag[] {
  const inside = labels.filter((label) => label !== 'O');
  const full =
    inside.every((label) => /^[BILUES]([-_]|$)/.test(label)) && inside.some((label) => label.startsWith('B'));
  const pattern = full ? /^([BILUES])(?:[-_](.*))?$/ : /^([BI])(?:[-_](.*))?$/;
  return labels.map((label) => {
    if (label === 'O') return { part: 'outside', type: '' };
    const [, letter, type = ''] = pattern.exec(label) ?? [];
    return letter === undefined ? { part: 'inside', type: label } : { part: parts[letter as keyof typeof parts], type };
  });
}
