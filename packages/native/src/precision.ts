/**
 * How the rows of an index are kept: `float32` as they came; `bfloat16` rounded to half the bytes; `int8` as bytes that
 * are read first, with the float32 rows beside them, so that the answers are those of `float32`, bit for bit.
 */
export type Precision = 'float32' | 'bfloat16' | 'int8';
