/** What a tag says of its token. `single` is a mention by itself, `inside` goes on with one, `end` is the last of one. */
export interface Tag {
  readonly position: 'outside' | 'begin' | 'inside' | 'end' | 'single';
  /** Empty outside. */
  readonly type: string;
}

/** How a data set writes where mentions begin and end. */
export interface TagScheme {
  /** As messages name what a tag may be. */
  readonly expected: string;
  /** Null for what is no tag. */
  read(tag: string): Tag | null;
  /** Whether `inside` may also begin a mention, where none of its type is under way. */
  readonly insideBegins: boolean;
}

const outside: Tag = { position: 'outside', type: '' };

/** O, B-Type and I-Type; every mention begins with B. */
export const strictBio: TagScheme = {
  expected: 'the tag O, or B- or I-',
  read(tag) {
    if (tag === 'O') return outside;
    const [, letter, type] = /^([BI])-(.+)$/.exec(tag) ?? [];
    return type === undefined ? null : { position: letter === 'B' ? 'begin' : 'inside', type };
  },
  insideBegins: false,
};

/** The bare type on every token of a mention (IO): two mentions of one type that touch cannot be told apart. */
export const bareTypes: TagScheme = {
  expected: 'the tag O',
  read: (tag) => (tag === 'O' ? outside : { position: 'inside', type: tag }),
  insideBegins: true,
};

const positions: Readonly<Record<string, Tag['position']>> = {
  B: 'begin',
  I: 'inside',
  L: 'end',
  E: 'end',
  U: 'single',
  S: 'single',
};

/**
 * BIO, IOB1 (B only where two mentions of one type touch), BILOU and IOBES by one reading: what each scheme means by its letters
 * contradicts no other one.
 */
export const anyPrefix: TagScheme = {
  expected: 'the tag O, or B-, I-, L-, E-, U- or S- and a type',
  read(tag) {
    if (tag === 'O') return outside;
    const [, letter, type] = /^([BILEUS])-(.+)$/.exec(tag) ?? [];
    return type === undefined ? null : { position: positions[letter as string] as Tag['position'], type };
  },
  insideBegins: true,
};
