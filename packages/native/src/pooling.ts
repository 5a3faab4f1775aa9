/** Which of a span's token rows make its vector. */
export type Pooling = 'last' | 'first' | 'mean' | 'first+last';
