export type Pooling = 'last' | 'first' | 'mean';
