import type { WhereValue } from './where.js';

/** Keys to go through from the metadata to a field, from the outside in. */
export type FieldPath = readonly string[];

/** A `Where` that was read and checked: what is left is what there is to test. */
export type Condition =
  | { readonly kind: 'all' | 'any'; readonly conditions: readonly Condition[] }
  | { readonly kind: 'not'; readonly condition: Condition }
  | { readonly kind: 'exists'; readonly path: FieldPath }
  /** The field is, or holds, one of the values. */
  | { readonly kind: 'among'; readonly path: FieldPath; readonly values: readonly WhereValue[] }
  | {
      readonly kind: 'compared';
      readonly path: FieldPath;
      readonly by: '>' | '>=' | '<' | '<=';
      readonly value: string | number;
    };
