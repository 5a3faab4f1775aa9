/** What a metadata field can be compared with. */
export type WhereValue = string | number | boolean | null;

/** What a field must be like; several of these in one object must all hold. */
export interface WhereOperators {
  /** The same as the bare value. */
  readonly $eq?: WhereValue;
  readonly $ne?: WhereValue;
  readonly $gt?: string | number;
  readonly $gte?: string | number;
  readonly $lt?: string | number;
  readonly $lte?: string | number;
  readonly $in?: readonly WhereValue[];
  readonly $nin?: readonly WhereValue[];
  readonly $exists?: boolean;
}

/**
 * Which documents may be found, by their metadata: a part of MongoDB's query language, with its meanings. All fields that are named
 * must hold.
 *
 *     { lang: 'en', year: { $gte: 2000, $lt: 2010 }, 'author.name': { $in: ['Ada', 'Grace'] } }
 *     { $or: [{ tags: 'science' }, { $not: { reviewed: true } }] }
 *
 * A dot goes into an object, or into each of the objects of an array; a backslash takes the next character as it stands
 * (`'a\\.b'`: the key "a.b"). A field that holds an array is compared by each of its elements: one that fits is enough. A field that
 * is missing fits nothing but `$ne`, `$nin` and `$exists: false`, which hold where `$eq`, `$in` and `$exists: true` do not; `null`
 * fits a null alone. Types are never converted: 2000 is not "2000", true is not 1. Strings are in order of their code points.
 */
export interface Where {
  readonly $and?: readonly Where[];
  readonly $or?: readonly Where[];
  readonly $not?: Where;
  readonly [path: string]: WhereValue | WhereOperators | Where | readonly Where[] | undefined;
}
